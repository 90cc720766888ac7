"""Where quality is the area under the ROC curve: the loss of a row is where a positive is placed among negatives."""

import numpy as np

from setpoint.domain.exposure import Answers, Batch, PairedAnswers
from setpoint.domain.records import Column
from setpoint.domain.value import replace
from setpoint.domain.wealth import Evidence
from setpoint.stats.betting import FloatArray
from setpoint.stats.placements import placement_losses


def placed(evidence: Evidence, batch: Batch) -> tuple[Evidence, Batch]:
    """Return the batch with placements as losses where it has scores and outcomes, and the negatives that are left."""
    evidence, paired = _paired(evidence, batch.paired_answers)
    evidence, shared = _shared(evidence, batch.answers)
    return evidence, replace(batch, paired_answers=paired, answers=shared)


def _paired(evidence: Evidence, part: PairedAnswers | None) -> tuple[Evidence, PairedAnswers | None]:
    if part is None or part.score is None or part.challenger_score is None or part.outcome is None:
        return evidence, part
    outcome = np.where(np.isfinite(part.score) & np.isfinite(part.challenger_score), part.outcome, np.nan)
    evidence, old = _placed(evidence, "champion in shadow", part.score, outcome)
    evidence, new = _placed(evidence, "challenger in shadow", part.challenger_score, outcome)
    return evidence, replace(part, loss=old, challenger_loss=new, score=None, challenger_score=None, outcome=None)


def _shared(evidence: Evidence, part: Answers | None) -> tuple[Evidence, Answers | None]:
    if part is None or part.score is None or part.outcome is None:
        return evidence, part
    shared = (part.share > 0) & (part.share < 1)
    losses = np.full(len(part.score), np.nan)
    for who, rows in (("champion", shared & ~part.challenger), ("challenger", shared & part.challenger)):
        evidence, losses[rows] = _placed(evidence, who, part.score[rows], part.outcome[rows])
    return evidence, replace(part, loss=losses, score=None)


def _placed(evidence: Evidence, who: str, score: Column, outcome: Column) -> tuple[Evidence, FloatArray]:
    losses, pool = placement_losses(score, outcome, evidence.negatives.get(who, ()))
    return replace(evidence, negatives={**evidence.negatives, who: pool}), losses
