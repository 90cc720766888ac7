"""A caller who is held to so many requests a second, at the door."""

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from setpoint.domain.live import Served, alone
from setpoint.domain.throttle import Throttle
from setpoint.errors import Throttled
from setpoint.serve.asking import predict
from setpoint.serve.encode import status_of
from setpoint.serve.meter import Meter
from setpoint.serve.table import route_of
from setpoint.serve.throttling import Throttles

START = datetime(2026, 1, 1, tzinfo=UTC)
HELD = Throttle(id="i-throttle", caller="eve", per_s=2.0, lasts_s=60.0, until=START + timedelta(minutes=1))


def admitted(throttles, caller, times, now):
    found = []
    for at in times:
        now[0] = START.timestamp() + at
        try:
            throttles.admit(caller)
        except Throttled:
            continue
        found.append(at)
    return found


def test_a_caller_is_answered_so_many_requests_a_second_up_to_the_deadline():
    now = [START.timestamp()]
    throttles = Throttles([HELD], clock=lambda: now[0])
    often = [i / 10 for i in range(590)]  # ten a second
    assert 2 * 59 - 2 <= len(admitted(throttles, "eve", often, now)) <= 2 * 59 + 3
    assert len(admitted(throttles, "eve", [61 + i / 10 for i in range(50)], now)) == 50


def test_nobody_else_is_held():
    now = [START.timestamp()]
    assert len(admitted(Throttles([HELD], clock=lambda: now[0]), "ann", [0.0] * 99, now)) == 99


def test_a_slow_rate_answers_one_now_and_then():
    now = [START.timestamp()]
    slow = Throttle(id="i", caller="eve", per_s=0.1, lasts_s=60.0, until=START + timedelta(minutes=1))
    times = [float(i) for i in range(60)]
    assert admitted(Throttles([slow], clock=lambda: now[0]), "eve", times, now) == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]


def test_callers_are_told_by_what_records_name_them():
    """Where callers are recorded hashed, the throttle knows the hash alone."""
    hashed = Throttles([HELD], lambda caller: {"eve@example.org": "eve"}[caller], lambda: START.timestamp())
    hashed.admit("eve@example.org")
    hashed.admit("eve@example.org")
    with pytest.raises(Throttled, match="held to 2 a second until 2026-01-01 00:01 UTC"):
        hashed.admit("eve@example.org")


def test_it_is_refused_with_429_and_counted_as_nobodys_overload(make):
    whole = make.table().route("demand")
    held = Throttle(id="i", caller="eve", per_s=0.01, lasts_s=9e9, until=datetime(2999, 1, 1, tzinfo=UTC))
    route = route_of(Served(champion="v1", throttles=(held,)), whole.champion.loaded, None)
    call = SimpleNamespace(request_id="r", caller="eve", arrived_us=1, started_ns=time.perf_counter_ns())
    route.throttles.admit("eve")
    plane = SimpleNamespace(metrics=SimpleNamespace(meter=Meter()))
    with pytest.raises(Throttled) as refused:
        predict(plane, route, None, call, None, None)  # nothing of it is decoded or asked
    assert status_of(refused.value) == 429
    assert plane.metrics.meter.stopped == {"i": 1}
    assert plane.metrics.meter.minutes == ()


def test_another_champion_holds_the_same_callers():
    assert alone(Served(champion="v1", throttles=(HELD,)), "v2").throttles == (HELD,)
