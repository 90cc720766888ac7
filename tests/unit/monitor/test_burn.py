"""Burn rates: what is found and how soon, and how seldom a constant rate just inside the objective is called."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.objective import Objective
from setpoint.domain.value import replace
from setpoint.monitor.burn import PACES, UNSTATED, Pace, horizons, own_failures, windows_of
from setpoint.monitor.seen import FAMILIES, YEAR_S
from setpoint.monitor.service import service, service_value
from setpoint.stats.burn import burns, surely_above
from setpoint.stats.intervals import share_low

AT = 24 * 200
MONTH_S = 30 * 86_400.0
TARGET = Objective(metric="availability", at_least=0.999, window_s=MONTH_S)
ALLOWED = 0.001
MINUTES = 365 * 1_440
BUDGET = 2.0 / FAMILIES  # false alarms a year of the service monitor, of two for all


def seen_with(look, stream, requests, objective=TARGET):
    """A look that sees so many requests and failures over each window: {seconds: (failed, requests)}."""
    told = {s: {"": n, "model_error": k} for s, (k, n) in requests.items()}
    return replace(
        look(stream, AT), objectives=(objective,), requests=told, since=look(stream, AT).now - timedelta(minutes=1)
    )


def over(rate, per_minute=100, since_s=MONTH_S):
    """Failures at a constant rate over the last `since_s` seconds, none before."""
    spans = horizons((TARGET,))
    return {s: (round(rate * per_minute * min(s, since_s) / 60), round(per_minute * s / 60)) for s in spans}


@pytest.mark.parametrize(
    ("pace", "long", "short"), [("fast_burn", 3_600, 300), ("burn", 21_600, 1_800), ("slow_burn", 259_200, 21_600)]
)
def test_windows_of_thirty_days_are_those_of_the_workbook(pace, long, short):
    found = next(p for p in PACES if p.name == pace)
    assert windows_of(found, MONTH_S) == pytest.approx((long, short))


def test_no_window_is_shorter_than_a_minute():
    assert windows_of(PACES[0], 3_600.0) == (60.0, 60.0)


def test_failures_that_nobody_asked_after_still_count(look, stream):
    """At night: all of forty requests of the last hour failed, and in the last five minutes there was none."""
    requests = over(0.0) | {3_600.0: (40, 40), 300.0: (0, 0), 21_600.0: (40, 240), 1_800.0: (20, 20)}
    assert "availability_fast_burn" in [f.metric for f in service(seen_with(look, stream, requests)) if f.alarm]


@pytest.mark.parametrize(
    ("k", "n", "share"), [(3, 40, 0.01), (1, 2, 0.4), (0, 10, 0.0), (7, 7, 0.5), (20, 1_000, 0.02)]
)
def test_surely_above_is_the_clopper_pearson_bound(k, n, share):
    for alpha in (0.05, 1e-6):
        assert bool(surely_above(k, n, share, alpha)) is (share_low(k, n, alpha) > share)


@given(st.integers(0, 50), st.integers(0, 50), st.floats(0, 1.2))
def test_nothing_and_all_are_judged(k, n, share):
    assert surely_above([min(k, n)], n, share, 0.01).shape == (1,)
    assert not surely_above(0, n, share, 0.01)


def test_a_full_outage_of_ten_minutes_burns_fast(look, stream):
    alarms = [f for f in service(seen_with(look, stream, over(1.0, since_s=600))) if f.alarm]
    assert "availability_fast_burn" in [f.metric for f in alarms]
    assert "at more than 14.4 times the rate that lasts 30 d" in alarms[0].detail


def test_a_leak_of_twice_the_rate_burns_slowly(look, stream):
    found = [f.metric for f in service(seen_with(look, stream, over(2 * ALLOWED, since_s=4 * 86_400))) if f.alarm]
    assert found == ["availability_slow_burn"]


def test_an_outage_that_is_over_is_no_alarm_though_the_budget_is_gone(look, stream):
    requests = {s: (0, round(100 * s / 60)) for s in horizons((TARGET,)) if s < 86_400}
    requests |= {259_200.0: (9_000, 432_000), MONTH_S: (9_000, 4_320_000), UNSTATED.window_s: (9_000, 1_008_000)}
    findings = list(service(seen_with(look, stream, requests)))
    assert not any(f.alarm for f in findings)
    assert service_value(seen_with(look, stream, requests), TARGET)[2] == pytest.approx(-1.08, abs=0.01)


def test_a_target_of_one_hundred_percent_has_no_budget(look, stream):
    all_ = Objective(metric="availability", at_least=1.0, window_s=MONTH_S)
    seen = seen_with(look, stream, over(0.01), all_)
    (finding,) = service(seen)
    assert finding.alarm
    assert service_value(seen, all_)[2] is None


def test_no_requests_are_no_finding(look, stream):
    assert not list(service(seen_with(look, stream, dict.fromkeys(horizons((TARGET,)), (0, 0)))))


def test_a_quiet_night_says_nothing_of_paces(look, stream):
    """No request in the short and the long window of a pace: there is no rate, and no finding that would hold one."""
    requests = over(0.0) | {s: (0, 0) for s in horizons((TARGET,)) if s < MONTH_S}
    found = list(service(seen_with(look, stream, requests)))
    assert [f.metric for f in found] == ["availability"]
    assert all(np.isfinite(f.value) for f in found)


def test_callers_faults_spend_nothing():
    assert own_failures({"": 100, "missing:x": 40, "model_error": 2, "overload": 1}) == (3, 60)


def counts(rate, per_minute, minutes, seed):
    """Cumulative requests and failures by the minute; `rate` is a number, or one a minute."""
    rng = np.random.default_rng(seed)
    requests = rng.poisson(per_minute, minutes)
    failed = rng.binomial(requests, rate)
    return (np.concatenate([[0], np.cumsum(part)]) for part in (failed, requests))


def watched(rate, per_minute, minutes, seed, every=5):
    """Whether each look raises an alarm of the burn rates, and of 'error rate > target in the last 5 minutes'."""
    failed, requests = counts(rate, per_minute, minutes, seed)
    ends = np.arange(every, minutes + 1, every)

    def within(window_s):
        begins = np.maximum(ends - round(window_s / 60), 0)
        return failed[ends] - failed[begins], requests[ends] - requests[begins]

    alarms = np.zeros(len(ends), bool)
    for pace in (*PACES, Pace(name="all of it", rate=1.0, long=1.0, short=1 / 120)):
        long_s, short_s = windows_of(pace, MONTH_S)
        looks = min(YEAR_S / (every * 60), 4 * YEAR_S / long_s)
        short_bad, short_rows = within(short_s)
        short = np.divide(short_bad, short_rows, out=np.full(len(ends), np.nan), where=short_rows > 0)
        alarms |= burns(*within(long_s), short, ALLOWED, pace.rate, BUDGET / (looks * 4))
    bad, rows = within(300.0)
    return alarms, bad > ALLOWED * rows


def incidents(alarms, every=5):
    """Alarms an hour or more apart."""
    at = np.flatnonzero(alarms) * every
    return int(len(at) > 0) + int((np.diff(at) > 60).sum())


@pytest.mark.parametrize("per_minute", [0.2, 5.0, 200.0])
def test_a_year_just_inside_the_objective_stays_within_the_budget(per_minute):
    """Six years: none false here, where 2.4 are allowed. The dummy calls hundreds or thousands a year."""
    called = [watched(0.95 * ALLOWED, per_minute, MINUTES, seed) for seed in range(6)]
    assert sum(incidents(ours) for ours, _ in called) <= 2
    assert sum(incidents(dummy) for _, dummy in called) > 50 * 6


@pytest.mark.parametrize(
    ("share", "per_minute", "minutes"),
    [(1.0, 100.0, 5), (0.1, 100.0, 15), (0.02, 100.0, 75), (1.0, 1.0, 15), (0.1, 1.0, 300)],
)
def test_an_outage_is_found_within(share, per_minute, minutes):
    """After twenty days of 0.01 % failures; nineteen of twenty outages."""
    before = 20 * 1_440
    rate = np.where(np.arange(before + 1_440) < before, 0.0001, share)
    found = [np.flatnonzero(watched(rate, per_minute, before + 1_440, seed)[0]) for seed in range(20)]
    delays = [5 * (at[0] + 1) - before if len(at) else np.inf for at in found]
    assert min(delays) > 0
    assert np.quantile(delays, 0.95, method="higher") <= minutes, delays
