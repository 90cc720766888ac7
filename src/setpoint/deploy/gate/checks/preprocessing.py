"""A model that cannot answer what it learnt was asked otherwise than it was taught."""

import numpy as np

from setpoint.deploy.gate.case import Case
from setpoint.deploy.gate.paired import (
    TOLERATED,
    agreement,
    association,
    failed,
    no_better,
    not_applicable,
    passed,
)
from setpoint.deploy.verdict import short
from setpoint.domain.rollout import GateCheck
from setpoint.domain.schema import Task
from setpoint.stats.quality import mean

ALPHA = 0.001
WEAKER = 0.03  # correlation with the labels, below the champion's
UNIT = 2.5  # times the champion's spread, or one part of it


def preprocessing(case: Case) -> GateCheck:
    """Fail where the candidate is no better, and worse than the champion on its own training rows too, or a unit off.

    Through its bundle it is asked as it will be served. If that differs from how it was trained (a scaler forgotten,
    columns in another order, another unit), it does not even know the rows it learnt.
    """
    ours, theirs = case.candidate.learnt, case.champion.learnt
    if case.learnt is None or ours is None or theirs is None:
        return not_applicable("preprocessing", "its training rows could not be asked again")
    if not no_better(case):
        return passed("preprocessing", "it is better on the held-out rows")
    scale = _scale(case)
    if scale is not None:
        words = f"its answers are the champion's times {short(scale)}: another unit?"
        return failed("preprocessing", "preprocessing", words, scale=scale)
    label = case.learnt.truth[case.learnt.scored]
    fine = np.isfinite(ours.losses) & np.isfinite(theirs.losses)
    worse = mean((ours.losses - (1 + TOLERATED) * theirs.losses)[fine])
    own, usual = (association(agreement(a, label)[fine], label[fine]) for a in (ours, theirs))
    words = f"loss {short(float(ours.losses[fine].mean()))} on its own training rows"
    against = f"{words}, where the champion has {short(float(theirs.losses[fine].mean()))}"
    if worse.bounds(ALPHA)[0] > 0 and own.known and usual.known and own.value < usual.value - WEAKER:
        words = f"{against}: is it asked as it was taught?"
        return failed("preprocessing", "preprocessing", words, correlation=own.value, champion=usual.value)
    return passed("preprocessing", f"{words}: it knows them")


def _scale(case: Case) -> float | None:
    """Return by what a regression's answers are the champion's, if that is far from one and little else differs."""
    rows = case.both
    if case.schema.task is not Task.REGRESSION:
        return None
    old, new = case.champion.held.score[rows], case.candidate.held.score[rows]
    found = association(old, new)
    if not found.known or found.value < 0.9:
        return None
    scale = float(new.std() / old.std())
    return scale if not 1 / UNIT < scale < UNIT else None
