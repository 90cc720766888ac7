"""Should the loop be switched on? The answer, its reasons, and how often it is wrong."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from setpoint.domain.update import Cost
from setpoint.loop.replay.run import Ran, gain_between
from setpoint.loop.replay.verdict import Answer, Race, gain_of, judge
from setpoint.stats.paired import Interval

ROWS = 2_000


def race(mean: float, half: float, **beside: Any) -> Race:
    gain = Interval(mean=mean, low=mean - half, high=mean + half, rows=beside.pop("rows", ROWS))
    usual = {"moved": True, "trainings": 3, "promotions": 2, "repairs": 0, "seconds": 9.0, "worth": 0.01}
    return Race(policy="setpoint", gain=gain, loss=10.0, **{**usual, **beside})


@pytest.mark.parametrize(
    ("asked", "answer", "says"),
    [
        (race(1.0, 0.5), Answer.YES, "10 % less"),
        (race(0.01, 0.005), Answer.NO, "a gain of 1 %, the least that counts, is excluded"),
        (race(-1.0, 0.5), Answer.NO, "10 % more"),
        (race(0.2, 0.5), Answer.UNSURE, "may be chance"),
        (race(0.08, 0.03), Answer.UNSURE, "may be less than counts"),
        (race(0.0, 0.0, moved=False, trainings=0), Answer.NO, "nothing called for a training"),
        (race(0.0, 0.0, moved=False, promotions=0), Answer.NO, "none of the versions that were trained served"),
        (race(1.0, 0.5, rows=50), Answer.UNSURE, "50 rows"),
        (race(1.0, 0.5, cost=Cost(training=1_000.0, loss=1.0)), Answer.NO, "its trainings cost 3,000"),
        (race(1.0, 0.5, cost=Cost(training=100.0, loss=1.0)), Answer.YES, "it won 2,000"),
        (race(1.0, 0.5, promotions=0, repairs=1), Answer.YES, "by repairs alone"),
        (race(1.0, 0.5), Answer.YES, "it hangs on 2 promotions"),
    ],
)
def test_the_answer_and_its_reason(asked: Race, answer: Answer, says: str) -> None:
    found = judge(asked)
    assert found.answer is answer
    assert says in "; ".join(found.why)


def test_who_is_not_sure_says_how_many_rows_would_tell() -> None:
    assert judge(race(0.25, 0.5)).rows == 8_000  # the interval must be half as wide
    assert judge(race(1.0, 0.5)).rows is None


def ar1(rng: np.random.Generator, rows: int, correlation: float) -> Any:
    noise = rng.normal(size=rows)
    for at in range(1, rows):
        noise[at] += correlation * noise[at - 1]
    return noise


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_without_a_gain_yes_is_rare_although_rows_are_alike(correlation: float) -> None:
    """The dummy, an interval for independent rows, says yes in a fifth of the runs or more where they are alike."""
    rng, yes, naive, runs = np.random.default_rng(8), 0, 0, 400
    for _ in range(runs):
        gains = ar1(rng, 600, correlation)
        theirs = 10 + 0 * gains
        found = gain_of(theirs - gains, theirs)
        assert found is not None
        yes += found.low > 0
        naive += gains.mean() > 1.96 * gains.std() / np.sqrt(len(gains))
    assert yes / runs <= 0.05
    assert correlation == 0 or naive / runs > 0.2


def test_outcomes_that_are_not_on_record_count_for_neither() -> None:
    ours, theirs = np.array([1.0] * 20 + [np.nan]), np.array([2.0] * 20 + [5.0])
    found = gain_of(ours, theirs)
    assert found is not None
    assert (found.mean, found.rows) == (1.0, 20)
    assert gain_of(ours[:5], theirs[:5]) is None


def test_a_lead_that_changes_sides_with_the_version_that_serves_is_luck(ran: Callable[..., Ran]) -> None:
    """Four days a version, and outcomes that are missing on some days."""
    never, ours = ran("never", 1.0), ran("setpoint", 1.0)
    days = np.arange(len(ours.losses)) // 24
    lead = np.array([1.0, -0.6, 0.9, 1.2, -1.1, 0.8, 1.0, -0.4, 1.1, 0.7])[days // 4]
    steps = tuple(replace(s, champion=f"v{day // 4}") for day, s in enumerate(ours.course.steps))
    known = np.where(days % 5 == 0, np.nan, ours.losses - lead)
    moved = Ran(course=replace(ours.course, steps=steps), losses=known)
    assert moved.course.starts == tuple(range(96, 960, 96))
    luck = gain_between(moved, never)
    assert luck is not None
    assert luck.low < 0 < luck.mean
    assert gain_of(known, never.losses, range(0, 960, 96)) == luck
