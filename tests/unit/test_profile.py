"""Profiles are a monoid: windows are sums, whatever the cuts between them and their order."""

import math
from collections import Counter
from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.domain.profile import (
    Binning,
    ColumnProfile,
    Counted,
    Cuts,
    cuts_of,
    empty,
    profile_from_json,
    profile_of,
    profile_to_json,
)
from setpoint.domain.schema import Kind
from setpoint.domain.texts import Texts, hashed, iso_seconds, named, trigrams

REFERENCE = np.random.default_rng(0).normal(size=500)
TIMES = np.array([f"2024-03-{1 + n % 28:02}T{n % 24:02}:30:00" for n in range(200)], object)
TEXTS = np.array(["a short text", "a text that is longer than the others are", "three words here"], object)
BINNING = Binning(
    columns={
        "number": cuts_of(REFERENCE, Counted.NUMERIC),
        "far": cuts_of(1.7e9 + REFERENCE, Counted.NUMERIC),
        "flag": cuts_of(np.array([0.0, 1.0]), Counted.BOOLEAN),
        "level": Cuts(kind=Counted.CATEGORICAL, levels=("", "a", "b"), spare=2),
        "time": cuts_of(TIMES, Counted.DATETIME),
        "text": cuts_of(TEXTS, Counted.TEXT),
    }
)
COUNTS = ("bins", "marks", "levels", "others", "nulls", "infinite", "odd", "low", "high")

BITS = np.random.default_rng(1).integers(0, 2**64, 30, np.uint64).view(np.float64).tolist()  # of any size, NaN as well
NUMBERS = [0.0, -0.0, 1.5, -0.3, math.nan, math.inf, -math.inf, 1.7e308, -1.7e308, 5e-324, 2.0**53, 1.7e9, *BITS]
LEVELS = [None, "", "a", "b", "ä", "日本", "\U0001f600", "x" * 300, "y" * 999, *(f"id {n}" for n in range(9))]
WHEN = [
    None,
    *TIMES[:20],
    "2024-02-30",
    "0001-01-01",
    "9999-12-31T23:59:59-12:00",
    "2024-06-01T10:00+02:00",
    "20240601",
]
POOLS = (NUMBERS, NUMBERS, [0.0, 1.0, math.nan], LEVELS, WHEN, LEVELS)
ROWS = math.prod(len(pool) for pool in POOLS)


def picked(number):
    """Return one row of the columns of `BINNING`: drawing one number is a tenth of the work of drawing six values."""
    number, row = number * 2_654_435_761 % ROWS, []  # near numbers are far apart, as small ones are drawn often
    for pool in POOLS:
        number, at = divmod(number, len(pool))
        row.append(pool[at])
    return tuple(row)


picks = st.integers(0, ROWS - 1)
tables = st.lists(picks, max_size=10).map(lambda numbers: [picked(n) for n in numbers])
texts = st.none() | st.text()
any_rows = st.lists(st.tuples(st.floats(), st.floats(), st.sampled_from(POOLS[2]), texts, texts, texts), max_size=6)
many = settings(max_examples=1_000)


def columns(rows):
    out = {}
    for at, name in enumerate(BINNING.columns):
        values = [row[at] for row in rows]
        out[name] = np.empty(len(rows), object if name in ("level", "time", "text") else np.float64)
        out[name][:] = values
    return out


def counted(rows):
    return profile_of(columns(rows), BINNING)


def same(a, b):
    assert a.columns.keys() == b.columns.keys()
    for name, p in a.columns.items():
        q = b.columns[name]
        for count in COUNTS:
            one, other = getattr(p, count), getattr(q, count)
            assert np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other, (name, count)
        # a sum of squares bounds the sum of absolute terms
        weight = math.sqrt(max(p.squares, q.squares) * max(p.finite, 1))
        assert p.total == pytest.approx(q.total, rel=1e-9, abs=1e-9 * weight)
        assert p.squares == pytest.approx(q.squares, rel=1e-9)


@many
@given(tables)
def test_the_empty_profile_changes_nothing(a):
    a = counted(a)
    same(a + empty(BINNING), a)
    same(empty(BINNING) + a, a)


@many
@given(tables, tables, tables)
def test_sums_are_associative(a, b, c):
    a, b, c = counted(a), counted(b), counted(c)
    same((a + b) + c, a + (b + c))


@many
@given(tables, tables)
def test_sums_commute(a, b):
    a, b = counted(a), counted(b)
    same(a + b, b + a)


@many
@given(st.lists(picks, max_size=20), st.integers(0, 2**32))
def test_any_split_in_any_order_gives_the_profile_of_the_whole(numbers, seed):
    rows, rng = [picked(n) for n in numbers], np.random.default_rng(seed)
    part = rng.integers(0, 5, len(rows))
    parts = [counted([rows[at] for at in np.flatnonzero(part == wanted)]) for wanted in rng.permutation(5)]
    same(reduce(add, parts), counted(rows))


@many
@given(tables)
def test_the_stored_form_gives_the_profile_back(a):
    profile, twice = counted(a), counted(a + a)
    again = profile_from_json(profile_to_json(profile), BINNING)
    same(again, profile)
    same(again + profile, twice)
    bare = profile_from_json(profile_to_json(profile))
    for name, column in profile.columns.items():
        assert (column.mean, column.std) == pytest.approx(
            (bare.columns[name].mean, bare.columns[name].std), nan_ok=True
        )


@many
@given(tables | any_rows)
def test_a_count_by_hand_gives_the_same(a):
    profile = counted(a).columns
    for at, (name, p) in enumerate(profile.items()):
        assert p.rows == len(a)
        assert p.nulls == sum(row[at] is None or row[at] != row[at] for row in a), name
    finite = [row[0] for row in a if math.isfinite(row[0])]
    p = profile["number"]
    assert (p.low, p.high) == (min(finite, default=math.inf), max(finite, default=-math.inf))
    assert p.infinite == sum(math.isinf(row[0]) for row in a)
    edges = np.array(BINNING.columns["number"].edges)
    bins = Counter(int((edges < row[0]).sum()) for row in a if row[0] == row[0])
    assert {at: n for at, n in enumerate(p.bins.tolist()) if n} == bins
    assert profile["flag"].bins.tolist() == [sum(row[2] == v for row in a) for v in (0.0, 1.0)]
    levels = Counter(named(row[3]) for row in a if row[3] is not None)
    unknown = sorted(set(levels) - {"", "a", "b"}, key=hashed)[2:]
    assert profile["level"].others == sum(levels[level] for level in unknown)
    assert profile["level"].levels == {level: n for level, n in levels.items() if level not in unknown}
    hours = [iso_seconds(row[4]) for row in a if row[4] is not None]
    assert profile["time"].odd == sum(math.isnan(s) for s in hours)
    week = Counter(int((s // 3_600 + 72) % 168) for s in hours if s == s)
    assert {at: n for at, n in enumerate(profile["time"].marks.tolist()) if n} == week
    lengths = [len(row[5]) for row in a if row[5] is not None]
    assert profile["text"].high == max(lengths, default=-math.inf)
    assert profile["text"].marks.sum() == sum(min(n, 512) for n in lengths)


def test_moments_are_those_of_numpy():
    profile = counted([(x, 1.7e9 + x, math.nan, None, None, None) for x in (1.0, 4.0, math.inf, math.nan, 7.0)])
    for name, base in (("number", 0.0), ("far", 1.7e9)):
        p = profile.columns[name]
        assert p.mean == base + 4
        assert p.std == pytest.approx(np.std([1, 4, 7]))
        assert (p.low, p.high) == (base + 1, base + 7)


def test_moments_of_every_kind_mean_something():
    row = (math.nan, math.nan, 1.0, None, "2024-03-04T00:30:00", "hello")  # a Monday
    p = counted([row, (math.nan, math.nan, 0.0, None, "2024-03-04T00:31:00", "hi")]).columns
    assert p["flag"].mean == 0.5
    assert p["time"].mean == iso_seconds("2024-03-04T00:30:30Z")
    assert p["time"].marks[0] == 2
    assert (p["text"].mean, p["text"].low) == (3.5, 2)


def test_the_profile_of_no_rows_is_the_empty_one():
    same(counted([]), empty(BINNING))


def test_of_nothing_there_are_no_moments():
    assert math.isnan(counted([]).columns["number"].mean)
    assert math.isnan(counted([]).columns["number"].std)
    assert math.isnan(counted([(math.inf, math.nan, 0.0, None, None, None)]).columns["number"].mean)


def test_infinite_values_lie_in_the_outer_bins():
    p = counted([(x, 0.0, 0.0, None, None, None) for x in (math.inf, -math.inf, -math.inf, 0.0)]).columns["number"]
    assert (p.bins[0], p.bins[-1], p.infinite, p.finite, p.filled) == (2, 1, 3, 1, 4)
    assert (p.low, p.high, p.mean) == (0, 0, 0)


def test_the_outer_bins_hold_what_the_reference_has_not():
    alone = Binning(columns={"number": BINNING.columns["number"]})
    inside = profile_of({"number": REFERENCE}, alone).columns["number"]
    assert inside.bins[0] == inside.bins[-1] == 0
    outside = profile_of({"number": np.array([-1e6, 1e6, 1e6])}, alone).columns["number"]
    assert (outside.bins[0], outside.bins[-1]) == (1, 2)


def levels_of(values, spare=50):
    binning = Binning(columns={"c": Cuts(kind=Counted.CATEGORICAL, levels=("a",), spare=spare)})
    return profile_of({"c": np.array(values, object)}, binning).columns["c"]


def test_how_many_levels_there_are_is_exact_while_few_and_estimated_when_many():
    assert levels_of(["a", "b", "b", None]).distinct == 2
    p = levels_of(["a", *(f"id-{n}" for n in range(20_000))], spare=256)
    assert (len(p.levels), p.others) == (257, 20_001 - 257)
    assert p.distinct == pytest.approx(20_001, rel=0.2)  # three standard errors


def test_rows_of_other_levels_keep_a_name_of_their_own():
    p = levels_of([f"id-{n}" for n in range(100)])
    assert sum(p.every_level.values()) == p.filled == 100
    assert len(p.every_level) == 51


def test_a_long_level_is_kept_as_its_beginning_and_a_hash():
    a, b = "x" * 1_000, "x" * 999 + "y"
    assert len(levels_of([a, b, a]).levels) == 2
    assert max(len(name) for name in levels_of([a, b]).levels) < 220


def test_hashes_are_the_same_on_every_machine():
    assert hashed("ä") == 17_315_702_723_226_345_529
    starts, buckets = trigrams(["", "a", "hello"])
    assert starts.tolist() == [0, 0, 1, 6]
    assert buckets.tolist() == [149, 40, 21, 57, 104, 96]


def test_trigrams_of_texts_together_are_those_of_each():
    texts = ["hello", "", "\U0001f600", "ab", "z" * 2_000]
    starts, buckets = trigrams(texts)
    each = [trigrams([t])[1].tolist() for t in texts]
    assert [buckets[a:b].tolist() for a, b in pairwise(starts)] == each
    assert len(each[-1]) == 512


def test_working_in_small_stretches_changes_nothing(monkeypatch):
    rows = [picked(n) for n in range(500)]
    whole = counted(rows)
    monkeypatch.setattr("setpoint.domain.counting.BLOCK_CELLS", 100)
    monkeypatch.setattr("setpoint.domain.texts.AT_ONCE", 3)
    same(counted(rows), whole)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
def test_cuts_rise_strictly_and_hold_the_reference(values):
    x = np.array(values)
    edges = np.array(cuts_of(x, Kind.NUMERIC).edges)
    assert (np.diff(edges) > 0).all()
    assert edges[0] < x.min()
    assert edges[-1] >= x.max()


@many
@given(st.lists(st.floats() | st.sampled_from([1.0, 1.0 + 2**-52, 5e-324, 1e-200, -1e-200]), min_size=1, max_size=50))
def test_any_reference_can_be_cut(values):
    cuts = cuts_of(np.array(values), Kind.NUMERIC)
    assert np.isfinite(cuts.edges).all()
    assert math.isfinite(cuts.origin)


@pytest.mark.parametrize("column", [Texts(np.array([0, -1]), ["a"]), np.array(["a", None], object)])
def test_texts_may_come_coded(column):
    p = profile_of({"c": column}, Binning(columns={"c": Cuts(kind=Counted.CATEGORICAL)})).columns["c"]
    assert (p.levels, p.nulls) == ({"a": 1}, 1)


def test_a_profile_of_no_cuts_is_empty():
    assert profile_of({}, Binning(columns={})).rows == 0
    assert ColumnProfile().rows == 0
