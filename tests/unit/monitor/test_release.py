"""A new version against the one it replaced."""

from dataclasses import replace

import numpy as np
import pytest

from setpoint.monitor.release import release
from setpoint.monitor.seen import Contest

AT = 24 * 300
LOOKS = (24, 48, 72, 96, 120, 144, 168)  # rows at the look of each day of the watched week


def contest(since, rows, worse, seed):
    """Losses of two versions on the same hours: shared difficulty, own errors of autocorrelation 0.7."""
    rng = np.random.default_rng(seed)
    shared = rng.gamma(2.0, 20.0, rows)
    own = np.zeros((2, rows))
    for at in range(1, rows):
        own[:, at] = 0.7 * own[:, at - 1] + rng.normal(0.0, 8.0, 2)
    champion, replaced = (np.abs(shared + one) for one in own)
    return Contest(champion="v2", replaced="v1", since=since, losses=champion + worse, losses_replaced=replaced)


def alarms(stream, look, worse, runs):
    """Return the share of releases that alarm in any look of their first week, and the first alarming look of each."""
    first, seen = [], look(stream, AT)
    for seed in range(runs):
        week = contest(seen.started, LOOKS[-1], worse, seed)
        for day, rows in enumerate(LOOKS):
            part = replace(week, losses=week.losses[:rows], losses_replaced=week.losses_replaced[:rows])
            if any(f.alarm for f in release(replace(seen, contest=part))):
                first.append(day)
                break
    return len(first) / runs, first


@pytest.fixture
def seen_at(stream, look):
    return look(stream, AT)


def test_without_a_recent_release_there_is_nothing_to_say(seen_at):
    assert not list(release(seen_at))


def test_an_equal_release_alarms_in_no_more_than_the_budget_allows(stream, look):
    """One release in a hundred and fifty at most; a paired t-test at 5 % on each day's look alarms far more often."""
    share, _ = alarms(stream, look, worse=0.0, runs=150)
    dummy = np.mean([naive(contest(look(stream, AT).started, LOOKS[-1], 0.0, seed)) for seed in range(150)])
    assert share <= 1 / 150
    assert dummy > 0.1


def naive(week):
    gains = week.losses - week.losses_replaced
    t = [gains[:n].mean() / (gains[:n].std(ddof=1) / np.sqrt(n)) for n in LOOKS]
    return max(t) > 1.645


def test_a_release_twice_as_bad_is_seen_within_three_days(stream, look):
    share, days = alarms(stream, look, worse=40.0, runs=40)
    assert share == 1.0
    assert np.median(days) <= 2


def test_a_release_worse_by_a_twentieth_is_no_alarm(stream, look):
    share, _ = alarms(stream, look, worse=2.0, runs=40)
    assert share == 0.0


def test_requests_from_before_a_release_show_at_once_what_those_since_are_too_few_for(seen_at):
    week = contest(seen_at.started, 1_500, 10.0, 0)
    (alone,) = release(
        replace(seen_at, contest=replace(week, losses=week.losses[-30:], losses_replaced=week.losses_replaced[-30:]))
    )
    (together,) = release(replace(seen_at, contest=replace(week, before=1_470)))
    assert (alone.alarm, together.alarm) == (False, True)
    assert "1500 requests, 1470 of them from before its release" in together.detail


def test_what_is_worse_only_for_what_is_asked_now_is_seen_beside_many_earlier_requests(seen_at):
    week = contest(seen_at.started, 4_000, 0.0, 1)
    since = np.arange(4_000) >= 3_850
    (found,) = release(replace(seen_at, contest=replace(week, losses=week.losses + 60.0 * since, before=3_850)))
    assert found.alarm
    assert found.rows == 150
