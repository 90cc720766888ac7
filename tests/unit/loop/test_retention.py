"""Old records go once an hour, by what the setpoint file says, and a decision says so."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from setpoint.domain.fleet import Retention
from setpoint.domain.record import Expired
from setpoint.domain.value import replace
from setpoint.loop.retention import due, expire
from tests.unit.loop.conftest import NOW, a_deployment

KEPT = Retention(keep_s=86_400.0 * 30, at_most_bytes=10**9)


class World(SimpleNamespace):
    """A log that lets days go, and a state store that remembers."""

    def __init__(self, gone: Expired) -> None:
        super().__init__(log=self, state=self, gone=gone, asked=[], saved=[])

    def expire(self, model: str, **asked: Any) -> Expired:
        self.asked.append((model, asked))
        return self.gone

    def save(self, thing: Any) -> None:
        self.saved.append(thing)


@pytest.mark.parametrize(
    ("kept", "since_h", "expected"),
    [(Retention(), None, False), (KEPT, None, True), (KEPT, 0.9, False), (KEPT, 1.0, True)],
)
def test_it_is_due_once_an_hour_where_the_file_says_so(kept: Retention, since_h: float | None, expected: bool) -> None:
    looked = None if since_h is None else NOW - timedelta(hours=since_h)
    assert due(replace(a_deployment(), retention=kept, expired=looked), NOW) is expected


def test_what_went_is_a_decision() -> None:
    world = World(Expired(days=(date(2024, 1, 1), date(2024, 1, 2)), rows=1_234, bytes=5_600_000))
    after = expire(world, replace(a_deployment(), retention=KEPT), NOW)  # type: ignore[arg-type]
    assert world.asked == [("demand", {"before": NOW - timedelta(days=30), "at_most_bytes": 10**9})]
    assert world.saved == [after]
    assert (after.expired, after.decisions[-1].action) == (NOW, "expire")
    assert after.decisions[-1].why == "records 2024-01-01 to 2024-01-02: 1,234 rows, 5.6 MB"


def test_a_failure_is_written_down_until_it_goes_again() -> None:
    class Full(World):
        def expire(self, model: str, **asked: Any) -> Expired:
            if self.gone.rows:
                raise OSError(28, "No space left on device")
            return self.gone

    world, deployment = Full(Expired(rows=1)), replace(a_deployment(), retention=KEPT)
    for hour in (0, 1):
        with pytest.raises(OSError, match="No space"):
            expire(world, deployment, NOW + timedelta(hours=hour))  # type: ignore[arg-type]
        deployment = world.saved[-1]
    undeleted = deployment.undeleted
    assert undeleted is not None
    assert (undeleted.times, undeleted.since, undeleted.why) == (2, NOW, "[Errno 28] No space left on device")
    world.gone = Expired()
    assert expire(world, deployment, NOW + timedelta(hours=2)).undeleted is None  # type: ignore[arg-type]


def test_nothing_that_went_is_none() -> None:
    world = World(Expired())
    after = expire(world, replace(a_deployment(), retention=KEPT), NOW)  # type: ignore[arg-type]
    assert (after.expired, after.decisions) == (NOW, ())
