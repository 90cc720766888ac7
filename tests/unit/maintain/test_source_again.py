"""When the source of a column that is held for is asked again, and how often all that say too much."""

import dataclasses
from datetime import timedelta

import numpy as np
import pytest

from setpoint.domain.incident import Cause, Remedy, Repair
from setpoint.domain.value import replace
from setpoint.maintain.remedies import sourced_repair
from setpoint.maintain.source_again import asks_again, last_asked

DAY = timedelta(days=1)
SEEDS, TIMES = 60, 4


@pytest.fixture
def held(incident):
    """An incident whose column is held for since a day after it began."""
    one = incident()
    repair = Repair(id="i-hold", remedy=Remedy.HOLD, subject="temp", cause=Cause.SKEW, applied=one.since + DAY)
    return replace(one, repair=repair, investigated=one.since + DAY)


def test_it_is_asked_again_where_there_is_a_quarter_more_to_ask_about(held):
    assert not asks_again(held, held.since + 1.2 * DAY)
    assert asks_again(held, held.since + 1.25 * DAY)
    again = replace(held, asked_again=(held.since + 2 * DAY,))
    assert last_asked(again) == held.since + 2 * DAY
    assert not asks_again(again, held.since + 2.4 * DAY)
    assert asks_again(again, held.since + 2.5 * DAY)


@pytest.mark.parametrize(
    "change", [{"subject": "temp, hum"}, {"remedy": Remedy.IMPUTE}, {"cause": Cause.OUTCOMES}, {"lifted": True}]
)
def test_only_a_single_column_that_is_held_for_is_asked_about(held, change):
    change = {k: held.since if k == "lifted" else v for k, v in change.items()}
    assert not asks_again(replace(held, repair=replace(held.repair, **change)), held.since + 9 * DAY)


def test_all_times_together_one_in_twenty_says_that_something_helps_where_nothing_does(incident, world, score):
    """The noise in what is sent is as large as the error of what other columns tell: no choice is better than it."""
    found = 0
    for seed in range(SEEDS):
        case, rng = world(seed), np.random.default_rng(seed)
        repairs = []
        for tries in range(TIMES):
            rows = case.healthy.take(np.arange(48) + 48 * tries)
            meant = rows.inputs["temp"]
            sent = {**rows.inputs, "temp": meant + rng.normal(0, 0.6 / 1.1, len(meant))}
            rows = dataclasses.replace(rows, inputs=sent)
            asked = dataclasses.replace(case, suspect=rows, sourced=(rows, {"temp": meant}))
            repairs.append(sourced_repair(incident(), asked, "temp", score, tries=tries)[0])
        found += any(r is not None for r in repairs)
    assert found <= SEEDS / 20
