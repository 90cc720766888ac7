"""The `rollout:` section of setpoint.yaml: how traffic moves to a new version."""

import re
from datetime import date
from itertools import pairwise
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from setpoint.config.units import SECONDS, Duration, Part, fraction, nearest
from setpoint.errors import InvalidInput

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKLY = re.compile(rf"({'|'.join(DAYS)}) ([01]?\d|2[0-3]):([0-5]\d)")
Share = Annotated[float, BeforeValidator(fraction), Field(ge=0, lt=1)]
Margin = Annotated[float, BeforeValidator(fraction), Field(gt=0, lt=1)]


class FreezePart(Part):
    """What one entry of `freeze:` says."""

    start: int = 0
    end: int = 0
    first: date | None = None
    last: date | None = None
    zone: str = "UTC"


def window(text: Any) -> FreezePart:
    """Return a window like `fri 16:00 - mon 08:00 Europe/Berlin`, or like `2026-12-20 - 2027-01-05`.

    Raises
    ------
    InvalidInput
        If the text is none, or names no time zone.
    """
    begin, dash, rest = str(text).strip().partition(" - ")
    end, _, zone = rest.strip().rpartition(" ") if "/" in rest or rest.strip().endswith("UTC") else (rest, "", "")
    zone = _zone(zone or "UTC")
    minutes = [WEEKLY.fullmatch(side.strip().lower()) for side in (begin, end)]
    if minutes[0] and minutes[1]:
        start_min, end_min = (24 * 60 * DAYS.index(m[1]) + 60 * int(m[2]) + int(m[3]) for m in minutes if m)
        return FreezePart(start=start_min, end=end_min, zone=zone)
    try:
        first, last = (date.fromisoformat(side.strip()) for side in (begin, end))
    except ValueError as e:
        raise InvalidInput(
            f"{text!r} is no freeze window; write fri 16:00 - mon 08:00, or 2026-12-20 - 2027-01-05, with a time zone "
            "if it is not in UTC: fri 16:00 - mon 08:00 Europe/Berlin"
        ) from e
    if not dash or last < first:
        raise InvalidInput(f"{text!r} ends before it begins")
    return FreezePart(first=first, last=last, zone=zone)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError) as e:  # no name, not found, or a folder of zones
        raise InvalidInput(f"{name!r} is no time zone; write one like Europe/Berlin, or none for UTC") from e
    return name


class StepPart(Part):
    """One of the `steps:`: a share, and where it is another than usual, how long and how many requests at least."""

    share: Share
    least: Duration | None = None
    requests: int | None = Field(default=None, ge=1)


class MarginsPart(Part):
    """What a version may be worse by; shares of requests, or of what the champion has."""

    errors: Margin = 0.005
    violations: Margin = 0.005
    latency: Margin = 0.2
    quality: Margin = 0.05
    value: Margin = 0.05
    disagreement: Margin | None = None


def _step(given: Any) -> Any:
    return given if isinstance(given, dict) else {"share": given}


Steps = list[Annotated[StepPart, BeforeValidator(_step)]]
Level = str | bool | float
BETTER = ("quality", "value", "errors", "latency p95", "latency p99")


class RolloutPart(Part):
    """The `rollout:` section: by which steps, when not, on which part of the traffic, and under which terms."""

    steps: Annotated[Steps, Field(min_length=1)] | None = None
    least: Duration = SECONDS["h"]
    requests: int = Field(default=500, ge=1)
    freeze: list[Annotated[FreezePart, BeforeValidator(window)]] = []
    segment: dict[str, Annotated[list[Level], Field(min_length=1)]] = {}
    callers: list[str] = []
    alpha: Annotated[float, BeforeValidator(fraction), Field(gt=0, le=0.5)] = 0.05
    margins: MarginsPart = MarginsPart()
    better: str = ""
    most: Duration = 14 * SECONDS["d"]

    @model_validator(mode="after")
    def _rising(self) -> "RolloutPart":
        shares = [step.share for step in self.steps or ()]
        if any(later <= earlier for earlier, later in pairwise(shares)):
            written = ", ".join(f"{share:.6g}" for share in shares)
            raise ValueError(f"steps: {written}: each share must be larger than the one before; 0 is the shadow")
        if self.better and self.better not in BETTER:
            raise ValueError(f"better: {self.better!r}{nearest(self.better, BETTER)}; known: {', '.join(BETTER)}")
        return self
