"""What pictures over time are drawn with, as inline SVG; the page's style sheet gives their classes colour."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup

from setpoint.monitor.report.svg import tag

LANE = 17.0  # height of a row of labels
LETTER = 0.58  # width of a letter, in font sizes
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a picture is drawn; lengths in SVG units, which are pixels where nothing is scaled."""

    name: str
    width: float
    height: float  # of the plot alone
    left: float
    right: float
    font: float
    months: int  # between two labels of the time axis


WIDE = Size(name="wide", width=960, height=290, left=38, right=34, font=12.5, months=1)
NARROW = Size(name="narrow", width=358, height=210, left=30, right=28, font=11, months=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A linear map of values to SVG units."""

    first: float
    last: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return where a value lies."""
        share = (value - self.first) / (self.last - self.first)
        return round(self.start + share * (self.end - self.start), 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The weekly picture's scales, and the heights at which its parts begin; `top` is that of the plot."""

    size: Size
    x: Scale  # of seconds since the epoch
    y: Scale
    flags: float
    top: float
    bottom: float


def rows_of(spans: Sequence[tuple[float, float]]) -> list[int]:
    """Return a row for each label, 0 the lowest, so that none meets another or the pole that another stands on.

    A label reaches from its pole to the right, and its pole reaches down through all lower rows.
    """
    rows: dict[int, int] = {}
    for i in sorted(range(len(spans)), key=lambda i: spans[i][0], reverse=True):
        met = [row for j, row in rows.items() if spans[j][0] < spans[i][1]]
        rows[i] = 1 + max(met, default=-1)
    return [rows[i] for i in range(len(spans))]


def nice_ticks(low: float, high: float) -> list[float]:
    """Return about five round values that enclose an interval."""
    span = (high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power * 5 >= span * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [i * step for i in range(first, max(last, first + 1) + 1)]


def is_number(value: object) -> bool:
    """Whether a value can be drawn: a finite number."""
    return isinstance(value, int | float) and math.isfinite(value)


def moment(text: str) -> datetime:
    """Read an ISO time; one without a zone is UTC."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def day(text: str) -> str:
    """Write the day of an ISO time as people do: `4 Jun 2012`."""
    at = moment(text)
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}"


def svg(size: Size, height: float, title: str, *parts: str) -> Markup:
    """Return a picture that says in words what it shows."""
    box = f"0 0 {size.width:g} {height:g}"
    return tag("svg", *parts, class_=f"chart {size.name}", viewBox=box, role="img", aria_label=title)


def gridline(frame: Frame, tick: float) -> Markup:
    """Draw a line at a number, with the number beside it."""
    y, right = frame.y(tick), frame.x.end
    return tag(
        "g",
        tag("line", class_="grid" if tick else "zero", x1=frame.x.start, x2=right, y1=y, y2=y),
        tag("text", f"{tick:,g}", class_="axis", x=frame.x.start - 6, y=y + 4, text_anchor="end"),
    )


def months_axis(frame: Frame, first: datetime, last: datetime) -> list[Markup]:
    """Draw a tick where each month begins, its name at every so many, and the year at January and the first name."""
    starts = [datetime(y, m, 1, tzinfo=UTC) for y in range(first.year, last.year + 1) for m in range(1, 13)]
    shown = [at for at in starts if first <= at < last]
    named = [at for at in shown if (at.month - 1) % frame.size.months == 0]
    named = [at for at in named if frame.x(at.timestamp()) < frame.x.end - 10]
    parts = [
        tag("line", class_="zero", x1=x, x2=x, y1=frame.bottom, y2=frame.bottom + (6 if at in named else 3))
        for at in shown
        for x in [frame.x(at.timestamp())]
    ]
    for at in named:
        x = frame.x(at.timestamp())
        parts.append(tag("text", MONTHS[at.month - 1], class_="axis", x=x, y=frame.bottom + 18, text_anchor="middle"))
        if at.month == 1 or at == named[0]:
            parts.append(tag("text", f"{at.year}", class_="axis year", x=x, y=frame.bottom + 33, text_anchor="middle"))
    return parts
