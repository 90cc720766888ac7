"""Rows asked again apart: what ends a copy, what only fails in it, and what tells nothing."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from setpoint.domain.finding import Finding
from setpoint.domain.live import WorkerStatus
from setpoint.domain.record import ENDED
from setpoint.domain.requested import Requested
from setpoint.errors import JobFailed, ModelEnded, ModelFailed, ModelGone
from setpoint.loop.ended import ANSWERED, POLL_S, _answered, _asked_apart, await_successors


def asked(*x: float, status: int = ENDED) -> Requested:
    n = len(x)
    whole = dict.fromkeys(("time", "arrived", "row", "latency_us", "broke"), np.zeros(n, np.int64))
    texts = dict.fromkeys(("version", "role", "caller"), np.full(n, "v1", object))
    ids = np.array([f"r{v:g}" for v in x], object)
    return Requested(id=ids, status=np.full(n, status), inputs={"x": np.array(x)}, **whole, **texts)


@pytest.mark.parametrize(
    ("error", "culprits", "said"),
    [
        (ModelEnded("its process was killed by SIGSEGV"), ("b",), "killed by SIGSEGV"),
        (ModelFailed("ValueError: 7"), (), "no request is to blame"),
        (ModelGone("its process was killed by SIGKILL"), (), "a copy of the model cannot be asked"),
        (JobFailed("no room"), (), "a copy of the model cannot be asked"),
    ],
)
def test_only_what_ends_a_copy_twice_is_to_blame(made: Any, error: Exception, culprits: tuple[str, ...], said: str):
    def apart(model: str, version: str, inputs: Any) -> Any:
        if (inputs["x"] == 7.0).any():
            raise error
        return {}, 0.0

    ports: Any = SimpleNamespace(scorer=SimpleNamespace(apart=apart))
    fatal = _asked_apart(ports, made.deployment(), asked(1.0, 7.0), {"x": np.array([0.0])}, ("a", "b"))
    assert fatal.culprits == culprits
    assert said in fatal.words[-1]


def test_the_newest_row_that_was_answered_and_was_not_asked_at_the_end_is_the_control():
    answered = asked(1.0, 2.0, 7.0, status=ANSWERED)
    control = _answered(answered, asked(7.0))
    assert control is not None
    assert control["x"].tolist() == [2.0]
    assert _answered(answered, asked(1.0, 2.0, 7.0)) is None


NOW = datetime(2024, 6, 1, tzinfo=UTC)


def ended(seconds_ago: float, metric: str = "crash") -> Any:
    at = NOW - timedelta(seconds=seconds_ago)
    found = Finding(
        monitor="process", metric=metric, since=at, until=at, rows=0, value=1.0, limit=0.0, alarm=True,
        detail="worker 1: worker 1 (pid 9) ended: killed by SIGSEGV",
    )  # fmt: skip
    return SimpleNamespace(findings=(found,))


class Successor:
    """A platform whose worker 1 is away, then is back, and then has said what the one before it was asked."""

    def __init__(self, *reports: dict[int, WorkerStatus]) -> None:
        self.left, self.ingested, self.paused = list(reports), 0, 0
        self.ports: Any = SimpleNamespace(platform=self, log=self)

    def reports(self) -> dict[int, WorkerStatus]:
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]

    def ingest(self) -> None:
        self.ingested += 1

    def pause(self, seconds: float) -> None:
        self.paused += 1


def status(pid: int, *, told: bool, after_s: float = -1.0) -> dict[int, WorkerStatus]:
    beat = (NOW + timedelta(seconds=after_s)).timestamp()
    return {0: WorkerStatus(pid=1, told=True, beat=beat), 1: WorkerStatus(pid=pid, told=told, beat=beat)}


def test_a_look_just_after_a_death_waits_for_what_the_successor_was_left():
    old, loading, back = status(9, told=True, after_s=-3), status(10, told=False), status(10, told=True)
    platform = Successor(old, {}, loading, back)
    await_successors(platform.ports, ended(2), NOW, pause=platform.pause)
    assert (platform.paused, platform.ingested) == (3, 1)


def test_one_that_does_not_come_back_is_waited_for_ten_seconds():
    platform = Successor({})
    await_successors(platform.ports, ended(2), NOW, pause=platform.pause)
    assert platform.paused * POLL_S == pytest.approx(10)


@pytest.mark.parametrize("incident", [ended(11), ended(2, "memory"), SimpleNamespace(findings=())])
def test_nothing_is_waited_for_where_no_worker_ended_just_now(incident: Any):
    platform = Successor({})
    await_successors(platform.ports, incident, NOW, pause=platform.pause)
    assert (platform.paused, platform.ingested) == (0, 0)
