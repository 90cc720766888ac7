"""The classes must be in their order: answers that are right once the labels are swapped are wrong."""

from collections.abc import Iterator

import numpy as np

from setpoint.deploy.gate.case import Case, FloatArray
from setpoint.deploy.gate.paired import failed, not_applicable, passed
from setpoint.domain.rollout import GateCheck
from setpoint.domain.schema import Task
from setpoint.stats.quality import mean, measure

ALPHA = 0.001
MUCH = 0.1  # of the rows: more right with other labels


def classes(case: Case) -> GateCheck:
    """Fail where the candidate's scores run against the truth, or its labels fit once they are renamed."""
    if case.schema.task is Task.REGRESSION:
        return not_applicable("classes", "a regression has none")
    if case.schema.task is Task.MULTICLASS:
        return _renamed(case)
    for where, truth, old, new in _places(case):
        found = measure("roc_auc", truth, new)
        usual = measure("roc_auc", truth, old)
        if found.known and found.bounds(ALPHA)[1] < 0.5 < usual.value:
            words = f"its scores run against the truth of the {where} rows (ROC AUC {found.value:.3f}, the champion's "
            words += f"{usual.value:.3f}): are the classes swapped?"
            return failed("classes", "classes", words, roc_auc=found.value, champion=usual.value)
    return passed("classes", "its scores do not run against the truth")


def _places(case: Case) -> Iterator[tuple[str, FloatArray, FloatArray, FloatArray]]:
    """Yield truth and both scores, of the held-out rows and of its new training rows."""
    rows = case.both
    yield "held-out", case.truth[rows], case.champion.held.score[rows], case.candidate.held.score[rows]
    if case.learnt is not None and case.champion.learnt is not None and case.candidate.learnt is not None:
        truth = case.learnt.truth[case.learnt.scored]
        yield "training", truth, case.champion.learnt.score, case.candidate.learnt.score


def _renamed(case: Case) -> GateCheck:
    rows = case.both
    old, new = case.champion.held.classes, case.candidate.held.classes
    assert old is not None
    assert new is not None
    truth = case.truth[rows].astype(np.int64)
    decided, theirs = new.decided[rows].astype(np.int64), old.decided[rows].astype(np.int64)
    size = len(case.schema.classes)
    together = np.zeros((size, size))
    np.add.at(together, (decided, theirs), 1.0)
    named = np.where(together.sum(axis=1) > 0, together.argmax(axis=1), np.arange(size))
    found = mean((named[decided] == truth).astype(np.float64) - (decided == truth))
    if found.bounds(ALPHA)[0] > MUCH:
        moved = [f"{case.schema.classes[a]} → {case.schema.classes[b]}" for a, b in enumerate(named) if a != b]
        words = f"{found.value:.0%} more rows would be right with other labels ({', '.join(moved[:4])})"
        return failed("classes", "classes", f"{words}: is the order of the classes another?", gain=found.value)
    return passed("classes", "its labels fit best as they are", gain=found.value)
