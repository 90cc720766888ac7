"""The label ledger: what was estimated before the labels came, what then was, and who may speak for it."""

from collections.abc import Iterable
from datetime import datetime

from setpoint.domain.objective import Objective
from setpoint.domain.value import field, replace, value

SCORES, TRACKED = "scores", "tracked"  # estimators
REFERENCE, LAST = "as in the reference", "last realised"  # dummies: an estimator must beat both
MISS, HIT = 3.0, 0.5  # what a penalty is multiplied by
WITHDRAWN, MOST = 20.0, 540.0  # penalty from which an estimator has no vote, and the largest there is
FEWEST = 4  # scored windows before any estimator has a vote
FORGET = 0.95  # of what an error weighs, a window later
KEPT = 60  # entries of a metric


@value
class Estimate:
    """A value and the interval that should hold the realised one with probability 90 %."""

    value: float
    low: float
    high: float


@value
class Realised:
    """What the labels showed: the metric, its standard error, and how many rows were labelled."""

    value: float
    error: float
    rows: int


@value
class Entry:
    """One window of one metric of one version: what each estimator and dummy said, and what was realised."""

    metric: str
    version: str
    since: datetime
    until: datetime
    rows: int
    estimates: dict[str, Estimate]
    realised: Realised | None = None


@value
class Ledger:
    """Entries in the order of their windows, the last `KEPT` of each metric."""

    entries: tuple[Entry, ...] = ()


@value
class Vote:
    """Which estimator may speak for a metric; without one, `why` says what is lacking."""

    estimator: str | None
    windows: int  # scored so far
    why: str = ""


@value
class Estimated:
    """An objective's metric before its labels are there; `value` is None where `why` says it cannot be estimated.

    `proven` is whether the estimator has its vote; `off` whether its interval, at the level that the budget of false
    actions leaves, lies beyond the set point.
    """

    objective: Objective
    since: datetime
    until: datetime
    rows: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    estimator: str = ""
    proven: bool = False
    off: bool = False
    windows: int = 0
    why: str = ""


@value
class Track:
    """How an estimator has done: windows, misses, its penalty, whether it is withdrawn, its mean absolute error."""

    windows: int = 0
    misses: int = 0
    penalty: float = 1.0
    withdrawn: bool = False
    total: float = field(default=0.0)  # of absolute errors, older ones weighing less
    weight: float = field(default=0.0)

    @property
    def error(self) -> float:
        """Mean absolute error, older windows weighing less; NaN of none."""
        return self.total / self.weight if self.weight else float("nan")


def entered(ledger: Ledger, entry: Entry) -> Ledger:
    """Add an entry; one of the same metric, version and start is kept as it was written before the labels came."""
    if any(_key(e) == _key(entry) for e in ledger.entries):
        return ledger
    entries = sorted((*ledger.entries, entry), key=lambda e: e.since)
    own = [e for e in entries if e.metric == entry.metric]
    dropped = {_key(e) for e in own[: max(0, len(own) - KEPT)]}
    return Ledger(entries=tuple(e for e in entries if _key(e) not in dropped))


def scored(ledger: Ledger, entry: Entry, realised: Realised) -> Ledger:
    """Write what was realised beside what had been estimated, once."""
    return Ledger(
        entries=tuple(
            replace(e, realised=realised) if _key(e) == _key(entry) and e.realised is None else e
            for e in ledger.entries
        )
    )


def dropped(ledger: Ledger, before: datetime) -> Ledger:
    """Give up on windows before a time whose labels never came."""
    return Ledger(entries=tuple(e for e in ledger.entries if e.realised is not None or e.since >= before))


def pending(ledger: Ledger) -> tuple[Entry, ...]:
    """Return the entries whose labels are not there yet."""
    return tuple(e for e in ledger.entries if e.realised is None)


def past(ledger: Ledger, metric: str, version: str) -> tuple[Entry, ...]:
    """Return the scored entries of a metric and a version, oldest first."""
    return tuple(e for e in ledger.entries if (e.metric, e.version) == (metric, version) and e.realised is not None)


def track(entries: Iterable[Entry], name: str) -> Track:
    """Return how an estimator or a dummy has done over scored entries, oldest first.

    A miss triples its penalty, a hit halves it, down to 1. At 20 it is withdrawn: after three misses in a row, or more
    than about two in five. It comes back when the penalty is at 1 again.
    """
    found = Track()
    for entry in entries:
        assert entry.realised is not None
        said, was = entry.estimates[name], entry.realised.value
        hit = said.low <= was <= said.high
        penalty = min(max(found.penalty * (HIT if hit else MISS), 1.0), MOST)
        found = Track(
            windows=found.windows + 1,
            misses=found.misses + (not hit),
            penalty=penalty,
            withdrawn=penalty >= WITHDRAWN or (found.withdrawn and penalty > 1.0),
            total=FORGET * found.total + abs(said.value - was),
            weight=FORGET * found.weight + 1.0,
        )
    return found


def vote(ledger: Ledger, metric: str, version: str) -> Vote:
    """Return which estimator may speak: not withdrawn, and nearer to what was realised than both dummies."""
    entries = past(ledger, metric, version)
    windows = len(entries)
    if windows < FEWEST:
        return Vote(estimator=None, windows=windows, why=f"unproven: {windows} of {FEWEST} windows scored")
    tracks = {name: track(entries, name) for name in (TRACKED, SCORES, REFERENCE, LAST)}
    dummy = min((REFERENCE, LAST), key=lambda name: tracks[name].error)
    best = min((TRACKED, SCORES), key=lambda name: (tracks[name].withdrawn, tracks[name].error))
    if tracks[best].withdrawn:
        missed = f"{tracks[best].misses} of {windows} windows lay outside its interval"
        return Vote(estimator=None, windows=windows, why=f"unproven: {missed}")
    if not tracks[best].error < tracks[dummy].error:
        errors = f"{tracks[best].error:.3g} off on average, '{dummy}' {tracks[dummy].error:.3g}"
        return Vote(estimator=None, windows=windows, why=f"unproven: {errors}, over {windows} windows")
    return Vote(estimator=best, windows=windows)


def _key(entry: Entry) -> tuple[str, str, datetime]:
    return entry.metric, entry.version, entry.since
