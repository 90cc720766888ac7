"""Profiles are a monoid: windows are sums, whatever the cuts between them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.profile import Binning, cuts_of, empty, profile_of
from setpoint.domain.schema import Kind

REFERENCE = np.random.default_rng(0).normal(size=500)
BINNING = Binning(columns={"x": cuts_of(REFERENCE, Kind.NUMERIC), "c": cuts_of(REFERENCE, Kind.CATEGORICAL)})

numbers = st.one_of(st.integers(-1_000, 1_000).map(float), st.just(float("nan")))
levels = st.one_of(st.sampled_from(["a", "b", "ä", ""]), st.none())
tables = st.lists(st.tuples(numbers, levels), max_size=40)


def columns(rows):
    x = np.array([x for x, _ in rows], dtype=np.float64)
    c = np.empty(len(rows), dtype=object)
    c[:] = [level for _, level in rows]
    return {"x": x, "c": c}


def same(a, b):
    for name in a.columns:
        p, q = a.columns[name], b.columns[name]
        assert np.array_equal(p.bins, q.bins)
        assert (dict(p.levels), p.nulls, p.total, p.squares, p.low, p.high) == (
            dict(q.levels), q.nulls, q.total, q.squares, q.low, q.high,
        )  # fmt: skip


def counted(rows):
    return profile_of(columns(rows), BINNING)


@given(tables, tables)
def test_the_profile_of_both_is_the_sum(a, b):
    same(counted(a + b), counted(a) + counted(b))


@given(tables, tables, tables)
def test_sums_are_associative(a, b, c):
    same((counted(a) + counted(b)) + counted(c), counted(a) + (counted(b) + counted(c)))


@given(tables, tables)
def test_sums_commute(a, b):
    same(counted(a) + counted(b), counted(b) + counted(a))


@given(tables)
def test_the_empty_profile_changes_nothing(a):
    same(counted(a) + empty(BINNING), counted(a))
    same(empty(BINNING) + counted(a), counted(a))
    same(counted([]), empty(BINNING))


@given(tables)
def test_every_row_is_counted_once(a):
    profile = counted(a)
    assert profile.rows == len(a)
    assert profile.columns["x"].nulls == sum(np.isnan(x) for x, _ in a)
    assert profile.columns["c"].nulls == sum(level is None for _, level in a)


def test_the_outer_bins_hold_what_the_reference_has_not():
    inside = profile_of({"x": REFERENCE, "c": np.full(len(REFERENCE), None)}, BINNING).columns["x"]
    assert inside.bins[0] == inside.bins[-1] == 0
    outside = counted([(-1e6, None), (1e6, None), (1e6, None)]).columns["x"]
    assert (outside.bins[0], outside.bins[-1]) == (1, 2)


def test_moments_are_those_of_numpy():
    profile = counted([(1.0, "a"), (4.0, "a"), (float("nan"), None), (7.0, "b")]).columns["x"]
    assert profile.mean == 4
    assert profile.std == pytest.approx(np.std([1, 4, 7]))
    assert (profile.low, profile.high) == (1, 7)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
def test_cuts_rise_strictly_and_hold_the_reference(values):
    x = np.array(values)
    edges = np.array(cuts_of(x, Kind.NUMERIC).edges)
    assert (np.diff(edges) > 0).all()
    assert edges[0] < x.min()
    assert edges[-1] >= x.max()
