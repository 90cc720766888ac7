"""The pictures of an incident: the loss over time with the change, and how likely each cause was thought."""

from dataclasses import replace
from datetime import datetime, timedelta

from markupsafe import Markup

from setpoint.domain.incident import Incident
from setpoint.loop.record.story import Course
from setpoint.monitor.report import svg
from setpoint.monitor.report.writing import brief, clock, cut, number, short

SURE_ENOUGH = 0.7
MOST_LINES = 5
LEAST = 0.01  # that a cause weighed once, to have a line
TALL = 150.0
LETTER = 7.2  # most that a letter of a mark is wide, in pixels
ROWS = 3  # of marks, one above the other
ROW = 11.0  # height of one


def loss_chart(course: Course, incident: Incident) -> Markup:
    """Draw the mean loss by stretch, what healthy rows lose, the change, and what was done."""
    first, length = course.starts[0], course.every * len(course.starts)
    healthy = incident.harm.healthy if incident.harm else None
    bare = svg.plot_of(len(course.starts), [*course.loss, healthy], height=TALL)
    plot = _below_marks(bare)
    said = [f"{clock(at)}: {course.metric} {number(loss)}" for at, loss in zip(course.starts, course.loss, strict=True)]
    ticks = [(v, brief(v)) for v in svg.ticks_of(bare.low, bare.high)]
    return svg.picture(
        f"{course.metric} from {clock(first)} to {clock(first + length)}, with the change and what was done",
        _change(plot, incident, first, course.every),
        svg.axes(plot, ticks, _times(first, length, plot.count)),
        svg.rule(plot, healthy, "reference") if healthy is not None else "",
        _marks(plot, incident, first, course.every),
        svg.line(plot, course.loss, "now"),
        svg.hovers(plot, said),
        height=TALL,
    )


def _below_marks(plot: svg.Plot) -> svg.Plot:
    """Return the plot with room above its numbers for the names of marks."""
    room = TALL - svg.TOP - svg.BOTTOM
    share = ROWS * ROW / room
    return replace(plot, high=min(plot.low + (plot.high - plot.low) / (1 - share), svg.LARGEST))


def _change(plot: svg.Plot, incident: Incident, first: datetime, every: timedelta) -> Markup:
    """Fill the interval in which the change lies, a pixel or two at least."""
    after, before = incident.began or (incident.since, incident.since)
    x, end = (_inside(plot, plot.x((when - first) / every)) for when in (after, before))
    return svg.tag(
        "rect", class_="change", x=x, y=svg.TOP, width=max(round(end - x, 1), 2), height=TALL - svg.TOP - svg.BOTTOM
    )


def _inside(plot: svg.Plot, x: float) -> float:
    return min(max(x, plot.x(0)), plot.x(plot.count))


def _marks(plot: svg.Plot, incident: Incident, first: datetime, every: timedelta) -> Markup:
    """Draw a line where it was found, mended and well again, each with its name; a name keeps off the last one."""
    repair = incident.repair
    known = {"found": incident.opened, "mended": repair.applied if repair else None, "recovered": incident.recovered}
    parts, taken = [], dict.fromkeys(range(ROWS), -1.0)
    for name, when in known.items():
        place = (when - first) / every if when else -1.0
        if not 0 <= place <= plot.count:
            continue
        x, wide = plot.x(place), LETTER * len(name)
        left = min(x + 3, svg.WIDTH - svg.RIGHT - wide)
        row = next((r for r, end in taken.items() if end < left), ROWS - 1)
        taken[row] = left + wide
        bottom = TALL - svg.BOTTOM
        parts.append(svg.tag("line", class_="mark-line", x1=x, x2=x, y1=svg.TOP, y2=bottom))
        parts.append(svg.tag("text", name, class_="axis mark-name", x=round(left, 1), y=svg.TOP + 9 + ROW * row))
    return Markup("").join(parts)


def _times(first: datetime, length: timedelta, count: int) -> list[tuple[float, str]]:
    hours = length <= timedelta(days=4)
    return [(count * part, short(first + part * length, hours=hours)) for part in (0.0, 0.5, 1.0)]


def weights_chart(incident: Incident) -> Markup:
    """Draw the weight of the likeliest causes look by look, from the one at which it was found; nothing of one look."""
    looks = incident.rankings
    if len(looks) < 2:
        return Markup("")
    first, length = looks[0].at, looks[-1].at - looks[0].at
    plot = svg.Plot(count=1, low=0.0, high=1.0, height=TALL)
    lines = []
    for at, (cause, subject) in enumerate(leading(incident)):
        weights = [next((w.weight for w in r.weights if (w.cause, w.subject) == (cause, subject)), 0.0) for r in looks]
        spots = [(plot.x((r.at - first) / length), plot.y(w)) for r, w in zip(looks, weights, strict=True)]
        path = "M" + "L".join(f"{x:g},{y:g}" for x, y in spots)
        dots = [svg.tag("circle", class_=f"dot w{at}", cx=x, cy=y, r=2.4) for x, y in spots]
        told = svg.tag("title", f"{cause} of {cut(subject)}: {weights[-1]:.2f}")
        lines.append(svg.tag("g", told, svg.tag("path", class_=f"line w{at}", d=path), *dots))
    return svg.picture(
        f"weight of each cause from {clock(looks[0].at)} to {clock(looks[-1].at)}",
        svg.axes(plot, [(0.0, "0"), (0.5, "0.5"), (1.0, "1")], _times(first, length, 1)),
        svg.rule(plot, SURE_ENOUGH, "reference"),
        *reversed(lines),
        height=TALL,
    )


def leading(incident: Incident) -> list[tuple[str, str]]:
    """Return the causes that ever weighed most, each with what it is about; at most five."""
    most: dict[tuple[str, str], float] = {}
    for ranking in incident.rankings:
        for w in ranking.weights:
            key = (str(w.cause), w.subject)
            most[key] = max(most.get(key, 0.0), w.weight)
    kept = [key for key in sorted(most, key=lambda k: (-most[k], k)) if most[key] >= LEAST]
    return kept[:MOST_LINES]
