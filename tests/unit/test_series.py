"""A series is the profiles of its stretches, whichever way they are added up."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.profile import Binning, Counted, Cuts, cuts_of, profile_of, profile_to_json
from setpoint.domain.records import moment, stamp
from setpoint.domain.series import series_of

START = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
SEEDS = st.integers(0, 2**32 - 1)
HOURS = np.arange("2026-01-01", "2026-02-01", dtype="datetime64[h]")
RNG = np.random.default_rng(5)
BINNING = Binning(
    columns={
        "x": cuts_of(RNG.normal(size=500), Counted.NUMERIC),
        "flag": Cuts(kind=Counted.BOOLEAN, edges=(0.5,)),
        "when": cuts_of(
            np.arange("2026-01-01", "2026-02-01", dtype="datetime64[h]").astype(str).astype(object), Counted.DATETIME
        ),
        "word": Cuts(kind=Counted.CATEGORICAL, levels=("a", "b"), spare=2),
        "text": cuts_of(np.array(["one", "two words", None] * 50, object), Counted.TEXT),
    }
)


def rows(n, seed):
    rng = np.random.default_rng(seed)
    some = np.array(["a", "b", "c", "d", "e", None], object)
    return {
        "x": np.where(rng.random(n) < 0.2, np.nan, rng.choice([0.0, 1024.0, -np.inf, 0.25], n)),
        "flag": rng.choice([0.0, 1.0, np.nan], n),
        "when": rng.choice(np.array(["2026-01-05T10:00:00", "no time", None], object), n),
        "word": rng.choice(some, n),
        "text": rng.choice(np.array(["a longer text", "short", None], object), n),
    }


def plain(profile):
    """Return everything that is stored of a profile."""
    return json.loads(profile_to_json(profile))


@given(n=st.integers(0, 60), seed=SEEDS, hours=st.integers(1, 12), every=st.sampled_from([20, 60, 150]))
def test_each_stretch_is_the_profile_of_its_rows(n, seed, hours, every):
    columns, span = rows(n, seed), timedelta(minutes=every)
    times = stamp(START - HOUR) + np.random.default_rng(seed).integers(0, (hours + 2) * 3_600, n) * np.timedelta64(
        1, "s"
    )
    until = START + hours * HOUR
    series = series_of(columns, times, START, until, span, BINNING)
    assert len(series) == -(-hours * 60 // every)
    inside = (times >= stamp(START)) & (times < stamp(until))
    assert plain(series.profile()) == plain(profile_of({k: v[inside] for k, v in columns.items()}, BINNING))
    for at, start in enumerate(series.starts):
        own = inside & (times >= start) & (times < stamp(moment(start) + span))
        one = series.take(slice(at, at + 1))
        assert plain(one.profile()) == plain(profile_of({k: v[own] for k, v in columns.items()}, BINNING))
        assert one.rows.tolist() == [own.sum()]


@given(n=st.integers(1, 60), seed=SEEDS, times=st.integers(1, 5))
def test_a_coarser_series_is_the_series_of_longer_stretches_that_end_with_it(n, seed, times):
    columns = rows(n, seed)
    when = stamp(START) + np.random.default_rng(seed).integers(0, 12 * 3_600, n) * np.timedelta64(1, "s")
    fine = series_of(columns, when, START, START + 12 * HOUR, HOUR, BINNING)
    first = START + (12 % times) * HOUR
    coarse = series_of(columns, when, first, START + 12 * HOUR, times * HOUR, BINNING)
    found = fine.coarser(times)
    assert (found.every, found.starts.tolist()) == (coarse.every, coarse.starts.tolist())
    for at in range(len(found)):
        own = slice(at, at + 1)
        assert plain(found.take(own).profile()) == plain(coarse.take(own).profile())


def test_means_and_deviations_are_those_of_the_stretches():
    values = np.array([1.0, 3.0, 5.0, np.nan])
    when = stamp(START) + np.array([0, 1, 65, 66]) * np.timedelta64(60, "s")
    binning = Binning(columns={"x": BINNING.columns["x"]})
    x = series_of({"x": values}, when, START, START + 3 * HOUR, HOUR, binning).columns["x"]
    assert x.mean == pytest.approx([2.0, 5.0, np.nan], nan_ok=True)
    assert x.std == pytest.approx([1.0, 0.0, np.nan], nan_ok=True)
    assert (x.rows.tolist(), x.nulls.tolist()) == ([2, 2, 0], [0, 1, 0])


def test_an_empty_window_has_no_stretches():
    series = series_of(rows(5, 1), np.full(5, stamp(START)), START, START, HOUR, BINNING)
    assert (len(series), series.rows.tolist(), series.profile().rows) == (0, [], 0)
    assert len(series.coarser(3)) == 0
