"""The pictures of a replay's report: the race, what it spared so far, and what each policy did when."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from setpoint.domain.fleet import Deployment
from setpoint.loop.replay.report.buckets import Stretch
from setpoint.loop.replay.report.drawing import MONTHS, Frame, Scale, Size, gridline, nice_ticks, svg
from setpoint.monitor.report.svg import tag

Points = Sequence[tuple[datetime, float | None]]
MARKS = {
    "promote": "flag",
    "restore": "flag",
    "release": "flag",
    "reject": "rejected",
    "fit": "trained",
    "mend": "mended",
    "undo": "mended",
    "lift": "mended",
}
LABELS = {"wide": 7, "narrow": 3}  # dates below the picture
AXIS = 24.0


def line_chart(
    series: Mapping[str, Points], size: Size, title: str, unit: str, *, incidents: Deployment | None = None
) -> Markup:
    """Draw a line for each policy over time; the stretches of a deployment's incidents are bands behind them."""
    ticks = _ticks(series)
    frame = _frame(series, size, ticks)
    return svg(
        size,
        frame.bottom + AXIS,
        title,
        *(_bands(frame, incidents) if incidents else ()),
        *(gridline(frame, tick) for tick in ticks),
        tag("text", unit, class_="axis", x=2, y=11),
        *_dates(frame),
        *(_line(frame, points, f"p{at}") for at, points in reversed(list(enumerate(series.values())))),
        *_columns(frame, series),
    )


def lanes_chart(deployments: Mapping[str, Deployment], first: datetime, last: datetime, size: Size) -> Markup:
    """Draw a lane for each policy with a mark at each thing that it did."""
    high = 30.0
    bottom = 10 + high * len(deployments)
    frame = Frame(
        size=size,
        x=_times(first, last, size),
        y=Scale(first=0, last=1, start=bottom, end=0),
        flags=0,
        top=0,
        bottom=bottom,
    )
    return svg(
        size,
        bottom + AXIS,
        "What each policy did when",
        *(part for row, (name, d) in enumerate(deployments.items()) for part in _lane(frame, name, d, row, high)),
        *_dates(frame),
    )


def points_of(stretches: Sequence[Stretch], name: str) -> Points:
    """Return one of a stretch's figures at the middle of each."""
    return [(s.since + (s.until - s.since) / 2, getattr(s, name)) for s in stretches]


def brief(number: float) -> str:
    """Write a number in four digits, in full from 10,000."""
    written = f"{number:,.0f}" if 10_000 <= abs(number) < 1e12 else f"{number:,.4g}"
    return written.replace("-", "−")


def _ticks(series: Mapping[str, Points]) -> list[float]:
    """Return round numbers that enclose all values, and 0 where that is near."""
    values = [v for points in series.values() for _, v in points if v is not None] or [0.0, 1.0]
    low, high = min(values), max(values)
    return nice_ticks(0.0 if 0 <= low < 0.6 * high else low, high)


def _frame(series: Mapping[str, Points], size: Size, ticks: Sequence[float]) -> Frame:
    times = [at for points in series.values() for at, _ in points]
    top = 24.0
    return Frame(
        size=size,
        x=_times(min(times), max(times), size),
        y=Scale(first=ticks[0], last=ticks[-1], start=top + size.height, end=top),
        flags=top,
        top=top,
        bottom=top + size.height,
    )


def _times(first: datetime, last: datetime, size: Size) -> Scale:
    start, end = first.timestamp(), last.timestamp()
    left = size.left + 18
    return Scale(first=start, last=end if end > start else start + 1, start=left, end=size.width - size.right)


def _dates(frame: Frame) -> list[Markup]:
    """Write a few dates below, from the first to the last."""
    count, x = LABELS[frame.size.name], frame.x
    parts = []
    for at in range(count):
        second = x.first + (x.last - x.first) * at / (count - 1)
        when = datetime.fromtimestamp(second, UTC)
        anchor = "start" if at == 0 else "end" if at == count - 1 else "middle"
        text = f"{when.day} {MONTHS[when.month - 1]} {when.year}"
        parts.append(tag("text", text, class_="axis", x=x(second), y=frame.bottom + 18, text_anchor=anchor))
    return [tag("line", class_="zero", x1=x.start, x2=x.end, y1=frame.bottom, y2=frame.bottom), *parts]


def _line(frame: Frame, points: Points, class_: str) -> Markup:
    path, pen = "", "M"
    for at, number in points:
        if number is None:
            pen = "M"
            continue
        path += f"{pen}{frame.x(at.timestamp()):g},{frame.y(number):g}"
        pen = "L"
    return tag("path", class_=f"line {class_}", d=path)


def _columns(frame: Frame, series: Mapping[str, Points]) -> list[Markup]:
    """Cover each point's stretch with a surface that says what every policy has there."""
    times = [at for at, _ in next(iter(series.values()))]
    half = (frame.x.end - frame.x.start) / max(len(times) - 1, 1) / 2
    by_time = {name: dict(points) for name, points in series.items()}
    parts = []
    for at in times:
        said = [f"{n}: {'–' if (v := of.get(at)) is None else brief(v)}" for n, of in by_time.items()]
        x = max(frame.x(at.timestamp()) - half, frame.x.start)
        words = "\n".join([f"{at.day} {MONTHS[at.month - 1]} {at.year}", *said])
        parts.append(
            tag(
                "rect", tag("title", words), class_="week", x=round(x, 2), y=frame.top, width=round(2 * half, 2),
                height=frame.bottom - frame.top,
            )
        )  # fmt: skip
    return parts


def _bands(frame: Frame, deployment: Deployment) -> list[Markup]:
    """Draw the stretches of incidents, from where they began to where they were closed."""
    parts = []
    for incident in deployment.incidents:
        start, stop = (
            _at(frame, incident.since),
            frame.x.end if incident.closed is None else _at(frame, incident.closed),
        )
        cause = incident.causes[0].cause if incident.causes else "no cause found"
        words = f"{incident.subject}: {cause}\nfrom {incident.since:%Y-%m-%d}"
        width = max(stop - start, 2.0)
        height = frame.bottom - frame.top
        parts.append(
            tag("rect", tag("title", words), class_="fault", x=start, y=frame.top, width=round(width, 2), height=height)
        )
    return parts


def _at(frame: Frame, when: datetime) -> float:
    return min(max(frame.x(when.timestamp()), frame.x.start), frame.x.end)


def _lane(frame: Frame, name: str, deployment: Deployment, row: int, high: float) -> list[Markup]:
    y = 10 + high * row + 18
    shown = name if len(name) <= 26 else f"{name[:25]}…"
    parts = [
        tag("text", shown, class_="axis", x=2, y=y - 12),
        tag("line", class_="grid", x1=frame.x.start, x2=frame.x.end, y1=y, y2=y),
    ]
    for d in deployment.decisions:
        mark = MARKS.get(d.action)
        if mark is None:
            continue
        x = _at(frame, d.at)
        words = tag("title", f"{d.at:%Y-%m-%d %H:%M} {d.action} {d.subject}\n{d.why}")
        parts.append(tag("g", words, _mark(mark, x, y)))
    return parts


def _mark(mark: str, x: float, y: float) -> Markup:
    match mark:
        case "flag":
            pole = tag("line", class_="pole", x1=x, x2=x, y1=y - 12, y2=y)
            return Markup("").join([pole, tag("path", class_="flag", d=f"M{x:g},{y - 13:g}l9,4l-9,4z")])
        case "rejected":
            return tag("circle", class_="rejected", cx=x, cy=y, r=4.2)
        case "mended":
            return tag("path", class_="mended", d=f"M{x:g},{y - 6:g}l6,6l-6,6l-6,-6z")
        case _:
            return tag("line", class_="trained", x1=x, x2=x, y1=y - 5, y2=y + 5)
