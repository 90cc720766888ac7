"""More workers: put in place, held, and lifted again."""

from datetime import timedelta
from typing import Any

from setpoint.domain.event import What
from setpoint.domain.incident import Cause, IncidentStatus, Remedy
from setpoint.domain.live import WorkerStatus
from setpoint.domain.value import replace
from setpoint.domain.workload import Minute
from setpoint.loop import actions as do
from setpoint.loop.acts import act
from setpoint.loop.placing import displaced
from setpoint.loop.plan import plan


def reports(now: Any, requests: int, refused: int = 0) -> dict[int, WorkerStatus]:
    """Three workers, of which the first did all of the last twenty minutes."""
    at = int(now.timestamp()) // 60
    load = tuple(
        Minute(at=at - m, model="demand", version="v1", requests=requests, rows=requests, runs=requests,
               run_s=requests * 0.03, turned_away=refused)
        for m in range(20, 0, -1)
    )  # fmt: skip
    return {0: WorkerStatus(pid=1, load=load), 1: WorkerStatus(pid=2), 2: WorkerStatus(pid=3)}


def test_more_workers_are_asked_for_held_and_given_back(made: Any) -> None:
    repair = made.repair(Remedy.WORKERS, workers=3, workers_before=1, subject="requests")
    incident = made.incident(repair, cause=Cause.OVERLOAD, subject="service", id="demand-service")
    before = made.deployment(incidents=(incident,))
    mend = do.Mend(incident=incident.id, repair=repair, why="")
    earlier = made.look(made.now - timedelta(minutes=20))
    under = act(mend, None, before, earlier)
    assert under.served.workers == 3
    assert under.decisions[-1].facts == {"workers": 3.0}

    busy = made.look(reports=reports(made.now, 1_500))
    held = act(plan(under, busy), None, under, busy)
    assert held.incidents[0].status is IncidentStatus.HELD
    assert plan(held, busy) is None

    calm = made.look(reports=reports(made.now, 30))
    after = act(plan(held, calm), None, held, calm)
    assert after.served == before.served
    assert after.incidents[0].status is IncidentStatus.CLOSED
    assert after.incidents[0].timeline[-1].what is What.LIFTED


def test_workers_that_change_nothing_are_given_back(made: Any) -> None:
    applied = made.now - timedelta(minutes=20)
    repair = made.repair(Remedy.WORKERS, workers=3, workers_before=1, applied=applied)
    incident = made.incident(repair, cause=Cause.OVERLOAD, status=IncidentStatus.MENDING, subject="service")
    deployment = made.deployment(incidents=(incident,))
    deployment = replace(deployment, served=replace(deployment.served, workers=3))
    action = plan(deployment, made.look(reports=reports(made.now, 1_500, refused=700)))
    assert isinstance(action, do.Undo)
    assert not action.helped


def test_workers_that_another_repair_asks_for_stay(made: Any) -> None:
    at = made.now - timedelta(minutes=20)
    first, second = (made.repair(Remedy.WORKERS, id=f"r{n}", workers=n, applied=at) for n in (6, 8))
    incidents = [
        made.incident(r, cause=Cause.OVERLOAD, status=IncidentStatus.HELD, subject="service", id=r.id)
        for r in (first, second)
    ]
    before = made.deployment(incidents=tuple(incidents))
    before = replace(before, served=replace(before.served, workers=8))
    assert displaced(before, second, made.now, "ann")[0].served.workers == 6
