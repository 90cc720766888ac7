"""A step in the loss that many looks had too few rows for: false alarms, beside a dummy, and power."""

from datetime import timedelta

import numpy as np
import pytest

from setpoint.domain.records import moment
from setpoint.domain.value import replace
from setpoint.monitor.loss_step import loss_step

PER_DAY, DAYS = 100, 28
N = PER_DAY * DAYS


@pytest.fixture
def steps(look, stream):
    """Return a function: the alarm of a look at the end of four weeks of errors, 100 a day, looked at once a day."""

    def of(error, budget=2.0):
        some = look(stream, 24 * 200).baseline
        rows = some.take(np.arange(N) % len(some))
        time = np.datetime64("2024-06-01", "us") + np.arange(N) * np.timedelta64(864_000_000, "us")
        rows = replace(rows, time=time, known=time, score=np.zeros(N), outcome=error)
        day = N - PER_DAY
        seen = replace(
            look(stream, 24 * 200), now=moment(time[-1]), since=moment(time[-1]) - timedelta(days=1), labelled=rows,
            recent=rows.take(np.arange(day, N)), baseline=rows.take(np.arange(day)), false_actions_per_year=budget,
        )  # fmt: skip
        return [f for f in loss_step(seen) if f.alarm]

    return of


def wandering(rng, sd=0.1):
    """Errors whose level moves from day to day, and back within some."""
    level, days = np.zeros(DAYS), rng.normal(0, sd, DAYS)
    for i in range(1, DAYS):
        level[i] = 0.7 * level[i - 1] + days[i]
    return rng.lognormal(0, 0.8, N) * np.exp(np.repeat(level, PER_DAY))


QUIET = {
    "even": lambda rng: rng.lognormal(0, 0.8, N),
    "heavy tails": lambda rng: np.abs(rng.standard_t(3, N)),
    "wandering": wandering,
    "growing 1 % a day": lambda rng: rng.lognormal(0, 0.8, N) * np.exp(0.01 * np.arange(N) / PER_DAY),
}


@pytest.mark.parametrize("name", QUIET)
def test_quiet_errors_are_no_step_though_each_test_may_err_in_one_of_twenty(name, steps):
    rng = np.random.default_rng(0)
    assert sum(bool(steps(QUIET[name](rng), budget=1e9)) for _ in range(100)) <= 2


def test_the_dummy_of_independent_rows_alarms_on_errors_that_wander():
    rng, false = np.random.default_rng(0), 0
    for _ in range(100):
        log = np.log(wandering(rng))
        now, before = log[-3 * PER_DAY :], log[: -3 * PER_DAY]
        false += now.mean() - before.mean() > 1.645 * np.sqrt(now.var() / len(now) + before.var() / len(before))
    assert false > 15


@pytest.mark.parametrize("days", [3, 4, 6])
def test_losses_twice_as_large_are_found_though_no_look_of_the_days_before_was_sure(days, steps):
    rng, found = np.random.default_rng(1), 0
    for _ in range(40):
        error = rng.lognormal(0, 0.8, N)
        error[-days * PER_DAY :] *= 2.0
        found += bool(steps(error))
    assert found >= 38
