"""A proposal as lines of a setpoint.yaml: what is to be held, and as comments what is worth a thought."""

import math

from setpoint.config.metrics import EVERY
from setpoint.config.units import duration
from setpoint.monitor.proposed import Proposal, Watch, quantity

BINARY_GAIN = (
    "  # - {metric: value_per_decision, at_least: 0, gain: {tp: 10, fp: -2, fn: -6, tn: 0}}  # what decisions bring you"
)


def objective_lines(proposal: Proposal) -> list[str]:
    """Return the lines under `objectives:`, each with what it sees."""
    quality = proposal.of("quality")
    lines = [f"  # measured by {proposal.how}"] if quality else ["  # no quality metric has a value on the reference"]
    for w in quality:
        lines += _quality(w)
    if proposal.task == "binary":
        lines.append(BINARY_GAIN)
    lines += [_service(w) for w in proposal.of("service") if w.metric in EVERY]
    return [*lines, "  # More: `setpoint monitor propose .` says what each monitor sees, and from how many records"]


def _quality(w: Watch) -> list[str]:
    side = "at_least" if w.at_least else "at_most"
    top = f", top: {w.top:g}" if w.top is not None else ""
    season = f", season: {w.season}" if w.season is not None else ""
    bound = digits(w.limit or 0.0, up=not w.at_least)
    line = f"- {{metric: {w.metric}, {side}: {bound}{top}{season}, window: {duration(w.window_s)}}}"
    interval = "" if w.low is None else f" ({w.low:.4g} to {w.high:.4g})"
    return [
        f"  # {w.metric}: {w.why}",
        f"  # measured {w.measured:.4g}{interval}; {_sees(w)}",
        f"  {'' if w.held else '# '}{line}",
    ]


def _sees(w: Watch) -> str:
    """Say in a line what the window shows."""
    said = w.remark[:1].lower() + w.remark[1:]
    if w.smallest is None:
        return said
    seen = (w.measured or 0.0) + (-w.smallest if w.at_least else w.smallest)
    shown = f"{duration(w.window_s)} ({quantity(w.rows)} outcomes) show {seen:.3g} in 4 of 5 cases"
    return f"{shown}; {said}" if said else shown


def _service(w: Watch) -> str:
    side = "at_least" if w.at_least else "at_most"
    meaning = {
        "latency_p99_ms": "99 of 100 answers within this time",
        "availability": "share of valid requests that are answered",
    }[w.metric]
    return f"  - {{metric: {w.metric}, {side}: {w.limit:g}, window: {duration(w.window_s)}}}  # {meaning}"


def segment_line(proposal: Proposal) -> str:
    """Return the line about segments, all of them comments: each splits the budget of false actions."""
    fair = ""
    if proposal.sensitive:
        fair = f"; for fairness alone: {', '.join(proposal.sensitive)}"
    return f"# segments: [{', '.join(proposal.segments) or 'column'}]  # count records apart by these{fair}"


def digits(number: float, *, up: bool) -> str:
    """Write three digits, rounded to the looser side."""
    if number == 0:
        return "0"
    unit = 10.0 ** (math.floor(math.log10(abs(number))) - 2)
    return f"{(math.ceil if up else math.floor)(round(number / unit, 6)) * unit:.10g}"
