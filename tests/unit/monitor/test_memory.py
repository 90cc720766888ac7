"""Workers whose memory grows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from setpoint.domain.live import WorkerStatus
from setpoint.domain.value import replace
from setpoint.monitor.memory import MIB, memory

MINUTES = np.arange(60)


@pytest.fixture(scope="module")
def seen(look: Callable[..., Any], stream: Any) -> Any:
    return look(stream, 9_000)


def told(seen: Any, mib: Any, free: int = 2_000) -> list[Any]:
    resident = tuple((int(m), int(b * MIB)) for m, b in zip(MINUTES, mib, strict=False))
    reports = {1: WorkerStatus(pid=1, resident=resident, memory_free=free * MIB)}
    return list(memory(replace(seen, reports=reports)))


def test_a_leak_is_told_of_with_how_long_it_can_go_on(seen: Any) -> None:
    noise = np.random.default_rng(0).normal(0, 2, 60)
    (found,) = told(seen, 200 + 4 * MINUTES + noise)
    assert found.alarm
    assert found.detail.startswith("worker 1: resident memory rose from 2")
    assert "MiB an hour; 2,000 MiB are free, for 8." in found.detail


@pytest.mark.parametrize(
    "mib",
    [
        200 + 100 * np.exp(-MINUTES / 10),  # given back
        200 + 50 * (MINUTES % 15) / 15,  # taken and given back
        200 + 300 * (MINUTES > 20),  # a second version was loaded
        200 + 0.2 * MINUTES,  # next to nothing
        200 + 300 * (MINUTES < 4),  # it is still loading
        (200 + 4 * MINUTES)[:30],  # too short a time
    ],
)
def test_what_is_no_leak_is_not_told_of(seen: Any, mib: Any) -> None:
    assert told(seen, mib) == []


def test_a_leak_that_has_room_for_days_waits(seen: Any) -> None:
    assert told(seen, 200 + 4 * MINUTES, free=200_000) == []


def test_noise_is_no_leak(seen: Any) -> None:
    """1,000 hours of memory that comes and goes by a fifth: none is called a leak."""
    rng = np.random.default_rng(1)
    assert not any(told(seen, 200 + rng.gamma(2, 20, 60), free=100) for _ in range(1_000))
