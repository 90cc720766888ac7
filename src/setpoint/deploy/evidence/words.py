"""The evidence of one metric in words."""

from collections.abc import Iterable

from setpoint.deploy.evidence import names
from setpoint.deploy.verdict import short
from setpoint.domain.evidence import Stream


def listed(things: Iterable[str]) -> str:
    """Join names."""
    return ", ".join(things)


def in_words(stream: Stream) -> str:
    """Write a metric: `errors 1.2 % against 0.2 % (0.4 to 1.6 points more) on 310 and 2,950 requests`."""
    name = names.key(stream.metric, stream.segment)
    if stream.why:
        return f"{name} cannot be judged: {stream.why}"
    if stream.champion is None or stream.challenger is None or stream.difference is None:
        return f"{name}: no row that tells the two apart yet"
    share = stream.metric in (names.ERRORS, names.VIOLATIONS, names.DISAGREEMENT, *names.LATENCIES)
    factor, sign = (100.0, " %") if share else (1.0, "")
    means = f"{short(factor * stream.challenger)}{sign} against {short(factor * stream.champion)}{sign}"
    return f"{name} {means}{_bounds(stream, factor)} on {stream.challenger_rows:,} and {stream.rows:,} rows"


def _bounds(stream: Stream, factor: float) -> str:
    if stream.low is None or stream.high is None:
        return ""
    return f" (difference {short(factor * stream.low)} to {short(factor * stream.high)})"
