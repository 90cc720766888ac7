"""The training labels must be those of their rows: not shuffled, not a row off."""

import numpy as np

from setpoint.deploy.gate.case import Case, FloatArray, Learnt
from setpoint.deploy.gate.paired import agreement, association, failed, not_applicable, passed
from setpoint.domain.rollout import GateCheck
from setpoint.domain.schema import Task
from setpoint.stats.intervals import share_low
from setpoint.stats.quality import mean

OTHERWISE = 0.05  # of the labels may differ from the log's: outcomes are corrected
FAINT = 0.4  # of the champion's association with the held-out truth: less is none
TOLD = 0.5  # of the differing labels that another row explains
PLAIN = 0.2  # association from which on the champion can tell
LAGS = (-3, -2, -1, 1, 2, 3)
ALPHA = 0.001
FEWEST = 100


def labels(case: Case) -> GateCheck:
    """Fail where labels differ from the log's, or where the champion's answers go with other rows' labels, or none."""
    learnt = case.learnt
    if learnt is None:
        return not_applicable("labels", "it is not on record which rows the candidate learnt from")
    return _against_log(learnt, case.schema.task) or _against_champion(case, learnt) or passed(
        "labels", "its training labels are those of their rows, as far as the log and the champion know"
    )  # fmt: skip


def _against_log(learnt: Learnt, task: Task) -> GateCheck | None:
    """Compare with the truth in the log, by id."""
    known = np.isfinite(learnt.logged) & np.isfinite(learnt.truth) if len(learnt.logged) else np.zeros(0, bool)
    rows = int(known.sum())
    if not rows:
        return None
    label, logged = learnt.truth[known], learnt.logged[known]
    other = ~np.isclose(label, logged, rtol=1e-6) if task is Task.REGRESSION else label != logged
    if share_low(int(other.sum()), rows, ALPHA) <= OTHERWISE:
        return None
    wrong = other[3:-3]
    shifts = (
        {k: np.isclose(_moved(logged, k), label[3:-3], rtol=1e-6)[wrong].mean() for k in LAGS} if wrong.any() else {}
    )
    best = max(shifts, key=shifts.__getitem__, default=0)
    off = f"; {shifts[best]:.0%} of these are those of {_row(best)}" if shifts and shifts[best] > TOLD else ""
    words = f"{other.mean():.0%} of its training labels are not what the log has for the same rows{off}"
    return failed("labels", "labels", words, differ=float(other.mean()), rows=rows)


def _against_champion(case: Case, learnt: Learnt) -> GateCheck | None:
    """Compare with what the champion expects: it goes with the held-out truth, so it should go with these labels."""
    if case.champion.learnt is None or not case.enough or case.schema.task is Task.MULTICLASS:
        return None
    held, truth = case.champion.held.score, case.truth
    fine = np.isfinite(held) & np.isfinite(truth)
    score, label = agreement(case.champion.learnt, learnt.truth[learnt.scored]), learnt.truth[learnt.scored]
    seen = np.isfinite(score)
    score, label = score[seen], label[seen]
    usual, found = association(held[fine], truth[fine]), association(score, label)
    if len(score) < FEWEST or not (usual.known and found.known) or usual.value < PLAIN:
        return None
    if found.bounds(ALPHA)[1] < FAINT * usual.value:
        words = (
            f"the champion's answers go with the held-out truth (correlation {usual.value:.2f}) and not with its "
            f"training labels ({found.value:.2f}): are they those of other rows?"
        )
        return failed("labels", "labels", words, correlation=found.value, usual=usual.value)
    best = max(LAGS, key=lambda k: _lead(score, label, k))
    if _lead(score, label, best) > 0 and not any(_lead(held[fine], truth[fine], k) > 0 for k in LAGS):
        words = f"the champion's answers go with the training labels of {_row(-best)} better than with the row's own"
        return failed("labels", "labels", words, lag=-best, correlation=found.value)
    return None


def _lead(score: FloatArray, label: FloatArray, lag: int) -> float:
    """Return by how much scores surely go better with the labels `lag` rows later than with their own (correlation)."""
    if len(label) < FEWEST or not score.std() or not label.std():
        return 0.0
    a, b = (score - score.mean()) / score.std(), (label - label.mean()) / label.std()
    return mean(a[3:-3] * (_moved(b, lag) - b[3:-3])).bounds(ALPHA)[0]


def _moved(values: FloatArray, lag: int) -> FloatArray:
    return values[3 + lag : len(values) - 3 + lag]


def _row(lag: int) -> str:
    size = "the row" if abs(lag) == 1 else f"the row {abs(lag)}"
    return f"{size} {'after' if lag > 0 else 'before'}"
