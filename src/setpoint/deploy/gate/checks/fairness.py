"""Segments must not be treated less alike than the champion treats them."""

import numpy as np

from setpoint.config.metrics import FAIRNESS, GAPS
from setpoint.deploy.gate.case import Case, Side
from setpoint.deploy.gate.paired import failed, not_applicable, passed
from setpoint.domain.rollout import GateCheck
from setpoint.domain.schema import Task
from setpoint.stats.fairness import Gap, floor_of, gap

ALPHA = 0.005  # shared by all gaps
WIDER = 0.5  # floors that a gap must grow by to count


def fairness(case: Case) -> GateCheck:
    """Fail where a gap between stated segments is surely above its bound and above the champion's, whatever that is."""
    pairs = [(of, by) for by in case.splits for of in GAPS[case.schema.task]]
    if not pairs:
        return not_applicable("fairness", "no segments are stated (`segments:` in setpoint.yaml)")
    worst, told = 0.0, "no two segments have rows enough"
    for of, by in pairs:
        old, new = (_gap(case, side, of, by, ALPHA / len(pairs)) for side in (case.champion, case.candidate))
        if old is None or new is None:
            continue
        grown, floor = new.value - old.value, _floor(case)
        words = f"{of} differs by {new.value:.3g} between {new.highest} and {new.lowest}, {old.value:.3g} before"
        if new.low > max(_bound(case, of, by), old.high) and grown > WIDER * floor:
            return failed("fairness", "fairness", words, gap=new.value, champion=old.value)
        if told.startswith("no two") or grown / floor > worst:
            worst, told = grown / floor, words
    return passed("fairness", told, grown=worst)


def _gap(case: Case, side: Side, of: str, by: str, alpha: float) -> Gap | None:
    rows = case.both
    held = side.held.take(rows)
    y = case.truth[rows] if held.classes is None else np.asarray(held.classes.right, np.float64)
    split = case.splits[by]
    codes, names = split.codes(case.inputs[by][rows]), split.names(by)
    return gap(of, y, held.score, codes, names, threshold=side.threshold, alpha=alpha)


def _floor(case: Case) -> float:
    return floor_of(case.truth[case.both], numbers=case.schema.task is Task.REGRESSION)


def _bound(case: Case, of: str, by: str) -> float:
    """Return what is allowed: as an objective says, else what nobody is alarmed at."""
    stated = [o.target for o in case.objectives if o.metric in FAIRNESS and (o.of, o.by) == (of, by)]
    return min(stated, default=_floor(case))
