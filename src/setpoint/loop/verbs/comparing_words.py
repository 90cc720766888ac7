"""A comparison of two versions in words and as JSON."""

from typing import Any

import msgspec

from setpoint.deploy.evidence import lasting
from setpoint.loop.verbs.comparing import ALPHA, Compared
from setpoint.stats.versus import Versus

UNEVEN = 0.05  # points between the shares of known outcomes from which it is said


def sentence(found: Compared) -> str:
    """Say which is better, by how much, and how sure that is."""
    best, a, b = found.best, found.a, found.b
    if best is None:
        why = found.why_not or "they have not answered the same traffic, or too little of it has an outcome"
        return (
            f"{a} and {b} cannot be compared: {why}. A shadow, or a share of the requests "
            f"(`setpoint rollout {found.model} --share {b}=10%`), makes them comparable"
        )
    if not best.better:
        return (
            f"{a} and {b} cannot be told apart yet: {_difference(found, best)}. It may be looked at again at any time: "
            "the bounds allow for it"
        )
    better, other = (b, a) if best.better == "b" else (a, b)
    return f"{better} is better than {other}: {_difference(found, best)}; sure at {_level(best.certainty)}"


def _difference(found: Compared, versus: Versus) -> str:
    sign = -1.0 if found.metric == "value" else 1.0
    what = "a value of" if found.metric == "value" else "a loss of"
    each = f"{found.a} {sign * versus.mean_a:.4g}, {found.b} {sign * versus.mean_b:.4g}"
    low, high = sorted((sign * versus.low, sign * versus.high))
    rows = f"{versus.rows_a:,} requests that both were asked"
    if found.pairs is None:
        rows = f"{versus.rows_a:,} and {versus.rows_b:,} requests that chance divided"
    return f"{what} {each}, apart by {sign * versus.difference:.3g} ({low:.3g} to {high:.3g}) a row on {rows}"


def _level(certainty: float) -> str:
    return "99.99 %" if certainty > 0.9999 else f"{100 * certainty:.4g} %"  # beyond, digits say nothing


def by_segment(found: Compared) -> list[str]:
    """Say of each segment which one is better there, where that is sure."""
    named = {"a": found.a, "b": found.b}
    return [
        f"{segment}: {named[versus.better]} is better, by {abs(versus.difference):.3g} a row"
        for segment, versus in found.segments.items()
        if versus.better
    ]


def notes(found: Compared) -> list[str]:
    """Say what a reader has to know: what was let in, and what the bounds do not cover."""
    since = f"since {found.since:%Y-%m-%d %H:%M}"
    said = [f"{since}; the bounds hold at all times at once, at {1 - ALPHA:.0%} over all that is said here"]
    if found.age_s >= 60:
        said.append(f"requests older than {lasting(found.age_s)}: by then nearly all outcomes are known")
    if found.chosen:
        said.append("the start is your choice: one that was chosen after looking is not covered by the bounds")
    if abs(found.known[0] - found.known[1]) > UNEVEN:
        a, b = (f"{share:.0%}" for share in found.known)
        said.append(f"outcomes are known for {a} of {found.a}'s rows, {b} of {found.b}'s: they may hang on the answers")
    if found.why_not and found.best is not None:
        said.append(found.why_not)
    return said


def compared_view(found: Compared) -> dict[str, Any]:
    """Return what `compare --json` prints."""
    named = {"a": found.a, "b": found.b, "": None}
    best = found.best
    return {
        **msgspec.to_builtins(found),
        "better": named[best.better] if best else None,
        "sentence": sentence(found),
        "by_segment": by_segment(found),
        "notes": notes(found),
    }
