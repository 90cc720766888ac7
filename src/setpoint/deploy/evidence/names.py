"""What is watched: the tracks of evidence by name, when each is known, and how the budget is split over them."""

import math
from collections.abc import Mapping

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


def margin(metric: str, terms: Terms) -> float | None:
    """Return what a metric may be worse by, as it is written; None: it is not judged."""
    asked = terms.margins
    return {
        ERRORS: asked.errors,
        VIOLATIONS: asked.violations,
        **dict.fromkeys(LATENCIES, asked.latency),
        QUALITY: asked.quality,
        VALUE: None if terms.frozen.value is None else asked.value,
        DISAGREEMENT: asked.disagreement,
    }[metric]


def shown(terms: Terms) -> tuple[str, ...]:
    """Return all tracks that people are shown."""
    everywhere = (
        ERRORS,
        VIOLATIONS,
        *LATENCIES,
        QUALITY,
        *(() if terms.frozen.value is None else (VALUE,)),
        DISAGREEMENT,
    )
    return (*everywhere, *(key(metric, segment) for metric in IN_SEGMENTS for segment in terms.segments))


def required(terms: Terms) -> tuple[str, ...]:
    """Return the tracks that have to show that the version is not worse by the margin."""
    asked = (ERRORS, VIOLATIONS, *LATENCIES, QUALITY, VALUE, DISAGREEMENT)
    return tuple(name for name in asked if name != WATCHED_ONLY and margin(name, terms) is not None)


def soon(terms: Terms) -> dict[str, float]:
    """Return the tracks that are known at once, and the logarithm of each one's part of the evidence of harm.

    The three quantiles of latency are one metric; segments have half of the whole, if there are any.
    """
    return _parts({ERRORS: 3.0, VIOLATIONS: 3.0, **dict.fromkeys(LATENCIES, 1.0)}, ERRORS, terms)


def late(terms: Terms) -> dict[str, float]:
    """Return the tracks that are known when outcomes are, and the logarithm of each one's part."""
    return _parts({QUALITY: 1.0, VALUE: 1.0}, QUALITY, terms)


def _parts(weights: Mapping[str, float], divided: str, terms: Terms) -> dict[str, float]:
    judged = {name: weight for name, weight in weights.items() if margin(name, terms) is not None}
    segments = terms.segments if divided in judged else ()
    whole = sum(judged.values()) * (2 if segments else 1)
    everywhere = {name: math.log(weight / whole) for name, weight in judged.items()}
    return everywhere | {key(divided, segment): math.log(0.5 / len(segments)) for segment in segments}
