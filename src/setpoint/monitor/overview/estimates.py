"""Estimates made before the labels came, by stretch of the period, and how they did when the labels arrived."""

from setpoint.domain.ledger import SCORES, TRACKED, Entry, Ledger, past, pending, track, vote
from setpoint.domain.objective import Objective
from setpoint.domain.records import stamp
from setpoint.monitor.overview.gathered import Gathered
from setpoint.monitor.overview.values import LedgerView, Numbers, Trace


def estimated_trace(at_hand: Gathered, objective: Objective) -> Trace | None:
    """Return what the ledger holds of an objective, each window in the stretch that it ends in."""
    own = [e for e in at_hand.ledger.entries if e.metric == objective.name]
    found = {at: _said(at_hand.ledger, e) for e in own for at in [_place(at_hand, e)] if at is not None}
    if not found:
        return None
    value, low, high = (_spread(len(at_hand.series), {at: said[n] for at, said in found.items()}) for n in range(3))
    return Trace(name=objective.name, values=value, low=low, high=high, line=objective.target)


def _said(ledger: Ledger, entry: Entry) -> tuple[float, float, float]:
    """Return what the estimator that has the vote said, else the best there is."""
    elected = vote(ledger, entry.metric, entry.version).estimator
    name = next(n for n in (elected, TRACKED, SCORES, *entry.estimates) if n in entry.estimates)
    said = entry.estimates[name]
    return said.value, said.low, said.high


def _place(at_hand: Gathered, entry: Entry) -> int | None:
    starts = at_hand.series.starts
    at = int(starts.searchsorted(stamp(entry.until), side="left")) - 1
    return at if at >= 0 and entry.since < at_hand.until else None


def _spread(count: int, known: dict[int, float]) -> Numbers:
    return tuple(known.get(at) for at in range(count))


def ledger_views(at_hand: Gathered) -> tuple[LedgerView, ...]:
    """Return the standing of the estimates of each metric of the champion."""
    version = at_hand.champion.version
    names = dict.fromkeys(e.metric for e in at_hand.ledger.entries if e.version == version)
    return tuple(_view(at_hand.ledger, name, version) for name in names)


def _view(ledger: Ledger, metric: str, version: str) -> LedgerView:
    entries, elected = past(ledger, metric, version), vote(ledger, metric, version)
    waiting = sum((e.metric, e.version) == (metric, version) for e in pending(ledger))
    kept = [track([e for e in entries if name in e.estimates], name) for name in _names(elected.estimator)]
    best = min((t for t in kept if t.windows), key=lambda t: t.error, default=None)
    return LedgerView(
        metric=metric,
        version=version,
        scored=elected.windows,
        waiting=waiting,
        misses=best.misses if best else 0,
        estimator=elected.estimator,
        error=best.error if best else None,
        why=elected.why,
    )


def _names(elected: str | None) -> tuple[str, ...]:
    return (elected,) if elected else (TRACKED, SCORES)
