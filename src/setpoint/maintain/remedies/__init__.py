"""Repairs of columns, each built from what healthy rows and the rows since the fault show, and proven by scoring again.

A builder returns None where there is no such repair: the column is sensitive or under a repair already, it is of
another kind, or nothing that is known of it tells what to put in place.
"""

from setpoint.maintain.remedies.ignore import ignore_repair
from setpoint.maintain.remedies.impute import impute_repair
from setpoint.maintain.remedies.levels import levels_repair
from setpoint.maintain.remedies.proof import Proven, proven
from setpoint.maintain.remedies.sourced import sourced_repair
from setpoint.maintain.remedies.swap import swap_repair

__all__ = ["Proven", "ignore_repair", "impute_repair", "levels_repair", "proven", "sourced_repair", "swap_repair"]
