"""Requests that are on no record, for they were turned away."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from setpoint.domain.live import WorkerStatus
from setpoint.domain.value import replace
from setpoint.domain.workload import Minute
from setpoint.monitor.turned_away import turned_away


@pytest.fixture(scope="module")
def seen(look: Callable[..., Any], stream: Any) -> Any:
    """A look at nothing that matters here."""
    return look(stream, 9_000)


def reported(seen: Any, shares: list[float], requests: int = 300, seed: int = 0) -> Any:
    """Say what share was turned away in each of the last minutes, the last one last."""
    last, rng = int(seen.now.timestamp()) // 60, np.random.default_rng(seed)
    away = [int(rng.binomial(requests, share)) for share in shares]
    load = tuple(
        Minute(at=last - len(shares) + i, model="m", version="v1", requests=requests - n, turned_away=n)
        for i, n in enumerate(away)
    )
    return replace(seen, model="m", reports={0: WorkerStatus(pid=1, load=load)})


@pytest.mark.parametrize(
    ("shares", "alarm"),
    [([0.0] * 8 + [0.2] * 2, True), ([0.1] * 10, True), ([0.2] * 5 + [0.0] * 5, False), ([0.002] * 10, False)],
)
def test_it_is_an_alarm_where_it_is_more_than_is_allowed_and_goes_on(
    seen: Any, shares: list[float], alarm: bool
) -> None:
    (found,) = turned_away(reported(seen, shares))
    assert found.alarm is alarm
    assert found.until - found.since == timedelta(minutes=10)


def test_nothing_is_said_where_nobody_was_turned_away(seen: Any) -> None:
    assert list(turned_away(reported(seen, [0.0] * 10))) == []


def test_what_is_just_allowed_raises_no_alarm_in_a_month_of_looks(seen: Any) -> None:
    """1 % may fail where nothing is stated: 4,000 windows at 1 %, none of them is called more."""
    assert not any(f.alarm for s in range(4_000) for f in turned_away(reported(seen, [0.01] * 10, seed=s)))
