"""The verdict on a version that takes over traffic: it may be asked for at any time, and as often as one likes."""

from setpoint.deploy.evidence.forecast import forecast, lasting
from setpoint.deploy.evidence.freeze import freeze
from setpoint.deploy.evidence.judge import judge, verdict

__all__ = ["forecast", "freeze", "judge", "lasting", "verdict"]
