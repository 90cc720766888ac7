"""What to watch a model by, learnt from its reference: metrics, limits, windows, and what each can see."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpoint.config.metrics import CATALOGUE
from setpoint.domain.classes import Classes
from setpoint.domain.cuts import Binning
from setpoint.domain.objective import Objective
from setpoint.domain.records import Columns
from setpoint.monitor.column_notes import notes_of, segments, trending
from setpoint.monitor.column_sight import column_watches
from setpoint.monitor.limits import Limits
from setpoint.monitor.metric_choice import Choice, choose, chosen_for
from setpoint.monitor.proposed import ColumnNote, Proposal, Watch
from setpoint.monitor.quality import FEWEST_ROWS
from setpoint.monitor.quality import SHARES as SEGMENTED
from setpoint.monitor.quality_sight import BLIND, WHY_BLIND, watch_of
from setpoint.monitor.service import QUANTILES, SHARES
from setpoint.monitor.service_sight import service_watches
from setpoint.stats.quality import mean

BUDGET = 2.0  # false actions a year, where nothing is said
DAY_S, YEAR_DAYS = 86_400.0, 365.0
FEW_ROWS = 200
SERVICE = (
    Objective(metric="latency_p99_ms", at_most=50.0, window_s=DAY_S),
    Objective(metric="availability", at_least=0.999, window_s=DAY_S),
)
TRENDS_NAMED = 3
DEPENDENT = 4  # rows worth one, from which it is told: fewer may be chance

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a proposal is made from.

    Parameters
    ----------
    columns : Mapping of ndarray, shape (n,)
        Features of the reference, in time order where that is known.
    limits : Limits
        What is natural for them.
    y, score : ndarray of shape (m,), optional
        Outcomes and answers of rows that were scored, in time order; without them no quality can be judged. Of several
        classes y says whether the label was right, and `several` has the classes themselves.
    how : str
        How they were scored, in words.
    seconds : float
        Time that the reference spans; 0: not known.
    rate_s : float
        Records a second to size windows for; 0: not known.
    every_s : float
        Seconds between the rows scored where they are regular, else 0.
    objectives : tuple of Objective
        The set point where there is one; else metrics are chosen.
    """

    task: str
    columns: Columns
    binning: Binning
    limits: Limits
    y: FloatArray | None = None
    score: FloatArray | None = None
    several: Classes | None = None
    how: str = ""
    seconds: float = 0.0
    rate_s: float = 0.0
    every_s: float = 0.0
    delay_s: float = 0.0
    threshold: float = 0.5
    objectives: tuple[Objective, ...] = ()
    false_actions_per_year: float = BUDGET
    classes: tuple[str, ...] = ()
    segmented: bool = False  # records are counted apart by segments, which share the budget

    @property
    def rows(self) -> int:
        """Rows of the reference."""
        return self.limits.rows


def proposal_of(subject: Subject) -> Proposal:
    """Return what to watch a model by, and what each monitor of it can see."""
    budget, rate_s, limits = subject.false_actions_per_year, subject.rate_s, subject.limits.columns
    service = tuple(o for o in subject.objectives if o.metric in (*QUANTILES, *SHARES))
    service = service if subject.objectives else SERVICE
    quality = tuple(_quality(subject))
    changing = {n: c for n, c in subject.columns.items() if n in limits and not limits[n].stepwise}
    splits, sensitive = segments(changing)
    return Proposal(
        task=subject.task,
        rows=subject.rows,
        worth=_worth(subject),
        days=subject.seconds / DAY_S or None,
        rate_a_day=rate_s * DAY_S or None,
        delay_s=subject.delay_s,
        false_actions_per_year=budget,
        how=subject.how,
        watches=(
            *quality,
            *(w for o in service for w in service_watches(o, budget=budget, goals=len(service), rate_s=rate_s)),
            *column_watches(subject.limits, budget=budget, divided=1 + subject.segmented, rate_s=rate_s),
        ),
        columns=_column_notes(subject),
        segments=splits,
        sensitive=sensitive,
        notes=tuple(_notes(subject, quality)),
    )


def _quality(subject: Subject) -> Iterator[Watch]:
    """Yield the quality objectives there are, then metrics chosen; without a set point the first of those is held."""
    if subject.y is None or subject.score is None or len(subject.y) < FEWEST_ROWS:
        return
    y, score, threshold = subject.y, subject.score, subject.threshold
    several = subject.several
    held = chosen_for([o for o in subject.objectives if o.metric in CATALOGUE], y, score, threshold, several)
    known = {choice.metric for choice, _ in held}
    chosen = choose(subject.task, y, score, threshold=threshold, every_s=subject.every_s, several=several)
    pairs: list[tuple[Choice, Objective | None]] = [*held, *((c, None) for c in chosen if c.metric not in known)]
    for at, (choice, objective) in enumerate(pairs):
        holds = objective is not None or (at == 0 and not subject.objectives)
        yield watch_of(
            choice,
            budget=subject.false_actions_per_year,
            goals=(max(len(held), 1) + (not holds)) * (SEGMENTED if subject.segmented else 1),
            rate_s=subject.rate_s,
            delay_s=subject.delay_s,
            held=holds,
            window_s=objective.window_s if objective else None,
        )


def _worth(subject: Subject) -> int | None:
    """Return how many independent rows the reference weighs, by how the loss of consecutive rows goes together."""
    if subject.y is None or subject.score is None or len(subject.y) < FEW_ROWS:
        return None
    loss = np.abs(subject.y - subject.score) if subject.several is None else 1 - subject.y
    return max(int(subject.rows / block_effect(loss)), 1)


def block_effect(loss: FloatArray) -> float:
    """Return how many dependent rows are worth one."""
    found = mean(loss)
    variance = float(np.square(found.psi).mean())
    se, _ = found.error()
    return max(se**2 * len(loss) / variance, 1.0) if variance > 0 else 1.0


def _column_notes(subject: Subject) -> tuple[ColumnNote, ...]:
    cuts, limits = subject.binning.columns, subject.limits.columns
    return tuple(
        note
        for name, column in subject.columns.items()
        if name in cuts
        for note in notes_of(name, column, cuts[name], limits.get(name))
    )


def _notes(subject: Subject, quality: Sequence[Watch]) -> Iterator[str]:
    if subject.how:
        yield f"Measured: {subject.how}"
    yield from _of_quality(subject)
    if any(w.remark == BLIND for w in quality):
        yield WHY_BLIND
    if subject.rows < FEW_ROWS:
        yield f"The reference has only {subject.rows} rows: what is natural is hardly known from so few"
    if not subject.seconds:
        yield "No event time is known: rows count in the table's order, and how many records a day come is not known"
    elif subject.seconds < YEAR_DAYS * DAY_S:
        yield from _of_time(subject)
    worth = _worth(subject)
    if worth is not None and worth < subject.rows / DEPENDENT:
        yield (
            f"Neighbouring rows are alike: {subject.rows:,} rows are worth {worth:,} independent ones, and "
            "windows hold as much less"
        )


def _of_quality(subject: Subject) -> Iterator[str]:
    y = subject.y
    if y is None or not len(y):
        yield "No answers to judge: quality metrics need those of a model (a setpoint.yaml, a deployment, --prediction)"
    elif len(y) < FEWEST_ROWS:
        yield f"Only {len(y)} rows have an outcome and an answer: fewer than {FEWEST_ROWS} say nothing of quality"
    elif y.min() == y.max():
        yield f"All {len(y):,} {_which(subject)}: no metric tells a good model from a bad one on them"


def _which(subject: Subject) -> str:
    assert subject.y is not None
    one = subject.y[0]
    if subject.several is not None:
        return f"labels scored are {'right' if one else 'wrong'}"
    return f"outcomes scored are {subject.classes[int(one)] if subject.classes else f'{one:g}'}"


def _of_time(subject: Subject) -> Iterator[str]:
    days, moving = subject.seconds / DAY_S, trending(subject.columns)
    named = ", ".join(moving[:TRENDS_NAMED]) + (", …" if len(moving) > TRENDS_NAMED else "")
    rise = f"; {named} rise or fall all through it" if moving else ""
    yield (
        f"The reference spans {days:,.3g} days: a yearly season cannot be told from slow drift by less than a year"
        f"{rise}. There is no validated method for it: expect notes of slow drift as the seasons turn"
    )
