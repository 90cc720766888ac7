"""Training sets: point in time, in windows, with the provenance of each row, and the same bytes each time."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.domain.erased import ErasedIds, erased_rows, salted, to_remember
from setpoint.domain.feature_map import FeatureMap, Instead, Levels
from setpoint.domain.profile import binning_of
from setpoint.domain.record import InferenceRecord, Outcome
from setpoint.domain.records import Records, stamp
from setpoint.domain.repaired import repaired
from setpoint.domain.schema import Contract, DType, Feature, Kind, OnViolation, Schema, Task
from setpoint.domain.training_set import Base, LeftOut, Mended, Recipe, SetSpec, Source
from setpoint.domain.value import from_json, replace, to_json
from setpoint.serve.form import Form
from setpoint.store.memory import MemoryRecordLog
from setpoint.update.sets.digest import digest
from setpoint.update.sets.made import Ground, TrainingSet, make_set

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SCHEMA = Schema(
    features=(
        Feature(name="temp", kind=Kind.NUMERIC, dtype=DType.FLOAT, nullable=True),
        Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, nullable=True),
    ),
    target="cnt", task=Task.REGRESSION, time="at", id="id",
)  # fmt: skip
SALT = "0123456789abcdef"


def hour(n: float) -> datetime:
    return START + n * HOUR


def a_reference(rows: int = 4) -> pa.Table:
    """Rows of the hours before the start."""
    return pa.table(
        {
            "id": [f"r{i}" for i in range(rows)],
            "at": pa.array([hour(i - rows) for i in range(rows)], pa.timestamp("us", "UTC")),
            "temp": pa.array(np.arange(rows) * 1.0),
            "sky": ["clear"] * rows,
            "cnt": pa.array(np.arange(rows), pa.int64()),
        }
    )


def logged(rows: int = 6, **changes: Any) -> Records:
    """One row an hour, its outcome known an hour later."""
    time = stamp(START) + np.arange(rows) * np.timedelta64(1, "h")
    values: dict[str, Any] = {
        "id": np.array([f"l{i}" for i in range(rows)], object), "time": time, "version": np.full(rows, "v1", object),
        "score": np.zeros(rows), "outcome": 100.0 + np.arange(rows), "known": time + np.timedelta64(1, "h"),
        "latency_us": np.zeros(rows), "maps": np.full(rows, "", object),
        "inputs": {"temp": 50.0 + np.arange(rows), "sky": np.array(["rain", None] * rows, object)[:rows]},
    }  # fmt: skip
    return Records(**{**values, **changes})


ALL = SetSpec(rows=0)


def made(spec: SetSpec = ALL, *, until: float = 99, records: Records | None = None, **more: Any) -> TrainingSet:
    source = {key: more.pop(key) for key in ("mended", "left_out", "as_of") if key in more}
    at = Source(model="m", reference="v1", champion="v2", until=hour(until), **{"as_of": hour(until), **source})
    ground = more.pop("ground", Ground(table=a_reference()))
    return make_set(ground, logged() if records is None else records, more.pop("schema", SCHEMA), at, spec, **more)


def ids(found: TrainingSet) -> list[str]:
    return list(found.table["id"].to_pylist())


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (SetSpec(), "l2 l3 l4 l5"),  # as long as the reference
        (SetSpec(rows=0), "r0 r1 r2 r3 l0 l1 l2 l3 l4 l5"),
        (SetSpec(rows=8), "r2 r3 l0 l1 l2 l3 l4 l5"),
        (SetSpec(rows=2), "l4 l5"),
        (SetSpec(rows=2, reference=Base.ALWAYS), "r0 r1 r2 r3 l4 l5"),
        (SetSpec(rows=8, reference=Base.NEVER), "l0 l1 l2 l3 l4 l5"),
        (SetSpec(rows=0, window_s=4 * 3600), "l3 l4 l5"),
        (SetSpec(rows=0, window_s=8 * 3600), "r3 l0 l1 l2 l3 l4 l5"),
        (SetSpec(rows=3, window_s=8 * 3600, reference=Base.ALWAYS), "r0 r1 r2 r3 l3 l4 l5"),
    ],
)
def test_the_window_is_of_the_latest_rows_and_the_reference_is_its_oldest_part_or_stays(
    spec: SetSpec, expected: str
) -> None:
    assert " ".join(ids(made(spec, until=7))) == expected


def test_no_row_is_of_the_future_whether_it_is_of_the_log_or_of_the_reference() -> None:
    assert ids(made(until=2, as_of=hour(99))) == ["r0", "r1", "r2", "r3", "l0", "l1"]
    assert ids(made(until=-2, as_of=hour(99))) == ["r0", "r1"]


def test_each_step_says_what_it_took_and_what_it_left() -> None:
    left_out = (LeftOut(since=hour(1), until=hour(2), why="incident i"),)
    recipe = made(SetSpec(rows=3), until=5, left_out=left_out).recipe
    steps = {s.name: (s.rows_in, s.rows_out) for s in recipe.steps}
    assert steps["reference"] == (0, 4)
    assert steps["log"] == (4, 9)
    assert steps["doubtful_spans"] == (9, 8)
    assert steps["window"] == (8, 3)
    assert recipe.rows == 3
    assert next(s for s in recipe.steps if s.name == "doubtful_spans").said == "incident i"
    counts = {s.name: s.counts for s in recipe.steps}
    assert counts["log"] == {"recorded": 6, "without_outcome": 0, "too_late": 1}
    assert from_json(to_json(recipe), Recipe) == recipe
    assert recipe.at_door == ("repairs", "contract")


def test_provenance_names_the_record_or_the_row_of_the_reference_and_since_when_it_was_known() -> None:
    found = made(SetSpec(rows=7)).provenance.to_pylist()
    assert found[0] == {"source": "v1", "row": 3, "id": "r3", "version": None, "time": hour(-1), "known": None}
    assert found[1] == {"source": "log", "row": None, "id": "l0", "version": "v1", "time": hour(0), "known": hour(1)}


def test_a_reference_that_was_a_set_itself_still_names_its_records() -> None:
    first = made(SetSpec(rows=6), until=5)
    again = made(ground=Ground(table=first.table, provenance=first.provenance), records=logged().take(np.arange(4, 6)))
    assert ids(again) == ["r3", "l0", "l1", "l2", "l3", "l4", "l5"]
    assert again.provenance["source"].to_pylist() == ["v1", *["log"] * 6]
    assert again.provenance["known"].to_pylist()[:2] == [None, hour(1)]


def test_erased_ids_are_in_no_set_wherever_they_come_from() -> None:
    erased = ErasedIds(salt=SALT, hashes=np.sort(salted(np.array(["r1", "l2", "zz"], object), SALT)))
    found = made(erased=erased)
    assert ids(found) == ["r0", "r2", "r3", "l0", "l1", "l3", "l4", "l5"]
    assert erased_rows(found.provenance["id"].to_numpy(), erased) == 0
    assert erased_rows(made().provenance["id"].to_numpy(), erased) == 2
    step = next(s for s in found.recipe.steps if s.name == "erased_ids")
    assert (step.rows_out, step.counts) == (8, {"erased": step.rows_in - 8})


def test_rows_without_an_id_are_nobodys() -> None:
    erased = ErasedIds(salt=SALT, hashes=salted(np.array(["None"], object), SALT))
    assert erased_rows(np.array([None, None], object), erased) == 0
    ground = Ground(table=a_reference().drop(["id"]))
    assert made(ground=ground, erased=erased).table.num_rows == 10


def test_of_sensitive_ids_only_keyed_hashes_are_remembered() -> None:
    keyed = "h:" + "A" * 22
    assert to_remember(["raw", keyed], sensitive=True) == (keyed,)
    assert to_remember(["raw", keyed], sensitive=False) == ("raw", keyed)


def test_the_digest_is_of_the_content_alone(tmp_path: Path) -> None:
    table = pa.table({
        "x": pa.array([1.0, 2.0, 3.0], mask=np.array([False, True, False])),
        "s": pa.array(["a", None, "b"]).dictionary_encode(),
        "t": pa.array([START, None, START], pa.timestamp("us", "UTC")),
        "b": [True, None, False],
        "e": pa.array([None, "", "ab"]),
        "d": pa.array([START.date(), None, None]),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "t.parquet")
    pieces = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    plain = table.set_column(1, "s", table["s"].cast(pa.string()).combine_chunks())
    assert len({digest(t) for t in (table, pieces, plain, pq.read_table(tmp_path / "t.parquet"))}) == 1
    others = [table.slice(1), table.rename_columns(["y", *"stbed"]), table.set_column(4, "e", [["", None, "ab"]])]
    assert len({digest(t) for t in (table, *others)}) == 4


def test_empty_texts_and_their_borders_count() -> None:
    one, other = pa.table({"s": ["ab", "c"]}), pa.table({"s": ["a", "bc"]})
    assert digest(one) != digest(other)


LEVELS = ("clear", "rain")


def at_door() -> Schema:
    contract = {
        "temp": Contract(on_violation=OnViolation.IMPUTE, low=-10.0, high=40.0, instead=15.0),
        "sky": Contract(on_violation=OnViolation.IMPUTE, levels=LEVELS, instead="clear"),
    }
    return replace(
        SCHEMA, features=tuple(replace(f, nullable=False, contract=contract[f.name]) for f in SCHEMA.features)
    )


REPAIRS = (
    FeatureMap(id="m1", feature="temp", scale=5 / 9, offset=-160 / 9),
    FeatureMap(id="m1", feature="sky", levels=Levels(expected={"fog": LEVELS[0]})),
    FeatureMap(id="m1", feature="temp", instead=Instead(constant=7.0)),
    FeatureMap(id="m1", feature="temp", instead=Instead(constant=7.0, held=40.0)),
    FeatureMap(id="m1", feature="temp", instead=Instead(constant=7.0, everywhere=True)),
    FeatureMap(id="m1", feature="sky", instead=Instead(constant=LEVELS[0])),
)


@given(
    repair=st.sampled_from(REPAIRS),
    temp=st.lists(st.one_of(st.sampled_from([np.nan, 40.0]), st.floats(-60, 120)), min_size=6, max_size=6),
    sky=st.lists(st.sampled_from([None, *LEVELS, "fog"]), min_size=6, max_size=6),
)
def test_what_a_set_holds_of_a_row_is_what_the_door_made_of_it(
    repair: FeatureMap, temp: list[float], sky: list[str | None]
) -> None:
    """Repaired and imputed as serving does to the same row, value by value."""
    records = logged(inputs={"temp": np.array(temp), "sky": np.array(sky, object)}, maps=np.full(6, "m1", object))
    schema = at_door()
    found = made(records=records, schema=schema, mended=(Mended(map=repair, since=hour(50)),)).table.slice(4)
    form = Form(schema, [repair])
    rows = form.records(
        [{"temp": None if t != t else t, "sky": s} for t, s in zip(temp, sky, strict=True)], strict=True
    )
    seen = repaired(form.stack([rows]), [repair])
    assert found["sky"].to_pylist() == seen["sky"].tolist()
    assert found["temp"].to_numpy() == pytest.approx(seen["temp"], nan_ok=True)


facts = st.lists(
    st.tuples(
        st.integers(0, 9),  # whose
        st.integers(0, 9),  # hour of the event
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=3),  # outcomes: hour known, value
    ),
    max_size=12,
)


def a_log(told: list[Any], now: float) -> MemoryRecordLog:
    """A log of the facts that were known by now."""
    log, columns = MemoryRecordLog(), {"temp": np.arange(9.0), "sky": np.array(["a"] * 9, object)}
    log.open_model("m", SCHEMA, binning_of(columns, SCHEMA, np.arange(9.0)))
    log.append([
        InferenceRecord.named(
            request_id=f"q{n}", model="m", version="v1", role="champion", arrived_us=us(hour(event)),
            latency_us=1, status=200, caller="", ids=[f"i{who}"], times_us=[us(hour(event))],
            inputs={"temp": [float(n)], "sky": ["a"]}, outputs={"prediction": [0.0]},
        )
        for n, (who, event, _) in enumerate(told)
        if event <= now
    ])  # fmt: skip
    log.ingest()
    outcomes = [(who, known, value) for who, _, outcomes in told for known, value in outcomes if known <= now]
    for who, known, value in outcomes:
        log.add_outcomes("m", [Outcome(id=f"i{who}", value=float(value), known_us=us(hour(known)))])
    return log


def us(when: datetime) -> int:
    return int(when.timestamp()) * 1_000_000


@settings(max_examples=60)
@given(told=facts, as_of=st.integers(0, 12), until=st.integers(0, 12))
def test_nothing_that_became_known_later_changes_a_set_as_of_a_time(told: list[Any], as_of: int, until: int) -> None:
    """Late, repeated and corrected outcomes, and later rows: the set built at the time is the set built at the end."""
    then, later = (
        made(
            until=until,
            as_of=hour(as_of),
            records=a_log(told, now).read("m", until=hour(until), as_of=hour(as_of)),
        )
        for now in (as_of, 99)
    )
    assert then.recipe.digest == later.recipe.digest
    assert then.recipe.provenance == later.recipe.provenance
    times = [t for t in later.provenance["time"].to_pylist() if t is not None]
    assert all(t < hour(until) for t in times)
    assert all(k <= hour(as_of) for k in later.provenance["known"].to_pylist() if k is not None)


def test_a_set_is_a_frozen_value() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        made().recipe = None  # type: ignore[misc]
