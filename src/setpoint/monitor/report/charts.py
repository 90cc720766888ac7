"""The pictures of a report: histories of objectives, service and columns, and distributions."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise

from markupsafe import Markup

from setpoint.monitor.overview.values import Bars, ColumnView, ObjectiveView, Trace
from setpoint.monitor.report import svg
from setpoint.monitor.report.writing import brief, cut, number, share, short

Write = Callable[[float | None], str]
SHARES = ("availability", "error_rate", "failed")
FEW = 9  # levels that stand in a table
MOST_HOVERS = 130  # stretches that each say what they hold when pointed at
HISTOGRAM = 92.0  # height of a distribution


def objective_chart(view: ObjectiveView, starts: Sequence[datetime], every_s: float) -> Markup:
    """Draw an objective's history with its interval, its estimate and the set point."""
    real, said = view.realised, view.estimated
    if real is None or not (real.known or (said and said.known)):
        return Markup("")
    write: Write = share if view.metric in SHARES else number
    beside = said or Trace(name="", values=())
    banded = bool(real.low) and view.metric not in SHARES  # of a day's few failures it spans everything
    plot = svg.plot_of(len(starts), [*real.values, view.target, *beside.values, *(_inner(real) if banded else ())])
    words = [f"{view.name} {write(v)}" + _between(real, at, write) for at, v in enumerate(real.values)]
    side = "at least" if view.higher_is_better else "at most"
    title = f"{view.name} from {short(starts[0])} to {short(starts[-1])}; set point {side} {number(view.target)}"
    return svg.picture(
        title,
        _axes(plot, starts, every_s, _percent if view.metric in SHARES else brief),
        svg.band(plot, real.low, real.high, "sure") if banded else "",
        svg.rule(plot, view.target, "target"),
        svg.line(plot, beside.values, "estimate"),
        svg.line(plot, real.values, "now"),
        _hovers(plot, starts, every_s, words),
    )


def _inner(trace: Trace) -> list[float | None]:
    """Return the bounds, but for those so far out that nothing else could be seen."""
    known = trace.known
    if not known or not trace.low:
        return []
    reach = 1.5 * (max(known) - min(known)) or abs(known[0]) / 2 or 1.0
    bounds = [*trace.low, *trace.high]
    return [b for b in bounds if b is not None and min(known) - reach <= b <= max(known) + reach]


def _between(trace: Trace, at: int, write: Write) -> str:
    if not trace.low or trace.low[at] is None or trace.high[at] is None:
        return ""
    return f" ({write(trace.low[at])} to {write(trace.high[at])})"


def service_chart(traces: Sequence[Trace], starts: Sequence[datetime], every_s: float) -> Markup:
    """Draw requests or failures as bars, latencies as lines, the last one bold; all from zero."""
    plot = svg.plot_of(len(starts), [v for t in traces for v in t.values], zero=True)
    write: Write = share if traces[0].name in SHARES else number
    words = [", ".join(f"{_plain(t)} {write(t.values[at])}" for t in traces) for at in range(len(starts))]
    bars = traces[0].name in ("requests", "failed")
    if bars:
        drawn = [svg.columns(plot, t.values, "now") for t in traces]
    else:
        drawn = [svg.line(plot, t.values, "now" if t is traces[-1] else "estimate") for t in traces]
    return svg.picture(
        f"{' and '.join(map(_plain, traces))} from {short(starts[0])} to {short(starts[-1])}",
        _axes(plot, starts, every_s, _percent if traces[0].name in SHARES else brief),
        *drawn,
        _hovers(plot, starts, every_s, words),
    )


def _plain(trace: Trace) -> str:
    return trace.name.replace("_", " ")


def column_chart(view: ColumnView, starts: Sequence[datetime], every_s: float) -> Markup:
    """Draw a column's history over the band that is natural for it."""
    trace = view.history
    if trace is None or not trace.known:
        return Markup("")
    plot = svg.plot_of(len(starts), [*trace.values, *_near_band(trace), trace.line])
    write: Write = share if trace.name.startswith("share") else number
    words = [f"{cut(trace.name)} {write(v)}" for v in trace.values]
    band = f"; natural is {write(trace.line)} give or take" if trace.low else ""
    return svg.picture(
        f"{cut(trace.name)} of {cut(view.name)} from {short(starts[0])} to {short(starts[-1])}{band}",
        svg.band(plot, trace.low, trace.high, "natural") if trace.low else "",
        _axes(plot, starts, every_s, _percent if write is share else brief),
        svg.rule(plot, trace.line, "reference") if trace.line is not None else "",
        svg.line(plot, trace.values, "alarm" if view.state == "alarm" else "now"),
        _hovers(plot, starts, every_s, words),
    )


def _near_band(trace: Trace) -> list[float | None]:
    """Return the middle bounds of the band: those of stretches of few rows may be far out."""
    if not trace.low:
        return []
    return [_median(trace.low), _median(trace.high)]


def _median(numbers: Sequence[float | None]) -> float | None:
    known = sorted(n for n in numbers if n is not None)
    return known[len(known) // 2] if known else None


def histogram(view: ColumnView, now: str = "now", before: str = "reference") -> Markup:
    """Draw the distribution of a number now over that of the reference; nothing of a few levels."""
    bars = view.bars
    if bars is None or (not bars.edges and len(bars.labels) <= FEW):
        return Markup("")
    count = max(len(bars.reference), len(bars.now))
    plot = svg.plot_of(count, [*bars.reference, *bars.now], zero=True, height=HISTOGRAM)
    names = bars.labels or [f"{brief(a)} to {brief(b)}" for a, b in pairwise(bars.edges)]
    words = [
        f"{name}: {now} {share(_at(bars.now, at))}, {before} {share(_at(bars.reference, at))}"
        for at, name in enumerate(names)
    ]
    top = max([*bars.reference, *bars.now], default=0.0)
    return svg.picture(
        f"distribution of {cut(view.name)}, {now} and {before}",
        svg.axes(plot, [(top, _percent(float(f"{top:.2g}")))], _ends(bars, count)),
        svg.columns(plot, bars.reference, "reference"),
        _steps(plot, bars.now, "alarm" if view.state == "alarm" else "now"),
        svg.hovers(plot, words),
        height=HISTOGRAM,
    )


def _ends(bars: Bars, count: int) -> list[tuple[float, str]]:
    """Return what stands below the first, the middle and the last bar."""
    if bars.labels:
        return [(0.0, bars.labels[0]), (count // 2 + 0.5, bars.labels[count // 2]), (float(count), bars.labels[-1])]
    return [(float(at), brief(bars.edges[at])) for at in (0, count // 2, count)]


def _at(shares: Sequence[float], at: int) -> float | None:
    return shares[at] if shares else None


def _steps(plot: svg.Plot, shares: Sequence[float], class_: str) -> Markup:
    """Draw shares as an outline, so that what is behind it stays to be seen."""
    if not shares:
        return Markup("")
    floor = plot.y(0.0)
    path = f"M{plot.x(0):g},{floor:g}" + "".join(f"V{plot.y(s):g}H{plot.x(at + 1):g}" for at, s in enumerate(shares))
    return svg.tag("path", class_=f"line steps {class_}", d=f"{path}V{floor:g}")


def levels(bars: Bars | None) -> list[tuple[str, float | None, float | None]]:
    """Return the levels with their shares in the reference and now; none of a number."""
    if bars is None or not 0 < len(bars.labels) <= FEW:
        return []
    return [(name, _at(bars.reference, at), _at(bars.now, at)) for at, name in enumerate(bars.labels)]


def _axes(plot: svg.Plot, starts: Sequence[datetime], every_s: float, write: Callable[[float], str]) -> Markup:
    hours = every_s < 86_400
    ticks = [(v, write(v)) for v in svg.ticks_of(plot.low, plot.high)]
    places = [0, len(starts) // 2, len(starts) - 1] if len(starts) > 2 else list(range(len(starts)))
    labels = [(float(at) + (at == len(starts) - 1), short(starts[at], hours=hours)) for at in places]
    return svg.axes(plot, ticks, labels)


def _percent(value: float) -> str:
    return f"{100 * value:.4g} %"


def _hovers(plot: svg.Plot, starts: Sequence[datetime], every_s: float, words: Sequence[str]) -> Markup:
    hours = every_s < 86_400
    if len(starts) > MOST_HOVERS:
        return Markup("")
    return svg.hovers(plot, [f"{short(at, hours=hours)}: {said}" for at, said in zip(starts, words, strict=True)])
