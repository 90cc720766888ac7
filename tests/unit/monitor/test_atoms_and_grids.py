"""Measurements that come back to one value, or lie between their steps: false alarms, beside dummies, and power."""

from datetime import timedelta

import numpy as np
import pytest

from setpoint.domain.records import moment
from setpoint.domain.schema import Kind
from setpoint.domain.value import replace
from setpoint.monitor.atoms import atoms
from setpoint.monitor.limits import ColumnLimits
from setpoint.monitor.off_grid import off_grid
from setpoint.stats.intervals import share_low
from setpoint.stats.returns import returns

BEFORE, NOW = 8 * 768, 768
ALPHA_AS_HELD = 1e4  # so many times the usual error, so that a few hundred quiet looks tell something


def ar(rng, n, stays):
    steps, x = rng.normal(size=n), np.zeros(n)
    for i in range(1, n):
        x[i] = stays * x[i - 1] + np.sqrt(1 - stays**2) * steps[i]
    return x


QUIET = {
    "continuous": lambda rng, n: rng.normal(size=n),
    "rounded, with memory": lambda rng, n: np.round(ar(rng, n, 0.99), 1),
    "counts": lambda rng, n: rng.poisson(6, n).astype(float),
    "zeros in spells": lambda rng, n: np.where(ar(rng, n, 0.995) > 0.5, 0.0, rng.gamma(2, size=n)),
    "a clock, under bursts": lambda rng, n: np.cumsum(rng.exponential(0.05, n) * np.exp(ar(rng, n, 0.99))) // 1 % 24,
    "a limit that a fifth reaches": lambda rng, n: np.where(rng.random(n) < 0.2, 1100.0, rng.normal(1085, 8, n)),
    "a set point, another one today": lambda rng, n: np.where(
        rng.random(n) < 0.6, np.where(np.arange(n) < n - NOW // 2, 3.0, 5.0), rng.normal(size=n)
    ),
    "one value a caller": lambda rng, n: np.linspace(0, 7, 40)[rng.choice(40, n, p=np.arange(1, 41) / 820)],
}


@pytest.fixture
def watched(look, stream, limits):
    """Return a function: what a look finds in a column `x` whose newest rows are given, a minute apart."""
    plain = ColumnLimits(kind=Kind.NUMERIC, nulls=0, nulls_sd=0, stepwise=False, runs={}, movements=())

    def of(x, other=None, budget=2.0, sensor=atoms):
        n = len(x)
        known = np.unique(x[: n // 2])
        own = replace(plain, low=float(known[0]), high=float(known[-1]), grain=float(np.diff(known).min()))
        some = look(stream, 24 * 200).baseline
        some = some.take(np.arange(n) % len(some))
        time = np.datetime64("2024-06-01", "us") + np.arange(n) * np.timedelta64(60_000_000, "us")
        other = np.arange(n, dtype=float) if other is None else other
        rows = replace(some, time=time, inputs={"x": x, "other": other})
        seen = replace(
            look(stream, 24 * 200), limits=replace(limits, columns={"x": own}), false_actions_per_year=budget,
            now=moment(time[-1]), since=moment(time[-1]) - timedelta(hours=1), recent=rows.take(np.arange(n - 60, n)),
            baseline=rows.take(np.arange(n - 60)), answers=rows,
        )  # fmt: skip
        return [f for f in sensor(seen) if f.alarm]

    return of


def half_held(x, rng, share=0.5, rows=NOW):
    held = np.flatnonzero(rng.random(rows) < share) + len(x) - rows
    return np.where(np.isin(np.arange(len(x)), held), x[-rows], x)


@pytest.mark.parametrize("name", QUIET)
def test_quiet_streams_raise_nothing_though_ten_thousand_times_the_error_is_allowed(name, watched):
    rng = np.random.default_rng(0)
    assert not any(watched(QUIET[name](rng, BEFORE + NOW), budget=2.0 * ALPHA_AS_HELD) for _ in range(20))


def test_the_dummy_that_counts_rows_alarms_on_whatever_has_memory():
    """An exact binomial test, at one in a million, of the commonest value against its share before."""
    rng, false = np.random.default_rng(0), 0
    for _ in range(20):
        x = QUIET["a clock, under bursts"](rng, 9 * 192).astype(int)
        count = np.bincount(x[-192:], minlength=24)
        at = int(count.argmax())
        false += share_low(count[at], 192, 1e-6) > (x[:-192] == at).mean()
    assert false > 10


@pytest.mark.parametrize("name", ["continuous", "rounded, with memory", "counts", "a clock, under bursts"])
def test_a_value_held_in_four_of_five_rows_is_found_within_768(name, watched):
    rng = np.random.default_rng(1)
    hits = [bool(watched(half_held(QUIET[name](rng, BEFORE + NOW), rng, 0.8))) for _ in range(10)]
    assert np.mean(hits) >= 0.9


def test_half_of_the_rows_of_a_measurement_are_found_within_192_rows(watched):
    rng = np.random.default_rng(2)
    found = [watched(half_held(rng.normal(size=BEFORE + NOW), rng, rows=192)) for _ in range(10)]
    assert all(found)
    assert {(f.column, f.metric, f.kind) for (f,) in found} == {("x", "repeated_value", "frozen")}


def test_half_of_the_rows_are_found_though_another_value_is_common_by_nature(watched):
    rng, of = np.random.default_rng(7), QUIET["a limit that a fifth reaches"]
    assert np.mean([bool(watched(half_held(of(rng, BEFORE + NOW), rng))) for _ in range(10)]) >= 0.9


def test_rows_that_repeat_in_all_columns_are_left_to_another_monitor(watched):
    rng = np.random.default_rng(3)
    x = half_held(rng.normal(size=BEFORE + NOW), rng)
    assert watched(x)
    assert not watched(x, other=x)


def test_returns_counts_rows_that_follow_another_value():
    found = returns(np.array([1, 2, 2, 1, 3, 1, 1, 0, 0, -1, 0, 2]), 6)
    assert found.code.tolist() == [1, 0]
    assert found.hits.tolist() == [2, 2]
    assert found.tried.tolist() == [3, 2]


GRIDS = {
    **QUIET,
    "hours": lambda rng, n: rng.integers(0, 24, n).astype(float),
    "steps of 0.82": lambda rng, n: 0.82 * np.round(10 * ar(rng, n, 0.9)),
    "halves, rarely tenths": lambda rng, n: np.round(rng.normal(20, 5, n) * 2) / 2 + 0.1 * (rng.random(n) < 0.02),
    "numbers of customers, and new ones": lambda rng, n: np.floor(rng.random(n) * np.arange(500, 500 + n)),
}


@pytest.mark.parametrize("name", GRIDS)
def test_steps_raise_nothing_while_they_stay(name, watched):
    rng = np.random.default_rng(4)
    budget = 2.0 * ALPHA_AS_HELD
    assert not any(watched(GRIDS[name](rng, BEFORE + NOW), budget=budget, sensor=off_grid) for _ in range(20))


def test_the_dummy_that_minds_what_it_never_saw_alarms_on_new_customers():
    x = GRIDS["numbers of customers, and new ones"](np.random.default_rng(5), BEFORE + NOW)
    assert np.mean(~np.isin(x[-NOW:], x[:-NOW])) > 0.05


@pytest.mark.parametrize("rows", [24, 100])
@pytest.mark.parametrize("change", [lambda x: 1.8 * x + 32.05, lambda x: x + 0.37, lambda x: x / 7])
def test_another_unit_and_another_column_lie_between_the_steps(change, rows, watched):
    rng = np.random.default_rng(6)
    for name in ("hours", "steps of 0.82"):
        x = GRIDS[name](rng, BEFORE + NOW)
        x[-rows:] = change(x[-rows:])
        (found,) = watched(x, sensor=off_grid)
        assert found.metric == "off_grid"
