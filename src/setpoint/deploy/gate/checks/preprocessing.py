"""A model that cannot answer what it learnt was asked otherwise than it was taught."""

import numpy as np

from setpoint.deploy.gate.case import Case, FloatArray
from setpoint.deploy.gate.paired import (
    TOLERATED,
    agreement,
    association,
    failed,
    no_better,
    not_applicable,
    passed,
    why_not_asked,
)
from setpoint.deploy.verdict import short
from setpoint.domain.rollout import GateCheck
from setpoint.domain.schema import Task
from setpoint.stats.quality import Measured, measure

ALPHA = 0.005
WEAKER = 0.01  # ROC AUC or correlation with the labels, below the champion's
UNIT = 2.5  # times the champion's spread, or one part of it


def preprocessing(case: Case) -> GateCheck:
    """Fail where the candidate knows rows that it alone has learnt less well than the champion, or is a unit off.

    Through its bundle it is asked as it will be served. If that differs from how it was trained (a scaler forgotten,
    columns in another order, another unit), its answers hardly go with the labels it was fitted to.
    """
    ours, theirs = case.candidate.learnt, case.champion.learnt
    if case.learnt is None or ours is None or theirs is None:
        return not_applicable("preprocessing", why_not_asked(case))
    scale = _scale(case)
    if scale is not None and no_better(case):
        words = f"its answers are the champion's times {short(scale)}: another unit?"
        return failed("preprocessing", "preprocessing", words, scale=scale)
    label = case.learnt.truth[case.learnt.scored]
    fine = np.isfinite(ours.losses) & np.isfinite(theirs.losses)
    here, there = float(ours.losses[fine].mean()), float(theirs.losses[fine].mean())
    own, usual = (_knows(case, agreement(a, label)[fine], label[fine]) for a in (ours, theirs))
    weaker = Measured(value=usual.value - own.value, psi=usual.psi - own.psi)
    words = f"loss {short(here)} on its own training rows"
    if here > (1 + TOLERATED) * there and own.known and usual.known and weaker.bounds(ALPHA)[0] > WEAKER:
        words += (
            f", where the champion, who has not learnt them, has {short(there)}, and they go with the labels less "
            f"well ({own.value:.2f}, the champion's {usual.value:.2f}): is it asked as it was taught?"
        )
        return failed("preprocessing", "preprocessing", words, correlation=own.value, champion=usual.value)
    return passed("preprocessing", words, own=here, champion=there)


def _knows(case: Case, score: FloatArray, label: FloatArray) -> Measured:
    """Return how well scores go with labels, however they are calibrated: ROC AUC, or a correlation."""
    return measure("roc_auc", label, score) if case.schema.task is Task.BINARY else association(score, label)


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
