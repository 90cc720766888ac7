"""The `audit:` section of setpoint.yaml: where recorded inputs can be fetched again."""

from pydantic import Field

from setpoint.config.units import Part

PER_DAY, MOST_PER_DAY = 96, 10_000


class AuditPart(Part):
    """A function of the user's that says what the source holds, and of how many records a day it is asked."""

    function: str
    rows_per_day: int = Field(default=PER_DAY, ge=1, le=MOST_PER_DAY)
