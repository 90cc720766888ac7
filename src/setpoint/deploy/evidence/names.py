"""What is watched: the tracks of evidence by name, when each is known, and how the budget is split over them."""

import math

from setpoint.domain.evidence import Terms

ERRORS, VIOLATIONS, QUALITY, VALUE = "errors", "violations", "quality", "value"
DISAGREEMENT = "disagreement"
SHARES, OUTCOMES = "shares", "outcomes"  # whether champion and challenger can be compared at all
QUANTILES = {"p95": 0.95, "p99": 0.99, "p99.9": 0.999}
LATENCIES = {f"latency {name}": name for name in QUANTILES}
WATCHED_ONLY = "latency p99.9"  # to prove that it is held would take a hundred thousand requests
IN_SEGMENTS = (ERRORS, QUALITY)


def key(metric: str, segment: str = "") -> str:
    """Return the name of a track."""
    return f"{metric} | {segment}" if segment else metric


def soon(terms: Terms) -> dict[str, float]:
    """Return the tracks that are known at once, and the logarithm of each one's part of the evidence of harm.

    The three quantiles of latency are one metric; segments have half of the whole, if there are any.
    """
    parts = {ERRORS: 1 / 3, VIOLATIONS: 1 / 3} | dict.fromkeys(LATENCIES, 1 / 9)
    return _with_segments(parts, ERRORS, terms)


def late(terms: Terms) -> dict[str, float]:
    """Return the tracks that are known when outcomes are, and the logarithm of each one's part."""
    parts = {QUALITY: 1.0} if terms.frozen.value is None else {QUALITY: 0.5, VALUE: 0.5}
    return _with_segments(parts, QUALITY, terms)


def _with_segments(parts: dict[str, float], metric: str, terms: Terms) -> dict[str, float]:
    count = len(terms.segments)
    everywhere = {name: math.log(part / 2 if count else part) for name, part in parts.items()}
    return everywhere | {key(metric, segment): math.log(0.5 / count) for segment in terms.segments}


def required(terms: Terms) -> tuple[str, ...]:
    """Return the tracks that have to show that the version is not worse by the margin."""
    margins, frozen = terms.margins, terms.frozen
    asked = {
        ERRORS: margins.errors,
        VIOLATIONS: margins.violations,
        **{name: margins.latency for name in LATENCIES if name != WATCHED_ONLY},
        QUALITY: margins.quality,
        VALUE: None if frozen.value is None else margins.value,
        DISAGREEMENT: margins.disagreement,
    }
    return tuple(name for name, margin in asked.items() if margin is not None)
