"""Small trainings to run in processes of their own."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.errors import JobFailed
from setpoint.ports import FitJob
from setpoint.update.job import run_fit

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FEATURES = tuple(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT) for n in ("a", "b"))
REGRESSION = Schema(features=FEATURES, target="y", task=Task.REGRESSION)
BINARY = Schema(features=FEATURES, target="y", task=Task.BINARY, classes=("no", "yes"))


def rows(count: int = 400, *, slope: float = 3.0) -> pa.Table:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, count))
    return pa.table({"a": a, "b": b, "y": slope * a + 0.1 * rng.standard_normal(count)})


def classes(count: int = 400) -> pa.Table:
    table = rows(count)
    return table.set_column(2, "y", pa.array(np.where(table["y"].to_numpy() > 0, "yes", "no")))


def a_regressor(folder: Path) -> Path:
    frame = rows(slope=-3.0).to_pandas()
    path = folder / "model.joblib"
    joblib.dump(HistGradientBoostingRegressor(max_iter=30).fit(frame[["a", "b"]], frame["y"]), path)
    return path


def a_job(folder: Path, table: pa.Table, train: str | None = None, may: tuple[str, ...] = ()) -> FitJob:
    pq.write_table(table, folder / "train.parquet")
    return FitJob(
        id="j1", model="m", parent="v1", training_set=str(folder / "train.parquet"), reason="",
        trained_since=NOW, trained_until=NOW, train=train, source=str(folder), may=may,
    )  # fmt: skip


def made_by(*given: Any, **limits: Any) -> Path:
    """The artefact that a training makes."""
    return Path(str(run_fit(*given, **limits).artifact))


def failure(
    folder: Path,
    table: pa.Table,
    *,
    schema: Schema = REGRESSION,
    code: str | None = None,
    may: tuple[str, ...] = (),
    **limits: Any,
) -> str:
    """The words of a training that fails; its parent is left as it was."""
    parent = a_regressor(folder)
    before = parent.read_bytes()
    if code is not None:
        (folder / "train.py").write_text(code)
    job = a_job(folder, table, None if code is None else "train.py:fit", may)
    with pytest.raises(JobFailed) as told:
        run_fit(job, parent, schema, folder / "work", **{"timeout_s": 60, **limits})
    assert parent.read_bytes() == before
    return str(told.value)
