"""What a derived version changes, and what it refuses to be made of."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from setpoint.domain.calibration import Calibration
from setpoint.domain.objective import Gain
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.update import Method
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.errors import InvalidInput, JobFailed
from setpoint.update.derive import Labelled, changed

FEATURES = (Feature(name="a", kind=Kind.NUMERIC, dtype=DType.FLOAT),)
LINEAGE = Lineage(created=datetime(2026, 1, 1, tzinfo=UTC), reason="", artifact_sha256="", reference_sha256="")
COSTLY_MISS = Gain(tp=0.0, fp=-1.0, fn=-9.0, tn=0.0)


def a_parent(task: Task, classes: tuple[Any, ...] = (), calibration: Calibration | None = None) -> ModelVersion:
    schema = Schema(features=FEATURES, target="y", task=task, classes=classes)
    return ModelVersion(
        model="m", version="v1", framework="sklearn", runtime="native", artifact="m", schema=schema, lineage=LINEAGE,
        files={}, calibration=calibration,
    )  # fmt: skip


def some_rows(count: int = 400, shift: float = 0.0) -> Labelled:
    """Probabilities, and outcomes whose logit is moved."""
    rng, time = np.random.default_rng(0), np.arange(count)
    p = rng.beta(1, 2, count)
    true = p * np.exp(shift) / (p * np.exp(shift) + 1 - p)
    truth = (rng.random(count) < true).astype(float)
    return Labelled(raw=p, truth=truth, weight=np.ones(count), time=time, known=time, row=time)


BINARY = a_parent(Task.BINARY, ("no", "yes"))


def test_a_recalibration_keeps_the_threshold_and_a_threshold_the_calibration() -> None:
    """Of a parent that was calibrated, the line is fitted anew, from the raw answers."""
    line = Calibration(shift=(1.5,))
    parent = a_parent(Task.BINARY, ("no", "yes"), line)
    found, threshold = changed(parent, some_rows(shift=1.5), Method.RECALIBRATE)
    assert found is not None
    assert found.shift[0] == pytest.approx(1.5, abs=0.5)
    assert threshold == 0.5
    same, threshold = changed(parent, some_rows(shift=1.5), Method.THRESHOLD, COSTLY_MISS)
    assert same == line
    assert threshold < 0.3


def test_what_is_refused_is_said_with_what_to_do() -> None:
    """Too few rows, one class, a threshold that would be chance, tasks that know no such thing."""
    rows = some_rows()
    few = rows.take(np.arange(400) < 30)
    with pytest.raises(JobFailed, match="30 rows have an outcome and were not learnt from; 50 are needed"):
        changed(BINARY, few, Method.RECALIBRATE)
    with pytest.raises(JobFailed, match=r"all .* outcomes are 'no': is the label feed broken"):
        changed(BINARY, rows.take(rows.truth == 0), Method.RECALIBRATE)
    with pytest.raises(JobFailed, match=r"no threshold is surely better than 0\.5: on the last 198 rows"):
        changed(BINARY, rows, Method.THRESHOLD)
    with pytest.raises(InvalidInput, match="this one is regression: recalibrate"):
        changed(a_parent(Task.REGRESSION), rows, Method.THRESHOLD)
    with pytest.raises(InvalidInput, match="probabilities of 30 classes are not recorded"):
        changed(a_parent(Task.MULTICLASS, tuple(range(30))), rows, Method.RECALIBRATE)


def test_rows_without_an_outcome_are_left_out() -> None:
    """A mask takes those that have one."""
    rows = some_rows(4)
    rows.truth[1] = np.nan
    assert len(rows.take(np.array([True, True, True, False])).truth) == 2
