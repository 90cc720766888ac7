"""Small pictures as inline SVG; the page's style sheet gives their classes colour."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from setpoint.monitor.overview.values import Numbers

WIDTH, HEIGHT = 360.0, 116.0  # of a picture, in pixels where nothing is scaled
LEFT, RIGHT, TOP, BOTTOM = 46.0, 8.0, 8.0, 18.0
LARGEST = 1e300  # beyond, differences of numbers are infinite


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Where numbers lie in a picture: `count` stretches from left to right, `low` to `high` from below to above."""

    count: int
    low: float
    high: float
    height: float = HEIGHT

    def x(self, place: float) -> float:
        """Return where a stretch begins; halves are its middle."""
        return round(LEFT + (WIDTH - LEFT - RIGHT) * place / max(self.count, 1), 1)

    def y(self, number: float) -> float:
        """Return the height of a number; what is outside is at the edge."""
        share = (min(max(number, self.low), self.high) / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return round(TOP + (1 - share) * (self.height - TOP - BOTTOM), 1)


def tag(name: str, *inside: str, **attributes: object) -> Markup:
    """Write an element; what is not Markup is escaped, and `_` in an attribute's name is a hyphen."""
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, Markup("").join(inside))


def picture(title: str, *parts: str, height: float = HEIGHT) -> Markup:
    """Return a picture that says in words what it shows."""
    return tag(
        "svg", tag("title", title), *parts, viewBox=f"0 0 {WIDTH:g} {height:g}", role="img", aria_label=title,
        class_="plot",
    )  # fmt: skip


def plot_of(count: int, numbers: Iterable[float | None], *, zero: bool = False, height: float = HEIGHT) -> Plot:
    """Return a plot that holds all numbers with a margin; `zero` where 0 must be in it."""
    known = [min(max(n, -LARGEST), LARGEST) for n in numbers if n is not None and not math.isnan(n)]
    known += [0.0] if zero or not known else []
    low, high = min(known), max(known)
    if not high / 2 - low / 2 > 0:  # equal, or as near as halves can tell
        margin = abs(high) / 10 or 1.0
        low, high = low if zero and low == 0 else low - margin, high + margin
    margin = (high / 2 - low / 2) * 0.12
    return Plot(count=count, low=low if zero and low == 0 else low - margin, high=high + margin, height=height)


def line(plot: Plot, values: Numbers, class_: str) -> Markup:
    """Draw numbers through the middles of their stretches, with a gap where one is missing; single ones are dots."""
    path, dots, pen = "", [], "M"
    for at, number in enumerate(values):
        if number is None:
            pen = "M"
            continue
        path += f"{pen}{plot.x(at + 0.5):g},{plot.y(number):g}"
        alone = pen == "M" and (at + 1 == len(values) or values[at + 1] is None)
        dots += [tag("circle", class_=f"dot {class_}", cx=plot.x(at + 0.5), cy=plot.y(number), r=2.4)] if alone else []
        pen = "L"
    return Markup("").join([tag("path", class_=f"line {class_}", d=path), *dots])


def band(plot: Plot, low: Numbers, high: Numbers, class_: str) -> Markup:
    """Fill what is between two series, stretch by stretch."""
    path = ""
    for run in _runs(low, high):
        above = [f"{plot.x(at + half):g},{plot.y(high[at] or 0):g}" for at in run for half in (0, 1)]
        below = [f"{plot.x(at + half):g},{plot.y(low[at] or 0):g}" for at in reversed(run) for half in (1, 0)]
        path += "M" + "L".join([*above, *below]) + "Z"
    return tag("path", class_=f"band {class_}", d=path)


def _runs(low: Numbers, high: Numbers) -> list[list[int]]:
    """Return the places of neighbours where both series are known."""
    runs: list[list[int]] = []
    for at, pair in enumerate(zip(low, high, strict=True)):
        if None in pair:
            continue
        if runs and runs[-1][-1] == at - 1:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


def columns(plot: Plot, values: Numbers, class_: str) -> Markup:
    """Draw a bar for each stretch."""
    wide = round((WIDTH - LEFT - RIGHT) / max(plot.count, 1) * 0.76, 1)
    floor = plot.y(max(0.0, plot.low))
    path = "".join(
        f"M{plot.x(at + 0.12):g},{floor:g}V{plot.y(v):g}h{wide:g}V{floor:g}Z"
        for at, v in enumerate(values)
        if v is not None
    )
    return tag("path", class_=f"bar {class_}", d=path)


def rule(plot: Plot, number: float, class_: str) -> Markup:
    """Draw a level to compare with."""
    y = plot.y(number)
    return tag("line", class_=f"rule {class_}", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)


def axes(plot: Plot, ticks: Sequence[tuple[float, str]], labels: Sequence[tuple[float, str]]) -> Markup:
    """Draw grid lines at numbers, and words below at places of stretches."""
    parts = []
    for number, text in ticks:
        y = plot.y(number)
        parts.append(tag("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y))
        parts.append(tag("text", text, class_="axis", x=LEFT - 5, y=y + 3.5, text_anchor="end"))
    for at, (place, text) in enumerate(labels):
        anchor = "start" if at == 0 else "end" if at == len(labels) - 1 else "middle"
        parts.append(tag("text", text, class_="axis", x=plot.x(place), y=plot.height - 4, text_anchor=anchor))
    return Markup("").join(parts)


def hovers(plot: Plot, words: Sequence[str]) -> Markup:
    """Cover each stretch with a surface that says what is there when it is pointed at."""
    wide = round((WIDTH - LEFT - RIGHT) / max(plot.count, 1), 1)
    high = plot.height - TOP - BOTTOM
    return Markup("").join(
        tag("rect", tag("title", said), class_="hover", x=plot.x(at), y=TOP, width=wide, height=high)
        for at, said in enumerate(words)
    )


def ticks_of(low: float, high: float, most: int = 4) -> list[float]:
    """Return a few round numbers inside an interval."""
    span = high / 2 - low / 2
    if not (math.isfinite(span) and span > 0):
        return [low]
    step = 10.0 ** math.floor(math.log10(span))
    step = next((step * s for s in (0.25, 0.5, 1, 2, 2.5, 5, 10) if 2 * span / (step * s) <= most), step * 20)
    first = math.ceil(low / step)
    found = [(first + at) * step for at in range(most + 2) if (first + at) * step <= high]
    return found or [low]
