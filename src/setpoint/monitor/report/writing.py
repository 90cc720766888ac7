"""How reports write numbers, shares and times."""

import math
from datetime import datetime

NONE = "–"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def number(value: float | None) -> str:
    """Write a number in four digits, a dash for none."""
    if value is None or not math.isfinite(value):
        return NONE
    return (f"{value:,.0f}" if 10_000 <= abs(value) < 1e9 else f"{value:.4g}").replace("-", "−")


def cut(text: str, most: int = 60) -> str:
    """Return a text that is not too long to be read."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def brief(value: float) -> str:
    """Write a number for an axis: `12k`, `0.25`, `1e+06`."""
    if value and abs(value) >= 1e9:
        return f"{value:.0e}".replace("e+0", "e").replace("e+", "e").replace("-", "−")
    for unit, size in (("M", 1e6), ("k", 1e4)):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.3g}{unit}".replace("-", "−")
    return (f"{value:.0f}" if abs(value) >= 999.5 else f"{value:.3g}").replace("-", "−")


def share(value: float | None) -> str:
    """Write a share in percent; what is not quite nothing or all is not written so."""
    if value is None or not math.isfinite(value):
        return NONE
    if 0 < value < 0.0005:
        return "<0.1 %"
    if 0.9995 <= value < 1:
        return f"{100 * value:.4g} %" if 100 * value < 99.995 else ">99.99 %"
    return f"{100 * value:.1f} %" if value not in (0, 1) else f"{100 * value:.0f} %"


def day(when: datetime) -> str:
    """Write a day: `4 Jun 2012`."""
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def short(when: datetime, *, hours: bool = False) -> str:
    """Write a day for an axis: `4 Jun`, with the hour where stretches are hours."""
    return f"{when.day} {MONTHS[when.month - 1]}" + (f" {when:%H:%M}" if hours else "")


def clock(when: datetime | None) -> str:
    """Write a time to the minute: `4 Jun 2012, 06:00`."""
    return f"{day(when)}, {when:%H:%M}" if when else NONE


def span(seconds: float) -> str:
    """Write a length of time: `7 d`."""
    for unit, length in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.0f} s"
