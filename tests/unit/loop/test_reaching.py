"""How far back the log is read for a training set: far enough, and no further."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.domain.records import Records, stamp
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.training_set import Base, LeftOut, SetSpec, Source
from setpoint.loop.learning.reaching import recorded_for
from setpoint.update.sets.made import Ground, TrainingSet, make_set

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = Schema(
    features=(Feature(name="a", kind=Kind.NUMERIC, dtype=DType.FLOAT),), target="y", task=Task.REGRESSION, id="id"
)
REFERENCE = pa.table({"a": np.arange(5.0), "y": np.arange(5.0), "id": [f"i{n}" for n in range(5)]})


def a_log(days_ago: list[int], who: list[int]) -> Records:
    """Rows in time order; each third has no outcome yet."""
    rows = len(days_ago)
    time = np.sort(stamp(NOW) - np.array(days_ago, np.int64) * np.timedelta64(1, "D"))
    known = time.copy()
    known[::3] = np.datetime64("NaT")
    return Records(
        id=np.array([f"i{n}" for n in who], object), time=time, version=np.full(rows, "v1", object),
        score=np.zeros(rows), outcome=np.where(np.isnat(known), np.nan, 1.0), known=known, latency_us=np.zeros(rows),
        maps=np.full(rows, "", object), inputs={"a": 10.0 + np.arange(rows)},
    )  # fmt: skip


def made(records: Records, source: Source, spec: SetSpec) -> TrainingSet:
    return make_set(Ground(table=REFERENCE), records, SCHEMA, source, spec)


def a_source(**more: Any) -> Source:
    return Source(model="m", reference="v1", champion="v1", until=NOW, as_of=NOW, **more)


@settings(max_examples=100)
@given(
    rows=st.lists(st.tuples(st.one_of(st.integers(1, 150), st.integers(1, 9_000)), st.integers(0, 8)), max_size=30),
    window=st.sampled_from([None, 0, 1, 3]),
    window_days=st.sampled_from([None, 5, 500]),
    reference=st.sampled_from(Base),
)
def test_the_set_is_the_one_of_the_whole_log(
    rows: list[tuple[int, int]], window: int | None, window_days: int | None, reference: Base
) -> None:
    log = a_log([days for days, _ in rows], [who for _, who in rows])
    spec = SetSpec(rows=window, window_s=window_days and window_days * 86_400.0, reference=reference)
    source = a_source(left_out=(LeftOut(since=NOW - timedelta(days=50), until=NOW - timedelta(days=20)),))
    read = recorded_for(log.between, source, spec, REFERENCE.num_rows)
    assert made(read, source, spec).recipe.digest == made(log, source, spec).recipe.digest


def test_a_long_log_is_read_until_the_window_is_full() -> None:
    log, asked = a_log(list(range(4_000, 0, -1)), list(range(4_000))), list[int]()

    def read(since: datetime | None, until: datetime) -> Records:
        found = log.between(since, until)
        asked.append(len(found))
        return found

    recorded_for(read, a_source(), SetSpec(rows=200), 5)
    assert sum(asked) == 560  # 112 days, and four times as many before
    asked.clear()
    recorded_for(read, a_source(), SetSpec(rows=10_000), 5)
    assert sum(asked) == 4_000  # each row once


@pytest.mark.parametrize("spec", [SetSpec(rows=0), SetSpec(rows=3, reference=Base.ALWAYS)])
def test_all_is_read_at_once_where_all_is_asked_for_or_any_id_may_matter(spec: SetSpec) -> None:
    asked = list[Any]()

    def read(since: datetime | None, until: datetime) -> Records:
        asked.append((since, until))
        return a_log([], [])

    recorded_for(read, a_source(), spec, 5)
    assert asked == [(None, NOW)]


def test_rows_of_one_id_count_once() -> None:
    log = a_log([500, 490, 480, *range(60, 0, -1)], [0, 1, 2, *[7] * 60])
    source, spec = a_source(), SetSpec(rows=3)
    read = recorded_for(log.between, source, spec, 5)
    assert len(read) == 63
    assert made(read, source, spec).table["id"].to_pylist() == ["i1", "i2", "i7"]
