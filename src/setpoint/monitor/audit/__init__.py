"""Recorded inputs against their source: what differs, and whether that is more than is normal."""

from setpoint.monitor.audit.compare import compared
from setpoint.monitor.audit.sensor import FLOOR, audit, not_audited

__all__ = ["FLOOR", "audit", "compared", "not_audited"]
