"""The table of profiles: whatever the batches, the rows of a window sum to the profile of its records."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.domain.cuts import Counted, Cuts, cuts_of
from setpoint.domain.profile import Binning, profile_of
from setpoint.domain.record import Role
from setpoint.domain.schema import DType, Feature, Handling, Kind, Schema, Task
from setpoint.domain.segments import Split
from setpoint.domain.value import replace
from setpoint.store.counts import Counts
from setpoint.store.predictions import prediction_schema
from setpoint.store.profiles import PROFILES, chosen, compacted, inputs_of, profile_rows, spans, summed, within

T0 = datetime(2024, 2, 29, 22, 58, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MINUTES = (0, 1, 61, 62, 63, 120, 1_441, 1_442, 1_502, 1_503, 2_943, 3_000, 5_000)  # after T0: edges of hours and days
SCHEMA = Schema(
    features=(
        Feature(name="x", kind=Kind.NUMERIC, dtype=DType.FLOAT, nullable=True),
        Feature(name="flag", kind=Kind.NUMERIC, dtype=DType.BOOL, nullable=True),
        Feature(name="job", kind=Kind.CATEGORICAL, dtype=DType.STRING, nullable=True),
        Feature(name="seen", kind=Kind.CATEGORICAL, dtype=DType.STRING, nullable=True),
        Feature(name="note", kind=Kind.CATEGORICAL, dtype=DType.STRING, nullable=True),
    ),
    target="y",
    task=Task.REGRESSION,
)
BINNING = Binning(
    columns={
        "x": cuts_of(np.arange(50.0), Counted.NUMERIC),
        "flag": cuts_of(np.zeros(1), Counted.BOOLEAN),
        "job": Cuts(kind=Counted.CATEGORICAL, levels=("admin", "nurse"), spare=2),
        "seen": cuts_of(np.array(["2024-01-01", "2024-02-01"], object), Counted.DATETIME),
        "note": cuts_of(np.array(["few words", "more words than those"], object), Counted.TEXT),
        "prediction": cuts_of(np.arange(9.0), Counted.NUMERIC),
        "describe.light": cuts_of(np.arange(5.0), Counted.NUMERIC),
        "describe.shape": cuts_of(np.array(["round"], object), Counted.CATEGORICAL),
    },
    segments={
        "job": Split(levels=("admin", "nurse")),
        "x": Split(edges=(10.0, 30.0)),
        "flag": Split(values=(0.0, 1.0)),
    },
)
JOBS = (None, "admin", "nurse", "cook", "pilot", "smith", "other")
SEEN = (None, "2024-01-05", "2024-02-11T10:00:00Z", "soon")
NOTES = (None, "", "late", "日本語のテキスト", "z" * 700)
XS = (math.nan, math.inf, 0.0, 9.5, 10.0, 31.0, 1e300, -7.0)
INPUTS = prediction_schema(SCHEMA).field("inputs").type


ROLES = ("champion", "champion", "champion", "shadow")
POOLS = (MINUTES, ("v1", "v2"), ROLES, (200, 200, 200, 422), XS, (0.0, 1.0, math.nan), JOBS, SEEN, NOTES)
ROWS = math.prod(len(pool) for pool in POOLS)


def picked(number):
    """Return one record, with its minute: drawing one number is a tenth of the work of drawing nine values."""
    number, values = number * 2_654_435_761 % ROWS, []  # near numbers are far apart, as small ones are drawn often
    for pool in POOLS:
        number, at = divmod(number, len(pool))
        values.append(pool[at])
    return values


records = st.lists(st.integers(0, ROWS - 1), max_size=20)


def table_of(rows, first=0):
    minute, version, role, status, x, flag, job, seen, note = zip(*rows, strict=True) if rows else ((),) * 9
    inputs = [pa.array(np.array(c, float), pa.float64(), from_pandas=True) for c in (x, flag)]
    inputs += [pa.array(c, pa.string()) for c in (job, seen, note)]
    score = pa.StructArray.from_arrays([pa.array([float(m % 7) for m in minute], pa.float64())], ["prediction"])
    columns = {
        "time": pa.array([T0 + m * MINUTE + timedelta(seconds=m % 60) for m in minute], pa.timestamp("us", "UTC")),
        "version": pa.array(version, pa.string()),
        "role": pa.array(role, pa.string()),
        "status": pa.array(status, pa.int64()),
        "inputs": pa.StructArray.from_arrays(inputs, fields=list(INPUTS)),
        "outputs": score,
    }
    return pa.table(columns)


def described(inputs):
    assert set(inputs) == set(SCHEMA.names)
    return {"describe.light": inputs["x"], "describe.shape": inputs["job"], "describe.more": inputs["x"]}


def counted(rows):
    return profile_rows(table_of(rows), SCHEMA, BINNING, described)


def expected(rows):
    text = {"job": 6, "seen": 7, "note": 8, "describe.shape": 6}
    columns = {name: np.array([None, *(r[at] for r in rows)], object)[1:] for name, at in text.items()}
    columns |= {
        name: np.array([r[at] for r in rows], float) for name, at in (("x", 4), ("flag", 5), ("describe.light", 4))
    }
    columns["prediction"] = np.array([r[0] % 7 for r in rows], float)
    return profile_of(columns, BINNING)


def same(a, b):
    for name, p in a.columns.items():
        q = b.columns[name]
        assert np.array_equal(p.bins, q.bins), name
        assert np.array_equal(p.marks, q.marks), name
        for count in ("levels", "others", "nulls", "infinite", "odd", "low", "high"):
            assert getattr(p, count) == getattr(q, count), (name, count)
        weight = math.sqrt(max(p.squares, q.squares) * max(p.finite, 1))
        assert p.total == pytest.approx(q.total, rel=1e-9, abs=1e-9 * weight)
        assert p.squares == pytest.approx(q.squares, rel=1e-9)


def in_segment(row, segment):
    names = {
        "": True,
        "job=admin": row[6] == "admin",
        "job=other": row[6] not in ("admin", "nurse", None),
        "job is null": row[6] is None,
        "x<=10": row[4] <= 10,
        "10<x<=30": 10 < row[4] <= 30,
        "x>30": row[4] > 30,
        "flag=1": row[5] == 1,
    }
    return names[segment]


SEGMENTS = ("", "", "", "job=admin", "job=other", "job is null", "x<=10", "10<x<=30", "x>30", "flag=1")


@settings(max_examples=300)
@given(st.integers(0, 60), st.integers(0, 2**32))
def test_the_rows_of_a_window_sum_to_the_profile_of_its_records(size, seed):
    rng = np.random.default_rng(seed)
    rows = [picked(n) for n in rng.integers(0, ROWS, size).tolist()]
    part = rng.integers(0, 3, len(rows))
    parts = [counted([rows[at] for at in np.flatnonzero(part == n)]) for n in range(3)]
    stored = pa.concat_tables(parts)
    first, last = int(rng.choice(MINUTES[:6])), int(rng.choice(MINUTES[5:]))
    since, until = T0 + first * MINUTE, T0 + last * MINUTE
    segment, version, role = rng.choice(SEGMENTS), rng.choice(["", "", "v1"]), rng.choice(ROLES)
    inside = [
        row
        for row in rows
        if (first <= row[0] < last and row[3] == 200 and row[2] == role and version in ("", row[1]))
        and in_segment(row, segment)
    ]
    which = chosen(since, until, role=Role(role), version=version or None, segment=segment)
    want, kept = which.expression, Counts(lambda rows: compacted(rows, BINNING))
    for at in range(0, stored.num_rows, 100):
        kept.add(stored.slice(at, 100))
    assert kept.chosen(which).equals(stored.filter(want))
    same(summed(stored.filter(want), BINNING), expected(inside))
    joined = compacted(stored, BINNING)
    assert joined.num_rows == joined.group_by(list(PROFILES.names[:6])).aggregate([]).num_rows
    same(summed(joined.filter(want), BINNING), expected(inside))


@settings(max_examples=100)
@given(records)
def test_joining_once_more_changes_nothing(numbers):
    joined = compacted(counted([picked(n) for n in numbers]), BINNING)
    assert compacted(joined, BINNING).equals(joined)


@settings(max_examples=1_000)
@given(st.integers(-3_000, 3_000), st.integers(0, 4_000))
def test_spans_cover_a_window_without_gaps_and_with_whole_grains(first, length):
    since, until = T0 + first * MINUTE, T0 + (first + length) * MINUTE
    found = spans(since, until)
    assert [start for _, start, _ in found] == [since, *(stop for *_, stop in found)][: len(found)]
    assert not found or found[-1][2] == until
    assert bool(found) == bool(length)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    for grain, start, stop in found:
        assert (start - epoch) % (grain * MINUTE) == (stop - epoch) % (grain * MINUTE) == timedelta(0)
    assert sum((stop - start) // MINUTE // grain for grain, start, stop in found) <= 2 * 59 + 2 * 23 + length // 1_440


def test_a_window_of_parts_of_minutes_has_those_that_begin_in_it():
    assert spans(T0 + MINUTE / 2, T0 + 1.5 * MINUTE) == [(1, T0 + MINUTE, T0 + 2 * MINUTE)]
    assert spans(T0, T0) == spans(T0 + MINUTE, T0) == []


def test_a_window_takes_days_then_hours_then_minutes():
    day = datetime(2024, 3, 1, tzinfo=UTC)
    assert [grain for grain, *_ in spans(day - 61 * MINUTE, day + timedelta(days=3, minutes=61))] == [
        1,
        60,
        1_440,
        60,
        1,
    ]
    assert [grain for grain, *_ in spans(day, day + timedelta(days=30))] == [1_440]


def test_rows_are_of_three_grains_and_say_when_they_begin():
    stored = counted([[61, "v1", "champion", 200, 1.0, 0.0, "admin", None, None]])
    assert stored.schema == PROFILES
    found = set(zip(stored["grain"].to_pylist(), stored["start"].to_pylist(), strict=True))
    hour = datetime(2024, 2, 29, 23, 0, tzinfo=UTC)
    assert found == {(1, hour + 59 * MINUTE), (60, hour), (1_440, datetime(2024, 2, 29, tzinfo=UTC))}
    assert set(stored["segment"].to_pylist()) == {"", "job=admin", "x<=10", "flag=0"}
    assert stored.num_rows == 3 * 4 * len(BINNING.columns)


def test_a_dataset_is_pruned_by_the_same_condition():
    rows = [picked(n) for n in range(100)]
    stored = ds.dataset(counted(rows))
    window = stored.to_table(filter=within(spans(T0, T0 + 9_999 * MINUTE)))
    assert 0 < window.num_rows < stored.count_rows()
    assert set(window["grain"].to_pylist()) == {1, 60, 1_440}


def test_nothing_answered_is_no_row():
    assert profile_rows(table_of([]), SCHEMA, BINNING).num_rows == 0
    assert counted([[0, "v1", "champion", 422, 1.0, 0.0, None, None, None]]).num_rows == 0
    assert summed(PROFILES.empty_table(), BINNING).rows == 0
    assert compacted(PROFILES.empty_table(), BINNING).num_rows == 0


def test_a_column_that_no_record_has_is_null():
    rows = [picked(5), picked(77)]
    p = summed(profile_rows(table_of([[*r[:3], 200, *r[4:]] for r in rows]), SCHEMA, BINNING), BINNING)
    assert p.rows == 0 or p.columns["describe.light"].nulls == p.columns["describe.shape"].nulls > 0


def test_texts_may_be_coded_and_come_in_chunks():
    rows = [[0, "v1", "champion", 200, 1.0, 0.0, job, None, "n"] for job in ("admin", None, "cook", "admin")]
    plain = table_of(rows)
    fields = [pa.field(f.name, pa.dictionary(pa.int32(), f.type) if f.type == pa.string() else f.type) for f in INPUTS]
    halves = []
    for part in (plain.slice(0, 1), plain.slice(1)):
        children = [part["inputs"].combine_chunks().field(f.name) for f in INPUTS]
        coded = [c.dictionary_encode() if c.type == pa.string() else c for c in children]
        halves.append(part.set_column(4, "inputs", pa.StructArray.from_arrays(coded, fields=fields)))
    assert profile_rows(pa.concat_tables(halves), SCHEMA, BINNING).equals(profile_rows(plain, SCHEMA, BINNING))


def test_what_only_the_key_opens_is_null():
    features = tuple(replace(f, sensitive=Handling.ENCRYPT) if f.name == "job" else f for f in SCHEMA.features)
    schema = replace(SCHEMA, features=features)
    table = table_of([[0, "v1", "champion", 200, 1.0, 0.0, "ciphertext", None, None]])
    p = summed(profile_rows(table, schema, BINNING).filter(chosen(T0, T0 + MINUTE).expression), BINNING)
    assert (p.columns["job"].levels, p.columns["job"].nulls) == ({}, 1)
    assert inputs_of(table, schema)["job"].tolist() == [None]
    assert inputs_of(table, SCHEMA)["job"].tolist() == ["ciphertext"]
    assert inputs_of(table, SCHEMA)["x"].tolist() == [1.0]


def test_columns_that_the_binning_has_no_more_are_left_out():
    rows = counted([[0, "v1", "champion", 200, 1.0, 0.0, "admin", None, None]])
    few = Binning(columns={"x": BINNING.columns["x"]})
    want = chosen(T0, T0 + MINUTE).expression
    assert summed(rows.filter(want), few).columns["x"].mean == 1
    assert set(compacted(rows, few)["column"].to_pylist()) == {"x"}
