"""The `alerts:` section of setpoint.yaml."""

import re
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, model_validator

from setpoint.config.units import SECONDS, Duration, Part
from setpoint.errors import InvalidInput


class QuietPart(Part):
    """What `quiet:` says: minutes since midnight in a time zone."""

    start: int
    end: int
    zone: str = "UTC"


def quiet_hours(text: Any) -> QuietPart:
    """Return a stretch of the day like `22:00-07:00` or `22:00-07:00 Europe/Berlin`.

    Raises
    ------
    InvalidInput
        If the text is none, or names no time zone.
    """
    clock = r"([01]?\d|2[0-3]):([0-5]\d)"
    match = re.fullmatch(rf"\s*{clock}\s*-\s*{clock}(?:\s+(\S+))?\s*", str(text))
    if not match:
        raise InvalidInput(
            f"{text!r} is no stretch of the day; write 22:00-07:00, with a time zone if it is not in UTC: "
            "22:00-07:00 Europe/Berlin"
        )
    start, end = (60 * int(match[i]) + int(match[i + 1]) for i in (1, 3))
    zone = match[5] or "UTC"
    try:
        ZoneInfo(zone)
    except (ValueError, KeyError, OSError) as e:  # no name, not found, or a folder of zones
        raise InvalidInput(f"{zone!r} is no time zone; write one like Europe/Berlin, or none for UTC") from e
    return QuietPart(start=start, end=end, zone=zone)


Channels = Annotated[list[str], BeforeValidator(lambda given: [given] if isinstance(given, str) else given)]


class AlertsPart(Part):
    """The `alerts:` section: whom incidents are told."""

    to: Channels | None = None
    at_least: Literal["warning", "critical"] = "warning"
    remind: Duration = 4 * SECONDS["h"]
    quiet: Annotated[QuietPart, BeforeValidator(quiet_hours)] | None = None

    @model_validator(mode="after")
    def _bearable(self) -> "AlertsPart":
        if self.remind < SECONDS["m"]:
            raise ValueError("remind is a minute at least: write 1m or more")
        return self
