"""Which rows of a training set a model has not learnt from: those that a derived version is made of."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from setpoint.domain.training_set import PROVENANCE_FILE, WEIGHT
from setpoint.domain.update import Method
from setpoint.domain.value import replace
from setpoint.domain.version import ModelVersion
from setpoint.errors import JobFailed
from setpoint.loop.learning.derived import scored, unlearnt
from setpoint.ports import FitJob
from setpoint.update.sets.origin import LOG
from tests.unit.versions.hand_made import SCHEMA, a_version

START = datetime(2026, 1, 1, tzinfo=UTC)
TIMES = [START + timedelta(days=i) for i in range(6)]


class Shelf:
    """Manifests by name."""

    def __init__(self, *versions: ModelVersion) -> None:
        self._versions = {v.version: v for v in versions}

    def get(self, model: str, version: str) -> ModelVersion:
        return self._versions[version]


def made_by(name: str, method: str, parent: str | None, days: int | None) -> ModelVersion:
    """A version that learnt rows before a day."""
    version = a_version(name, parent=parent)
    until = None if days is None else START + timedelta(days=days)
    return replace(version, lineage=replace(version.lineage, method=method, trained_until=until))


ROOT = made_by("v1", "", None, None)
REFITTED = made_by("v2", "refit", "v1", 2)
LINED = made_by("v3", "recalibrate", "v2", 5)
TWICE = made_by("v4", "threshold", "v3", 5)
CORRECTED = made_by("v5", "residual", "v2", 4)


def rows_of(
    folder: Path, parent: ModelVersion, method: Method, *, provenance: bool = True, **columns: Any
) -> list[int]:
    """The rows that count, of a row of a reference and five of the log, a day each."""
    table = pa.table({SCHEMA.target: [float(i) for i in range(6)], **columns})
    if provenance:
        source = ["v1", *[LOG] * 5]
        known = pa.array([None, *TIMES[1:]], pa.timestamp("us", "UTC"))
        times = pa.array([None, *TIMES[1:]], pa.timestamp("us", "UTC"))
        pq.write_table(pa.table({"source": source, "time": times, "known": known}), folder / PROVENANCE_FILE)
    job = FitJob(
        id="j", model="demand", parent=parent.version, training_set=str(folder / "train.parquet"), reason="",
        trained_since=START + timedelta(days=3), trained_until=START, method=method,
    )  # fmt: skip
    shelf: Any = Shelf(ROOT, REFITTED, LINED, TWICE, CORRECTED)
    found = unlearnt(shelf, parent, job, table, np.zeros(6))
    assert found.truth.tolist() == found.row.tolist()
    return [int(row) for row in found.row]


@pytest.mark.parametrize(
    ("parent", "method", "rows"),
    [
        (ROOT, Method.RECALIBRATE, [1, 2, 3, 4, 5]),  # all of the log
        (REFITTED, Method.RECALIBRATE, [2, 3, 4, 5]),
        (LINED, Method.RECALIBRATE, [2, 3, 4, 5]),  # it runs the model of v2
        (TWICE, Method.THRESHOLD, [2, 3, 4, 5]),
        (CORRECTED, Method.RECALIBRATE, [4, 5]),  # its residual model has learnt more
        (CORRECTED, Method.RESIDUAL, [2, 3, 4, 5]),  # which the next one does without
    ],
)
def test_rows_count_that_the_model_has_not_learnt(
    tmp_path: Path, parent: ModelVersion, method: Method, rows: list[int]
) -> None:
    """By where they come from and when, whatever was learnt from them beside the model."""
    assert rows_of(tmp_path, parent, method) == rows


def test_without_provenance_the_frontier_tells(tmp_path: Path) -> None:
    """Where the table has times; else all rows count. Weights go with their rows."""
    timed = replace(ROOT, schema=replace(SCHEMA, time="at"))
    at = pa.array(TIMES, pa.timestamp("us", "UTC"))
    assert rows_of(tmp_path, timed, Method.RECALIBRATE, provenance=False, at=at) == [3, 4, 5]
    assert rows_of(tmp_path, ROOT, Method.RECALIBRATE, provenance=False) == [0, 1, 2, 3, 4, 5]
    weights = {WEIGHT: np.arange(6.0)}
    assert rows_of(tmp_path, ROOT, Method.RECALIBRATE, provenance=False, **weights) == [0, 1, 2, 3, 4, 5]


class Answering:
    """A model that answers the first feature, and no row hotter than 50."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def predict(self, columns: Any) -> dict[str, Any]:
        self.asked.append(len(columns["temp"]))
        if columns["temp"].max() > 50:
            raise RuntimeError("too hot\nfor me")
        return {"prediction": columns["temp"]}


def test_rows_are_asked_for_in_parts_and_what_cannot_be_answered_is_said() -> None:
    """Ten thousand at once; an empty set, and a model that raises, fail the job in words."""
    model, rows = Answering(), {"temp": np.arange(25_000.0) / 1_000, "hum": np.zeros(25_000)}
    assert scored(model, rows, SCHEMA).tolist() == rows["temp"].tolist()
    assert model.asked == [10_000, 10_000, 5_000]
    with pytest.raises(JobFailed, match="the training set is empty"):
        scored(model, {name: column[:0] for name, column in rows.items()}, SCHEMA)
    with pytest.raises(JobFailed, match=r"the model cannot answer the training set: RuntimeError: too hot$"):
        scored(model, {"temp": np.full(1, 60.0), "hum": np.zeros(1)}, SCHEMA)
