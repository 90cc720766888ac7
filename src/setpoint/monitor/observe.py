"""All monitors, one look."""

from setpoint.domain.finding import Finding
from setpoint.monitor.data_quality import data_quality
from setpoint.monitor.drift import sudden_drift
from setpoint.monitor.micro import micro
from setpoint.monitor.process import process
from setpoint.monitor.quality import quality
from setpoint.monitor.release import release
from setpoint.monitor.rules import broken_rules
from setpoint.monitor.seen import Seen
from setpoint.monitor.service import service
from setpoint.monitor.slow import slow_drift

ALWAYS = ("quality", "objective", "service", "process")


def observe(seen: Seen) -> tuple[Finding, ...]:
    """Return every alarm, every objective, and as notes the columns that came at least half way to their limit."""
    window = micro(seen)
    found = (
        *process(seen),
        *data_quality(seen, window),
        *broken_rules(seen, window),
        *sudden_drift(seen, window),
        *quality(seen),
        *release(seen),
        *service(seen),
        *slow_drift(seen),
    )
    return tuple(f for f in found if f.alarm or f.monitor in ALWAYS or f.value >= f.limit / 2)
