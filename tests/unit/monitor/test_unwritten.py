"""Records that workers hold in memory, and a disk that is nearly full."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from setpoint.domain.live import WorkerStatus
from setpoint.domain.value import replace
from setpoint.domain.workload import Unwritten
from setpoint.monitor.unwritten import unwritten

FULL = Unwritten(since=0.0, held=600, most=700, bound=100_000, reason="No space left on device")


@pytest.fixture(scope="module")
def seen(look: Callable[..., Any], stream: Any) -> Any:
    return look(stream, 9_000)


def told(seen: Any, **status: Any) -> list[Any]:
    return list(unwritten(replace(seen, reports={3: WorkerStatus(pid=1, **status)})))


def test_what_is_held_is_told_with_how_long_it_can_be(seen: Any) -> None:
    since = (seen.now - timedelta(minutes=1)).timestamp()
    (found,) = told(seen, unwritten=replace(FULL, since=since))
    assert found.alarm
    assert found.detail.startswith("worker 3: records cannot be written since")
    assert "600 of at most 100,000 are held in memory: full in 166 min at 10 a second" in found.detail


@pytest.mark.parametrize(("ago", "told_of"), [(timedelta(minutes=10), 1), (timedelta(hours=2), 0)])
def test_what_is_written_again_is_told_of_for_an_hour(seen: Any, ago: timedelta, told_of: int) -> None:
    until = seen.now - ago
    over = replace(FULL, since=(until - timedelta(minutes=5)).timestamp(), until=until.timestamp(), held=0)
    found = told(seen, unwritten=over)
    assert len(found) == told_of
    assert all("up to 700 were held in memory, and all are written" in f.detail for f in found)


@pytest.mark.parametrize(
    ("free", "size", "alarm"),
    [(2**29, 2**40, True), (2**31, 2**40, False), (2**29, 2**31, False), (2**20, 2**31, True)],
)
def test_little_space_is_told_of_before_there_is_none(seen: Any, free: int, size: int, alarm: bool) -> None:
    assert [f.alarm for f in told(seen, free_bytes=free, disk_bytes=size)] == [True] * alarm


def test_a_disk_that_takes_everything_is_no_finding(seen: Any) -> None:
    assert told(seen) == []
