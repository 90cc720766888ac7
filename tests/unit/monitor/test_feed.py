"""The feed of outcomes: late, constant or of another level is an alarm; feeds with habits of their own are quiet."""

import dataclasses

import numpy as np
import pytest
from scipy.special import expit

from setpoint.domain.feed import delivered
from setpoint.domain.records import Records, joined, moment
from setpoint.domain.schema import Task
from setpoint.monitor.feed import feed

START = np.datetime64("2025-01-06", "us")
HOUR = np.timedelta64(3_600_000_000, "us")
DAYS, PER_DAY, BREAK = 70, 100, 60


def hours(values):
    return (np.asarray(values) * 3600e6).astype(np.int64).astype("timedelta64[us]")


def batch(time, every=1, weekdays=False):
    """Return the night on which outcomes come that have been known since `time`."""
    day = time.astype("datetime64[D]") + np.timedelta64(1, "D")
    day = day + ((every - day.astype(int) % every) % every).astype("timedelta64[D]")
    if weekdays:
        weekday = (day.astype(int) + 3) % 7
        day = day + np.where(weekday == 5, 2, np.where(weekday == 6, 1, 0)).astype("timedelta64[D]")
    return day.astype("datetime64[us]") + 2 * HOUR


FEEDS = {
    "a day later": lambda rng, t: t + 24 * HOUR,
    "some hours later": lambda rng, t: t + hours(rng.exponential(12, len(t))),
    "each night": lambda rng, t: batch(t),
    "each night of a weekday": lambda rng, t: batch(t, weekdays=True),
    "each week": lambda rng, t: batch(t, every=7),
    "some never": lambda rng, t: np.where(rng.random(len(t)) < 0.4, np.datetime64("NaT", "us"), t + 24 * HOUR),
}


def traffic(seed, name, days=DAYS):
    rng = np.random.default_rng(seed)
    time = START + hours(np.sort(rng.uniform(0, 24 * days, PER_DAY * days)))
    x = rng.normal(size=len(time))
    score, text = expit(1.5 * x - 1), np.full(len(time), "", object)
    return Records(
        id=np.arange(len(time)).astype(str).astype(object), time=time, version=text, score=score,
        outcome=(rng.random(len(time)) < score).astype(float), known=FEEDS[name](rng, time), latency_us=text, maps=text,
        inputs={},
    )  # fmt: skip


def after(rows):
    return rows.known >= START + BREAK * 24 * HOUR


@pytest.fixture
def alarms(look, stream):
    """Return a function: the alarms of looks every some hours from a day to the end, each with when it was."""
    plain = look(stream, 24 * 200)
    schema = dataclasses.replace(plain.schema, task=Task.BINARY, classes=(0, 1))
    plain = dataclasses.replace(plain, schema=schema)

    def of(rows, first, last=DAYS, every=12, delivery=None):
        found, told, before = {}, None, START + first * 24 * HOUR
        for now in np.arange(before + every * HOUR, START + last * 24 * HOUR, every * HOUR):
            there = (rows.known <= now) & (True if delivery is None else delivery <= now)
            unknown = np.datetime64("NaT", "us")
            seen = dataclasses.replace(
                rows, outcome=np.where(there, rows.outcome, np.nan), known=np.where(there, rows.known, unknown)
            ).between(moment(now - 56 * 24 * HOUR), moment(now))
            told = delivered(told, seen.labelled, moment(before), moment(now))
            at = dataclasses.replace(
                plain, now=moment(now), since=moment(before), answers=seen, healthy=seen, labelled=seen.labelled,
                behind_s=told.behind_s,
            )  # fmt: skip
            for f in feed(at):
                of.said = f.detail if f.metric == "late" else of.said
                if f.alarm:
                    found.setdefault(f.metric, (now - START) / (24 * HOUR))
            before = now
        return found

    of.said = ""  # of outcomes that are due, at the last look
    return of


@pytest.mark.parametrize("name", FEEDS)
def test_feeds_with_habits_are_quiet(alarms, name):
    """Half a year of looks twice a day over the six: of two false actions a year a sixteenth is spent on the feed."""
    assert alarms(traffic(1, name), first=12) == {}


def test_outcomes_told_once_a_week_with_the_time_at_which_they_became_known_are_not_late(alarms):
    """From the first day on: how long a delivery takes is learnt from the first one."""
    rows = traffic(2, "some hours later")
    assert alarms(rows, first=1, delivery=batch(rows.known, every=7)) == {}


@pytest.mark.parametrize(
    "name", ["a day later", "some hours later", "each night", "each night of a weekday", "some never"]
)
def test_a_feed_that_stops_is_late(alarms, name):
    rows = traffic(3, name)
    rows = dataclasses.replace(rows, known=np.where(after(rows), np.datetime64("NaT", "us"), rows.known))
    assert BREAK < alarms(rows, first=BREAK - 3)["late"] < BREAK + 6


def test_half_of_the_outcomes_late_are_late(alarms):
    rows = traffic(4, "a day later")
    half = after(rows) & (np.random.default_rng(0).random(len(rows)) < 0.5)
    rows = dataclasses.replace(rows, known=rows.known + np.where(half, 10 * 24 * HOUR, 0 * HOUR))
    assert alarms(rows, first=BREAK - 3)["late"] < BREAK + 3


def test_outcomes_that_stand_still_are_constant(alarms):
    rows = traffic(5, "a day later")
    rows = dataclasses.replace(rows, outcome=np.where(after(rows), 0.0, rows.outcome))
    assert alarms(rows, first=BREAK - 3)["constant"] < BREAK + 2


def test_a_level_that_jumps_is_told_from_requests_that_are_others(alarms):
    rows, rng = traffic(6, "a day later"), np.random.default_rng(1)
    more = dataclasses.replace(rows, outcome=np.where(after(rows) & (rng.random(len(rows)) < 0.6), 1.0, rows.outcome))
    assert alarms(more, first=BREAK - 3)["level"] < BREAK + 3
    score = np.where(rows.time >= START + BREAK * 24 * HOUR, expit(1.5 * rng.normal(2, 1, len(rows)) - 1), rows.score)
    others = dataclasses.replace(rows, score=score, outcome=(rng.random(len(rows)) < score).astype(float))
    assert "level" not in alarms(others, first=BREAK - 3)


def of_clients(seed, clients=("shop", "branch")):
    """Return traffic of some clients whose outcomes come a day later."""
    rows, rng = traffic(seed, "a day later"), np.random.default_rng(seed)
    return dataclasses.replace(rows, caller=rng.choice(np.array(clients, object), len(rows)))


def with_more(rows, caller, since, times, coming=0.0, seed=0):
    """Return traffic to which a caller adds so many times its rows from a day on; few of its outcomes come."""
    rng = np.random.default_rng(seed)
    more = rows.between(moment(START + since * 24 * HOUR), None)
    more = more.take(np.sort(rng.integers(0, len(more), round(times * len(more)))))
    known = np.where(rng.random(len(more)) < coming, more.known, np.datetime64("NaT", "us"))
    more = dataclasses.replace(more, known=known, caller=np.full(len(more), caller, object))
    both = joined(rows, more)
    return both.take(np.argsort(both.time, kind="stable"))


def stopped(rows):
    return dataclasses.replace(rows, known=np.where(after(rows), np.datetime64("NaT", "us"), rows.known))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("times", [0.3, 1, 5])
def test_a_caller_who_never_gets_outcomes_makes_no_outcome_late(alarms, seed, times):
    """A check of health, a test of load, or a probe; 162 days of looks twice a day, at two levels of sixteen a year."""
    assert alarms(with_more(of_clients(seed), "load test", 52, times, seed=seed), first=50) == {}
    assert alarms.said.endswith("of the requests are not counted: no outcome ever came of those of load test")


@pytest.mark.parametrize("times", [1, 5])
def test_a_feed_that_stops_beside_such_a_caller_is_late_as_soon_as_without(alarms, times):
    alone = alarms(stopped(of_clients(7)), first=BREAK - 3)["late"]
    rows = with_more(of_clients(7), "load test", 52, times)
    assert alarms(stopped(rows), first=BREAK - 3)["late"] == alone


@pytest.mark.parametrize("replaced", [1, 2])
def test_a_feed_that_stops_as_clients_are_replaced_is_late(alarms, replaced):
    """New addresses, as after a deployment, have never had an outcome; nor has anybody since."""
    rows = stopped(of_clients(8))
    old = np.isin(rows.caller, ("shop", "branch")[:replaced]) & (rows.time >= START + BREAK * 24 * HOUR)
    rows = dataclasses.replace(rows, caller=np.where(old, rows.caller + " 2", rows.caller))
    assert BREAK < alarms(rows, first=BREAK - 3)["late"] < BREAK + 4


@pytest.mark.parametrize("seed", range(3))
def test_a_client_that_took_over_from_another_is_late_alone(alarms, seed):
    """Most requests come from a new address, whose ids match no outcome; those of the branch do."""
    rows = of_clients(11 + seed, ("shop", "shop", "shop", "shop", "branch"))
    moved = after(rows) & (rows.caller == "shop")
    known = np.where(moved, np.datetime64("NaT", "us"), rows.known)
    rows = dataclasses.replace(rows, caller=np.where(moved, "shop 2", rows.caller), known=known)
    assert BREAK < alarms(rows, first=BREAK - 3)["late"] < BREAK + 4


def test_a_client_whose_outcomes_often_miss_may_ask_more(alarms):
    rows = with_more(of_clients(9), "web", 0, 0.3, coming=0.3)
    assert alarms(with_more(rows, "web", 52, 1.0, coming=0.3), first=50) == {}


@pytest.mark.parametrize("seed", range(4))
def test_a_stop_of_which_a_look_sees_a_part_is_late_at_the_next(alarms, seed):
    """What was missing just before the newest rows is no witness of what is natural."""
    rows = traffic(20 + seed, "a day later")
    begin = START + (BREAK * 24 + 25 + 2 * seed) * HOUR
    rows = dataclasses.replace(rows, known=np.where(rows.known >= begin, np.datetime64("NaT", "us"), rows.known))
    assert alarms(rows, first=BREAK - 3, every=24)["late"] <= BREAK + 5


def test_callers_of_one_request_each_hide_no_late_outcomes(alarms):
    """Who asks once and gets no outcome is one of many, and not silent: what is missing of them is missing."""
    rows, rng = traffic(10, "a day later"), np.random.default_rng(0)
    never = rng.random(len(rows)) < np.where(after(rows), 0.9, 0.15)
    rows = dataclasses.replace(rows, known=np.where(never, np.datetime64("NaT", "us"), rows.known))
    alone = alarms(rows, first=BREAK - 3)["late"]
    assert alarms(dataclasses.replace(rows, caller=rows.id), first=BREAK - 3)["late"] == alone
