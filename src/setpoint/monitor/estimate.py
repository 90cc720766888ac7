"""Quality before the labels: the objectives' estimates, and the ledger that scores them when the labels come."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.config.metrics import span as range_of
from setpoint.domain.finding import Finding
from setpoint.domain.ledger import (
    SCORES,
    TRACKED,
    Entry,
    Estimated,
    Ledger,
    Realised,
    dropped,
    entered,
    past,
    pending,
    scored,
    vote,
)  # fmt: skip
from setpoint.domain.objective import Objective
from setpoint.domain.records import Records
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput
from setpoint.monitor.estimators import Taught, can_be_estimated, counts_of, estimator_of, followed, say
from setpoint.monitor.quality import alpha_of, measured
from setpoint.monitor.seen import Seen

EVERY = timedelta(days=1)  # a window of the ledger, or longer where rows are few
FEWEST_ROWS = 100  # of such a window
FEWEST_TOLD = 24  # of an objective's window, as of its realised quality
LONGEST = timedelta(days=28)
GIVEN_UP = timedelta(days=56)  # after which a window's labels are not waited for
MATURE = 0.9  # share of a window's rows whose labels must be there

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlabelled:
    """What estimates rest on beside what is seen.

    Parameters
    ----------
    version : str
        The champion.
    released : datetime
        When it became champion.
    counts : dict
        Of each span that `spans` asks for, the version's answers by bin of the score, shape (n_bins,).
    """

    version: str
    released: datetime
    taught: Taught
    ledger: Ledger
    counts: Mapping[Span, NDArray[np.int64]]


def spans(
    objectives: Sequence[Objective], ledger: Ledger, version: str, released: datetime, now: datetime
) -> list[Span]:
    """Return the windows whose scores must be counted, of whole minutes: each objective's, and the ledger's next."""
    until, released = _minute(now), _minute(released)
    starts = {max(released, until - timedelta(seconds=o.window_s)) for o in objectives}
    return sorted({(start, until) for start in starts if start < until} | set(_next(ledger, version, released, until)))


def _next(ledger: Ledger, version: str, released: datetime, until: datetime) -> Iterator[Span]:
    """Yield the window that the ledger is due to enter, if a day has gone by since its last."""
    last = max((e.until for e in ledger.entries if e.version == version), default=released)
    start = max(last, until - LONGEST)
    if until - start >= EVERY:
        yield start, until


def _minute(when: datetime) -> datetime:
    return when.replace(second=0, microsecond=0)


def estimate(seen: Seen, at_hand: Unlabelled) -> tuple[tuple[Estimated, ...], Ledger]:
    """Score what has become known, estimate each objective, and enter what is said of the ledger's next window."""
    goals = tuple(o for o in seen.objectives if can_be_estimated(seen.schema.task, o))
    ledger = _settled(seen, at_hand.ledger, goals)
    now, released = _minute(seen.now), _minute(at_hand.released)
    said = tuple(
        _estimated(seen, at_hand, ledger, o, (max(released, now - timedelta(seconds=o.window_s)), now), len(goals))
        for o in goals
    )
    for span in _next(ledger, at_hand.version, released, now):
        for objective in {o.name: o for o in goals}.values():
            ledger = _entered(at_hand, ledger, objective, span)
    return said, ledger


def _settled(seen: Seen, ledger: Ledger, goals: Sequence[Objective]) -> Ledger:
    """Score the windows whose labels are there; rows count by the time of their request, unlabelled ones as unknown."""
    by_name = {o.name: o for o in goals}
    for entry in pending(ledger):
        objective = by_name.get(entry.metric)
        realised = _realised(seen, entry, objective) if objective else None
        ledger = scored(ledger, entry, realised) if realised else ledger
    return dropped(ledger, seen.now - GIVEN_UP)


def _realised(seen: Seen, entry: Entry, objective: Objective) -> Realised | None:
    rows = _sound(seen.labelled.between(entry.since, entry.until), entry.version)
    if len(rows) < max(MATURE * entry.rows, 2):
        return None
    found = measured(seen, objective, rows)
    if not found.known:
        return None
    return Realised(value=found.value, error=float(found.psi.std() / np.sqrt(len(rows))), rows=len(rows))


def _sound(rows: Records, version: str) -> Records:
    finite = np.isfinite(rows.score.astype(np.float64)) & np.isfinite(rows.outcome.astype(np.float64))
    return rows.take(finite & (rows.version == version))


def _late(ledger: Ledger, metric: str, version: str) -> int:
    """Return how many windows the next one lies after the last that was scored."""
    own = [e.realised is None for e in ledger.entries if (e.metric, e.version) == (metric, version)]
    return 1 + next((at for at, waits in enumerate(reversed(own)) if not waits), len(own))


def _entered(at_hand: Unlabelled, ledger: Ledger, objective: Objective, span: Span) -> Ledger:
    bins = at_hand.counts.get(span)
    if bins is None or bins.sum() < FEWEST_ROWS:
        return ledger
    known = past(ledger, objective.name, at_hand.version)
    try:
        counts = counts_of(at_hand.taught, bins)
        said = say(
            estimator_of(at_hand.taught, objective), counts, known, _late(ledger, objective.name, at_hand.version)
        )
    except InvalidInput:
        return ledger  # why is said with the objective
    since, until = span
    return entered(
        ledger,
        Entry(
            metric=objective.name,
            version=at_hand.version,
            since=since,
            until=until,
            rows=int(bins.sum()),
            estimates=said,
        ),
    )


def _estimated(
    seen: Seen, at_hand: Unlabelled, ledger: Ledger, objective: Objective, span: Span, goals: int
) -> Estimated:
    """Estimate one objective over its window; the estimator that has the vote speaks, else the best there is."""
    name, version, (since, until) = objective.name, at_hand.version, span
    bins = at_hand.counts.get(span, np.zeros(len(at_hand.taught.bins) + 1, np.int64))
    blank = Estimated(objective=objective, since=since, until=until, rows=int(bins.sum()))
    try:
        estimator, counts = estimator_of(at_hand.taught, objective), counts_of(at_hand.taught, bins)
        if 0 < blank.rows < FEWEST_TOLD:
            return replace(blank, why=f"{blank.rows} answers of {version} so far; {FEWEST_TOLD} are needed")
        known, late = past(ledger, name, version), _late(ledger, name, version)
        said = say(estimator, counts, known, late)
    except InvalidInput as e:
        return replace(blank, why=str(e))
    elected = vote(ledger, name, version)
    speaker = elected.estimator or (TRACKED if known else SCORES)
    alpha = alpha_of(seen, objective, 2 * goals)
    promise = estimator.promise(counts)
    if speaker == SCORES:
        low, high = promise.interval(1 - 2 * alpha)
    else:
        mixture = followed(estimator, promise, known, late)
        low, high = mixture.quantile(alpha), mixture.quantile(1 - alpha)
    near = high if objective.higher_is_better else low
    found, (least, most) = said[speaker], range_of(objective.metric)
    return replace(
        blank,
        value=min(max(found.value, least), most),
        low=max(found.low, least),
        high=min(found.high, most),
        estimator=speaker,
        proven=elected.estimator is not None,
        off=not objective.met_by(near),
        windows=elected.windows,
        why=elected.why,
    )


def estimate_findings(estimates: Sequence[Estimated], version: str) -> Iterator[Finding]:
    """Report what could be estimated; an alarm only where a proven estimator's interval lies beyond the set point."""
    for e in estimates:
        if e.value is None:
            continue
        standing = f"proven on {e.windows} windows" if e.proven else e.why
        yield Finding(
            monitor="estimate",
            metric=e.objective.metric,
            version=version,
            since=e.since,
            until=e.until,
            rows=e.rows,
            value=e.value,
            limit=e.objective.target,
            alarm=e.proven and e.off,
            low=e.low,
            high=e.high,
            detail=f"estimated from {e.rows:,} answers without labels; {standing}",
        )
