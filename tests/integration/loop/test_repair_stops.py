"""The control process is stopped at every write and act of every remedy: it is as before or as after, never between."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from setpoint.bootstrap.home import open_home
from setpoint.config import Settings
from setpoint.domain.envelope import Envelope
from setpoint.domain.finding import Finding
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Cause, Hypothesis, Incident, IncidentStatus, Remedy
from setpoint.domain.live import Served
from setpoint.domain.value import replace
from setpoint.errors import Conflict
from setpoint.loop.clock import VirtualClock
from setpoint.loop.taking import take_back
from setpoint.loop.tick import turn
from setpoint.loop.verbs.operator import Operator
from setpoint.store import state
from tests.remedies import REMEDIES, SCHEMA
from tests.unit.loop.conftest import a_look
from tests.unit.versions.conftest import home
from tests.unit.versions.hand_made import NOW, a_deployment, a_version

__all__ = ["home"]
HOUR = timedelta(hours=1)
Step = Callable[[Operator], None]


class Killed(BaseException):
    """The process ended here; no code of ours catches it."""


class Fuse:
    """Kills at the n-th boundary that is crossed: before and after each write, and in the middle of one."""

    def __init__(self, at: int) -> None:
        self.left, self.blown = at, False

    def cross(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.blown = True
            raise Killed

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any) -> Any:
            self.cross()
            done = call(*args)
            self.cross()
            return done

        return called


class Dying:
    """A port of which one call is a boundary."""

    def __init__(self, port: Any, name: str, fuse: Fuse) -> None:
        self._port, self._name, self._fuse = port, name, fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._fuse.around(found) if name == self._name else found


def started(folder: Path, fuse: Fuse | None = None) -> Operator:
    """Return the operator of a new process, that dies at a boundary."""
    operator = open_home(Settings(home=folder), VirtualClock(NOW))
    if fuse is None:
        return operator
    ports = operator.ports
    dying = replace(ports, state=Dying(ports.state, "save", fuse), platform=Dying(ports.platform, "apply", fuse))
    return Operator(ports=dying, clock=operator.clock)


def looked(operator: Operator) -> None:
    """Have the loop take its turn."""
    with operator.ports.state.lease():
        turn(operator.ports, operator.ports.state.load("demand"), NOW, operator.clock)


def taken(operator: Operator) -> None:
    """Have a person take the repair back; asked again after a stop, it may be done already."""
    with suppress(Conflict):
        take_back(operator.ports, "i", NOW + HOUR, by="ann")


def opened(remedy: str) -> Deployment:
    """An incident whose remedy is proven, and may be put in place without a person."""
    repair = replace(REMEDIES[remedy].repair, proof="it is better")
    monitor = "process" if repair.remedy is Remedy.RESTART else "drift"
    alarm = Finding(
        monitor=monitor, metric="m", since=NOW - HOUR, until=NOW, rows=9, value=2.0, limit=1.0, alarm=True,
        detail="worker 0: crashed", version="v2",
    )  # fmt: skip
    incident = Incident(
        id="i", model="demand", status=IncidentStatus.OPEN, since=NOW - HOUR, opened=NOW, subject=repair.subject,
        findings=(alarm,), investigated=NOW, repair=repair,
        causes=(Hypothesis(cause=Cause.UNIT, weight=0.9, subject=repair.subject),),
    )  # fmt: skip
    served = Served(champion="v2", standby="v1")
    automatic = tuple(Remedy)
    return a_deployment(["v1", "v2"], served=served, incidents=(incident,), envelope=Envelope(automatic=automatic))


@pytest.fixture
def seeded(home: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a function: a home with an open incident; what a look sees is made by hand."""
    version = a_version("v2", schema=SCHEMA)
    look = a_look(NOW, champion=version)
    monkeypatch.setattr("setpoint.loop.tick.take_look", lambda *_, **__: look)

    def seeded(remedy: str) -> Path:
        home([a_version("v1", schema=SCHEMA), version], opened(remedy))
        return tmp_path / "home"

    return seeded


def stops(folder: Path, step: Step, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, bool]]:
    """Yield the home after a stop at each boundary of a step in turn, and at last after the whole step."""
    write, at = state._write, 0
    while True:
        at += 1
        again, fuse = folder.with_name(f"{folder.name}-{at}"), Fuse(at)
        shutil.copytree(folder, again)
        monkeypatch.setattr(state, "_write", fuse.around(write))
        with suppress(Killed):
            step(started(again, fuse))
        monkeypatch.setattr(state, "_write", write)
        yield again, fuse.blown
        shutil.rmtree(again)
        if not fuse.blown:
            return


def standing(operator: Operator) -> tuple[Deployment, Served]:
    return operator.ports.state.load("demand"), operator.ports.platform.live().models["demand"]


@pytest.mark.parametrize("remedy", REMEDIES)
def test_a_stop_in_the_middle_is_resumed_or_undone(seeded: Any, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, count = seeded(remedy), 0
    for step, verb in ((looked, "mend"), (taken, "undo")):
        before, served = standing(started(folder))
        whole = Path(shutil.copytree(folder, folder.with_name("whole")))
        step(started(whole))
        after, then = standing(started(whole))
        for home_, blown in stops(folder, step, monkeypatch):
            operator, count = started(home_), count + blown
            stood, serves = standing(operator)
            assert stood.incidents in (before.incidents, after.incidents)
            assert serves in (served, then)
            operator.restore()  # what a new process does first
            stood, serves = standing(operator)
            assert serves == stood.served
            assert stood.served == (then if stood.incidents == after.incidents else served)
            step(operator)
            stood, serves = standing(operator)
            assert (replace(stood, looked=None), serves) == (replace(after, looked=None), then)
            assert sum(d.action == verb for d in stood.decisions) == sum(d.action == verb for d in after.decisions)
        shutil.rmtree(folder)
        whole.rename(folder)
    assert [d.action for d in after.decisions if d.action in ("mend", "undo")] == ["mend", "undo"][
        : 1 + (remedy != "restart")
    ]
    assert count >= 8
    if remedy != "restart":
        assert (then.champion, then.maps, then.fallbacks) == ("v2", (), ())
