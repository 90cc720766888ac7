"""Whether the stated baseline answers rows on which the versions fail."""

import numpy as np

from setpoint.domain.baseline import Baseline, class_codes, unfit_baseline
from setpoint.domain.records import Columns
from setpoint.domain.repaired import repaired
from setpoint.domain.requested import Requested
from setpoint.domain.schema import Task
from setpoint.maintain.asked_again import failing
from setpoint.maintain.case import Case, Score
from setpoint.maintain.marks import Bools

ANSWERS = 0.95  # share of the rows


def stated_for(case: Case, score: Score, culprits: Requested, words: list[str]) -> Baseline | None:
    """Return the baseline if it answers these rows, and say so; None without one."""
    baseline = case.baseline
    if baseline is None or baseline.version == case.champion.version:
        return None
    inputs = repaired(culprits.inputs, case.maps)
    if baseline.version is not None:
        answers = ~failing(score, baseline.version, inputs)
    elif why := unfit_baseline(baseline, case.schema):
        words.append(f"the stated baseline cannot answer: {why}")
        return None
    else:
        answers = _says(baseline, case, inputs, len(culprits))
    words.append(f"the stated baseline ({baseline.words}) answers {answers.sum()} of {len(answers)} of them")
    return baseline if answers.mean() >= ANSWERS else None


def _says(baseline: Baseline, case: Case, inputs: Columns, n: int) -> Bools:
    if baseline.column is None:
        return np.ones(n, bool)
    column = inputs[baseline.column]
    if case.schema.task is Task.REGRESSION:
        return np.asarray(np.isfinite(column), bool)
    feature = next(f for f in case.schema.features if f.name == baseline.column)
    known = class_codes(case.schema, feature)
    return np.array([value in known for value in column.tolist()], bool)
