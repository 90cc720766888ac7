"""The evidence as data for people: one entry a metric and segment, with its estimate and what bounds it."""

import math

from setpoint.deploy.evidence import names
from setpoint.deploy.evidence.scales import loss_scale
from setpoint.domain.evidence import Stream, Terms
from setpoint.domain.wealth import Evidence, Stratum, Sums, Track
from setpoint.stats.betting import display_half_width

RATES = (names.ERRORS, names.VIOLATIONS, names.DISAGREEMENT, *names.LATENCIES)


def streams_of(evidence: Evidence, terms: Terms) -> tuple[Stream, ...]:
    """Return every metric and segment that is watched, also those of which nothing is known yet."""
    return tuple(_stream(name, evidence.tracks.get(name, Track()), terms) for name in names.shown(terms))


def _stream(name: str, track: Track, terms: Terms) -> Stream:
    metric, _, segment = name.partition(" | ")
    champion, challenger, difference, half = _estimate(track, metric, terms.alpha)
    return Stream(
        metric=metric,
        segment=segment,
        rows=sum(s.champion.rows for s in track.strata),
        challenger_rows=sum(s.challenger.rows for s in track.strata),
        champion=champion,
        challenger=challenger,
        difference=difference,
        low=None if difference is None else difference - half,
        high=None if difference is None else difference + half,
        log_harm=track.log_harm,
        log_held=track.log_held,
        log_better=track.log_better,
        harmed=track.harmed,
        held=track.held,
        better=track.better,
        why=_why(metric, terms),
    )


def _why(metric: str, terms: Terms) -> str:
    """Return why a metric cannot be judged; empty: it can."""
    if names.margin(metric, terms) is None:
        return "nobody has said what it may be"
    if metric in names.LATENCIES and not terms.frozen.latency_ms.get(names.LATENCIES[metric]):
        return "it is not known how long the champion took before"
    if metric == names.QUALITY and loss_scale(terms) is None:
        return "no loss of the champion is known from before"
    return ""


def _estimate(track: Track, metric: str, alpha: float) -> tuple[float | None, float | None, float | None, float]:
    """Return the means of both, their difference and its half width; strata weigh by how much they tell."""
    parts = [part for part in (_compared(s, metric) for s in track.strata) if part is not None]
    if not parts:
        return None, None, None, math.inf
    weights = [1 / max(variance, 1e-300) for _, _, variance, _ in parts]
    whole = sum(weights)
    old = sum(w * part[0] for w, part in zip(weights, parts, strict=True)) / whole
    new = sum(w * part[1] for w, part in zip(weights, parts, strict=True)) / whole
    rows = sum(part[3] for part in parts)
    repeats = max(track.units.inflation, track.blocks.inflation)
    return old, new, new - old, display_half_width(math.sqrt(repeats / whole), rows, alpha)


def _compared(stratum: Stratum, metric: str) -> tuple[float, float, float, int] | None:
    """Return both means, the variance of their difference, and the rows."""
    old, new, both = stratum.champion, stratum.challenger, stratum.difference
    if not old.rows or not new.rows:
        return None
    means = old.total / old.rows, new.total / new.rows
    if both.rows:
        return *means, _variance(both, metric) / both.rows, both.rows
    return *means, _variance(old, metric) / old.rows + _variance(new, metric) / new.rows, old.rows + new.rows


def _variance(sums: Sums, metric: str) -> float:
    """Return the variance; that of a rate as if one more row of each kind had come, so that it is never 0."""
    if metric in RATES:
        share = (sums.squares + 1) / (sums.rows + 2)
        return share * (1 - share)
    return max(sums.squares / sums.rows - (sums.total / sums.rows) ** 2, 0.0)
