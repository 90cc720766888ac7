"""Training sets: point in time, repaired, of the reference's types, and the same bytes each time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.records import Records, stamp
from setpoint.domain.schema import Contract, DType, Feature, Kind, OnViolation, Schema, Task
from setpoint.domain.training_set import LeftOut, Mended, SetSpec, Source
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput
from setpoint.update.sets.digest import digest
from setpoint.update.sets.made import Ground, make_set

START = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = Schema(
    features=(
        Feature(name="temp", kind=Kind.NUMERIC, dtype=DType.FLOAT),
        Feature(name="hour", kind=Kind.NUMERIC, dtype=DType.INT),
        Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=("clear", "rain")),
    ),
    target="cnt", task=Task.REGRESSION, time="at", id="id",
)  # fmt: skip
CELSIUS = FeatureMap(id="m1", feature="temp", scale=0.5, offset=-16.0)


def a_reference() -> pa.Table:
    return pa.table(
        {
            "id": ["r1", "r2"],
            "at": pa.array([START - timedelta(days=2), START - timedelta(days=1)], pa.timestamp("us", "UTC")),
            "temp": [1.0, 2.0],
            "hour": pa.array([3, 4], pa.int64()),
            "sky": ["clear", "rain"],
            "ignored": [0, 0],
            "cnt": pa.array([10, 20], pa.int64()),
        }
    )


def hour(n: float) -> datetime:
    return START + timedelta(hours=n)


def logged(rows: int = 4) -> Records:
    """One row an hour, its outcome known an hour later; the last outcome is still unknown."""
    time = stamp(START) + np.arange(rows) * np.timedelta64(1, "h")
    known = time + np.timedelta64(1, "h")
    known[-1] = np.datetime64("NaT")
    outcome = 100.0 + np.arange(rows)
    outcome[-1] = np.nan
    return Records(
        id=np.array([f"l{i}" for i in range(rows)], object), time=time, version=np.full(rows, "v1", object),
        score=np.zeros(rows), outcome=outcome, known=known, latency_us=np.zeros(rows),
        maps=np.full(rows, "", object),
        inputs={"temp": np.arange(rows) + 50.0, "hour": np.arange(rows) * 1.0,
                "sky": np.array(["rain", None, "fog", "clear"][:rows], object)},
    )  # fmt: skip


def build(
    reference: pa.Table,
    records: Records,
    schema: Schema,
    *,
    until: datetime,
    as_of: datetime | None = None,
    maps: Sequence[tuple[FeatureMap, datetime, datetime | None]] = (),
    exclude: Sequence[LeftOut] = (),
) -> pa.Table:
    """All of the reference and of the log, as a set."""
    source = Source(
        model="m", reference="v1", champion="v1", until=until, as_of=as_of or until,
        mended=tuple(Mended(map=m, since=since, until=end) for m, since, end in maps),
        left_out=tuple(exclude),
    )  # fmt: skip
    return make_set(Ground(table=reference), records, schema, source, SetSpec(rows=0)).table


def test_reference_rows_are_followed_by_the_log_in_the_references_types() -> None:
    table = build(a_reference(), logged(), SCHEMA, until=hour(9))
    assert table.column_names == ["temp", "hour", "sky", "cnt", "at", "id"]
    assert table["cnt"].to_pylist() == [10, 20, 100, 101, 102]
    assert table["sky"].to_pylist() == ["clear", "rain", "rain", None, "fog"]
    reference = a_reference()
    assert all(table[name].type == reference[name].type for name in table.column_names)


@pytest.mark.parametrize(("until", "rows"), [(0, 0), (1, 1), (2.5, 2), (3, 3), (9, 3)])
def test_only_what_was_known_by_then_is_learnt(until: float, rows: int) -> None:
    assert build(a_reference(), logged(), SCHEMA, until=hour(until)).num_rows == 2 + rows


def test_outcomes_told_all_at_once_are_learnt_too() -> None:
    late = replace(logged(), known=np.full(4, stamp(hour(8))))
    assert build(a_reference(), late, SCHEMA, until=hour(2)).num_rows == 2
    assert build(a_reference(), late, SCHEMA, until=hour(2), as_of=hour(9)).num_rows == 2 + 2


def test_rows_of_the_fault_are_repaired_also_before_the_repair_was_in_place() -> None:
    table = build(a_reference(), logged(), SCHEMA, maps=[(CELSIUS, hour(1), hour(2))], until=hour(9))
    assert table["temp"].to_pylist() == [1.0, 2.0, 50.0, 51 * 0.5 - 16, 52.0]


def test_a_row_served_under_a_repair_is_repaired_outside_the_span_too() -> None:
    records = replace(logged(), maps=np.array(["", "", "m0 m1", ""], object))
    table = build(a_reference(), records, SCHEMA, maps=[(CELSIUS, hour(1), hour(2))], until=hour(9))
    assert table["temp"].to_pylist()[-1] == 52 * 0.5 - 16


def test_a_repair_that_still_holds_has_no_end() -> None:
    table = build(a_reference(), logged(), SCHEMA, maps=[(CELSIUS, hour(1), None)], until=hour(9))
    assert table["temp"].to_pylist()[2:] == [50.0, 51 * 0.5 - 16, 52 * 0.5 - 16]


def test_excluded_spans_are_left_out() -> None:
    table = build(a_reference(), logged(), SCHEMA, until=hour(9), exclude=[LeftOut(since=hour(1), until=hour(2))])
    assert table["cnt"].to_pylist() == [10, 20, 100, 102]


@pytest.mark.parametrize(("arrivals", "left"), [(False, [10, 20, 100, 101, 102]), (True, [10, 20, 100, 102])])
def test_outcomes_that_came_while_the_feed_was_broken_are_left_out_whenever_they_were_asked(
    arrivals: bool, left: list[int]
) -> None:
    later = replace(logged(), known=logged().known + np.timedelta64(2, "h"))
    broken = LeftOut(since=hour(4), until=hour(5), arrivals=arrivals)
    assert build(a_reference(), later, SCHEMA, until=hour(9), exclude=[broken])["cnt"].to_pylist() == left


def test_of_rows_with_one_id_the_last_is_kept() -> None:
    records = replace(logged(), id=np.array(["r2", "l1", "l1", "l3"], object))
    table = build(a_reference(), records, SCHEMA, until=hour(9))
    assert table["id"].to_pylist() == ["r1", "r2", "l1"]
    assert table["cnt"].to_pylist() == [10, 100, 102]


def test_whole_numbers_become_floats_only_where_they_must() -> None:
    records = replace(logged(), inputs={**logged().inputs, "hour": np.array([0.5, 1.0, np.nan, 1.0])})
    table = build(a_reference(), records, SCHEMA, until=hour(9))
    assert table["hour"].type == pa.float64()
    assert table["hour"].to_pylist()[:3] == [3.0, 4.0, 0.5]


@pytest.mark.parametrize("classes", [("no", "yes"), (0, 1), (False, True)])
def test_outcomes_become_the_classes_own_labels(classes: tuple[str | int | bool, str | int | bool]) -> None:
    schema = replace(SCHEMA, task=Task.BINARY, classes=classes)
    reference = a_reference().set_column(6, "cnt", pa.array(list(classes)))
    records = replace(logged(), outcome=np.array([1.0, 0.0, 1.0, np.nan]))
    table = build(reference, records, schema, until=hour(9))
    assert table["cnt"].to_pylist() == [*classes, classes[1], classes[0], classes[1]]
    assert table["cnt"].type == reference["cnt"].type


def test_dictionaries_grow_by_new_levels() -> None:
    reference = a_reference().set_column(4, "sky", a_reference()["sky"].combine_chunks().dictionary_encode())
    table = build(reference, logged(), SCHEMA, until=hour(9))
    assert table["sky"].type == reference["sky"].type
    assert table["sky"].to_pylist()[-1] == "fog"


def test_a_reference_without_the_target_is_named() -> None:
    with pytest.raises(InvalidInput, match="the reference lacks cnt; it has id, at"):
        build(a_reference().drop(["cnt"]), logged(), SCHEMA, until=hour(9))


def test_the_digest_is_of_the_content() -> None:
    table = build(a_reference(), logged(), SCHEMA, until=hour(9))
    again = build(a_reference(), logged(), SCHEMA, until=hour(9))
    in_pieces = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    assert digest(table) == digest(again) == digest(in_pieces)
    assert digest(table) != digest(table.slice(1))
    assert digest(table) != digest(table.rename_columns(["x", *table.column_names[1:]]))


def test_what_was_imputed_at_the_door_is_imputed_again_after_the_repair() -> None:
    temp = Contract(on_violation=OnViolation.IMPUTE, high=9.0, instead=5.0)
    sky = Contract(on_violation=OnViolation.IMPUTE, levels=("clear", "rain"), instead="clear")
    contracts = {"temp": temp, "sky": sky}
    features = tuple(replace(f, contract=contracts.get(f.name)) for f in SCHEMA.features)
    maps = [(CELSIUS, hour(0), hour(9))]
    table = build(a_reference(), logged(), replace(SCHEMA, features=features), maps=maps, until=hour(9))
    assert table["temp"].to_pylist()[2:] == [9.0, 5.0, 5.0]
    assert table["sky"].to_pylist()[2:] == ["rain", "clear", "clear"]
