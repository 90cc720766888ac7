"""The tables of the record log, read by programs that know nothing of Setpoint."""

from pathlib import Path

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable

from setpoint.domain.profile import binning_of
from setpoint.domain.record import InferenceRecord
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.store.log import DeltaRecordLog
from setpoint.store.spool import Spool

ROWS = 6_000  # more than wait for a commit


@pytest.fixture(scope="module")
def predictions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of `ROWS` committed predictions, every third by version v2."""
    import numpy as np

    home = tmp_path_factory.mktemp("home")
    schema = Schema(
        features=(Feature(name="temp", kind=Kind.NUMERIC, dtype=DType.FLOAT),), target="y", task=Task.REGRESSION
    )
    log, spool = DeltaRecordLog(home), Spool(home / "spool", "w")
    log.open_model("demand", schema, binning_of({"temp": np.arange(9.0)}, schema, np.arange(9.0)))
    spool.append(
        [
            InferenceRecord.named(
                request_id=f"r{n}", model="demand", version="v2" if n % 3 == 0 else "v1", role="champion",
                arrived_us=n, latency_us=n, status=200, caller="", ids=[f"i{n}"], times_us=[n * 1_000_000],
                inputs={"temp": [float(n)]}, outputs={"prediction": [2.0 * n]},
            )
            for n in range(ROWS)
        ]
    )  # fmt: skip
    spool.close()
    log.ingest()
    log.close()
    return home / "records" / "demand" / "predictions"


def test_polars_reads_them(predictions: Path) -> None:
    found = pl.read_delta(str(predictions))
    assert dict(found.group_by("version").len().rows()) == {"v1": ROWS * 2 // 3, "v2": ROWS // 3}
    assert found.select(pl.col("inputs").struct.field("temp").sum()).item() == sum(range(ROWS))


def test_duckdb_reads_them(predictions: Path) -> None:
    table = DeltaTable(predictions).to_pyarrow_dataset()  # noqa: F841  # DuckDB finds it by its name
    asked = "select version, count(*), sum(outputs.prediction) from table group by version order by version"
    by_version = duckdb.sql(asked.replace("table", '"table"')).fetchall()
    twos = [n for n in range(ROWS) if n % 3 == 0]
    assert by_version[1] == ("v2", len(twos), 2.0 * sum(twos))
    assert sum(count for _, count, _ in by_version) == ROWS
