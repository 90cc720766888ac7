"""The user's own metrics: asked at each look whose rows are new, and what they said remembered."""

import hashlib
from datetime import datetime
from pathlib import Path

import numpy as np

from setpoint.domain.fleet import Deployment
from setpoint.domain.objective import Objective
from setpoint.domain.records import Records
from setpoint.monitor.quality import measurable
from setpoint.runtime.own_metric import Answer, OwnMetric
from setpoint.stats.quality import Measured, mean, undefined
from setpoint.stats.quality.measured import BLOCKS
from setpoint.stats.resampling import block_starts, resampled


class OwnMetrics:
    """Measures the objectives that name a function, each in a process of its own."""

    def __init__(self) -> None:
        self._functions: dict[str, tuple[int, OwnMetric]] = {}  # with the time their file was written
        self._said: dict[tuple[str, Objective], tuple[bytes, Measured]] = {}

    def measured(self, deployment: Deployment, labelled: Records, now: datetime) -> dict[Objective, Measured]:
        """Measure every objective of the user's own on the rows of its window; a failure is in `why`."""
        return {
            objective: self._measured(deployment.model, objective, measurable(labelled, objective, now))
            for objective in deployment.objectives
            if objective.function is not None
        }

    def _measured(self, model: str, objective: Objective, rows: Records) -> Measured:
        if not len(rows):
            return undefined(0, "there are no rows with an outcome")
        assert objective.function is not None
        y, score = rows.outcome.astype(np.float64), rows.score.astype(np.float64)
        function = self._function(objective.function)
        mark = hashlib.sha256(y.tobytes() + score.tobytes()).digest()
        known, said = self._said.get((model, objective), (b"", undefined(0, "")))
        if known == mark:
            return said
        answer = function.measure(y, score, rows.inputs, block_starts(len(rows)), BLOCKS)
        found = of_answer(answer, len(rows))
        if not answer.error:
            self._said[model, objective] = mark, found
        return found

    def _function(self, where: str) -> OwnMetric:
        """Return the function as its file now stands."""
        file = Path(where.rpartition(":")[0])
        written = file.stat().st_mtime_ns if file.is_file() else 0
        known, function = self._functions.get(where, (None, None))
        if function is not None and known != written:
            function.close()
            self._said = {key: said for key, said in self._said.items() if key[1].function != where}
        if function is None or known != written:
            function = OwnMetric(where)
            self._functions[where] = written, function
        return function


def of_answer(answer: Answer, rows: int) -> Measured:
    """Return what a function said as a metric: the mean of its values, or its number with the error of resampling."""
    if answer.error:
        return undefined(rows, answer.error)
    if answer.values is not None:
        strange = int((~np.isfinite(answer.values)).sum())
        if strange:
            return undefined(rows, f"it is no finite number on {strange} of {rows} rows")
        return mean(answer.values)
    assert answer.value is not None
    assert answer.replicates is not None
    return resampled(answer.value, answer.replicates, rows)
