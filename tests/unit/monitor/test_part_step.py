"""Steps of the loss in a part of the rows: false alarms, beside a dummy, and power."""

from datetime import timedelta

import numpy as np
import pytest

from setpoint.domain.records import moment
from setpoint.domain.value import replace
from setpoint.monitor.loss_step import loss_step
from setpoint.monitor.part_step import part_step

ROWS, A_DAY = 5_600, 400
NOW = 3 * A_DAY
HELD = 1e4  # so many times the usual error, so that some tens of quiet looks tell something


@pytest.fixture
def rows_of(look, stream):
    """Return a function: a look at two weeks of 400 rows a day, with errors of these sizes."""
    some = look(stream, 24 * 300)

    def of(rng, sizes, budget=2.0):
        time = np.datetime64("2024-06-01", "us") + np.arange(ROWS) * np.timedelta64(86_400_000_000 // A_DAY, "us")
        sky = np.array(["clear", "mist", "rain"], object)[rng.choice(3, ROWS, p=[0.7, 0.2, 0.1])]
        inputs = {"temp_c": rng.normal(size=ROWS), "load": rng.normal(size=ROWS), "month": np.ones(ROWS), "sky": sky}
        score = rng.normal(size=ROWS)
        every = replace(
            some.baseline.take(np.arange(ROWS) % len(some.baseline)),
            time=time, known=time, score=score, outcome=score + rng.normal(size=ROWS) * sizes(rng, inputs),
            inputs=inputs,
        )  # fmt: skip
        since = moment(time[-1]) - timedelta(hours=6)
        return replace(
            some, now=moment(time[-1]), since=since, labelled=every, baseline=every.between(None, since),
            recent=every.between(since, None), false_actions_per_year=budget,
        )  # fmt: skip

    return of


def ar(rng, n, stays):
    steps, x = rng.normal(size=n), np.zeros(n)
    for i in range(1, n):
        x[i] = stays * x[i - 1] + np.sqrt(1 - stays**2) * steps[i]
    return x


QUIET = {
    "rows of one size": lambda rng, inputs: 1.0,
    "a hard part": lambda rng, inputs: np.where(inputs["sky"] == "mist", 4.0, 1.0),
    "heavy tails": lambda rng, inputs: np.exp(rng.normal(size=ROWS)),
    "hours that are harder": lambda rng, inputs: np.exp(0.5 * ar(rng, ROWS, 0.97)),
}


@pytest.mark.parametrize("name", QUIET)
def test_quiet_rows_raise_nothing_though_ten_thousand_times_the_error_is_allowed(name, rows_of):
    rng = np.random.default_rng(0)
    found = [list(part_step(rows_of(rng, QUIET[name], budget=2.0 * HELD))) for _ in range(30)]
    assert sum(map(bool, found)) <= 1


def test_the_dummy_that_counts_rows_as_independent_alarms_where_hours_are_harder(rows_of):
    rng, false = np.random.default_rng(1), 0
    for _ in range(30):
        seen = rows_of(rng, QUIET["hours that are harder"])
        lost = np.abs(seen.labelled.outcome - seen.labelled.score)
        before, now = lost[:-NOW], lost[-NOW:]
        false += abs(now.mean() - before.mean()) > 4 * np.hypot(before.std() / len(before) ** 0.5, now.std() / NOW**0.5)
    assert false > 5


def test_a_part_of_a_tenth_that_is_twice_as_wrong_is_found_and_named(rows_of):
    """It costs a tenth over all rows, which those together do not show."""
    rng, named, whole = np.random.default_rng(2), [], 0
    for _ in range(10):
        late = np.arange(ROWS) >= ROWS - NOW

        def sizes(rng, inputs, late=late):
            return np.where((inputs["sky"] == "rain") & late, 2.2, 1.0)

        seen = rows_of(rng, sizes)
        named += [f.segment for f in part_step(seen)]
        whole += any(f.alarm for f in loss_step(seen))
    assert named.count("sky is 'rain'") >= 8
    assert whole <= 2
