"""A column that repeats the weeks before is a season; one that steps is none: error rates."""

import dataclasses

import numpy as np
import pytest

from setpoint.maintain.hypotheses.season import SUPPORT, weekly

HOURS, DAY = 24 * 21, 24
EACH = 6  # rows an hour


@pytest.fixture
def case_of(world):
    """Return a function: three weeks and a day of rows whose mean follows `level(hours)`, of deviation 1."""

    def of(level, seed):
        rng = np.random.default_rng(seed)
        hours = np.repeat(np.arange(HOURS + DAY), EACH)
        values = level(hours) + rng.normal(size=len(hours))
        time = np.datetime64("2024-06-03", "us") + hours * np.timedelta64(3_600_000_000, "us")
        case, before = world(), hours < HOURS
        healthy, suspect = (
            dataclasses.replace(case.healthy.take(np.arange(len(rows)) % len(case.healthy)), time=rows)
            for rows in (time[before], time[~before])
        )
        return weekly(dataclasses.replace(case, healthy=healthy, suspect=suspect), values[before], values[~before])

    return of


def of_the_week(hours):
    """Mondays are higher."""
    return np.where(hours // 24 % 7 == 0, 1.5, 0.0)


def step(hours):
    return np.where(hours >= HOURS, 1.5, 0.0)


def test_a_day_that_is_as_the_same_day_of_the_weeks_before_is_a_season(case_of):
    assert np.mean([case_of(of_the_week, seed)[0] > 0 for seed in range(40)]) >= 0.95


def test_a_step_is_none(case_of):
    found = [case_of(step, seed)[0] for seed in range(40)]
    assert found == [-SUPPORT] * 40
