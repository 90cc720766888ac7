"""The classes must be in their order: answers that are right once the labels are swapped are wrong."""

import numpy as np

from setpoint.deploy.gate.case import Case
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
    rows = case.both
    old, new = (measure("roc_auc", case.truth[rows], s.held.score[rows]) for s in (case.champion, case.candidate))
    if not (old.known and new.known):
        return not_applicable("classes", old.why or new.why)
    numbers = {"roc_auc": new.value, "champion": old.value}
    if new.bounds(ALPHA)[1] < 0.5 < old.value:
        words = f"its scores run against the truth (ROC AUC {new.value:.3f}, the champion's {old.value:.3f})"
        return failed("classes", "classes", f"{words}: are the classes swapped?", **numbers)
    return passed("classes", f"its scores run with the truth (ROC AUC {new.value:.3f})", **numbers)


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
