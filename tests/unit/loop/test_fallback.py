"""A part of the rows that an earlier version answers: put in place, held, and lifted again."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from setpoint.domain.incident import Cause, IncidentStatus, Remedy
from setpoint.domain.live import Served
from setpoint.domain.records import stamp
from setpoint.domain.requested import Requested
from setpoint.domain.value import replace
from setpoint.domain.within import Fallback, Within
from setpoint.loop import actions as do
from setpoint.loop.acts import act
from setpoint.loop.plan import plan
from setpoint.loop.taking import taken_back
from setpoint.maintain.triage import triage

HEAT = Fallback(id="f", version="v0", instead_of="v1", within=Within(feature="temp", low=30.0))


def asked(made: Any, count: int = 20, lost: int = 0) -> Requested:
    """Hot rows that the earlier version was asked an hour ago, of which it failed on some."""
    time = np.full(count, stamp(made.now)).view(np.int64) - 3_600_000_000 + np.arange(count)
    return Requested(
        id=np.array([f"r{i}" for i in range(count)], object), time=time, arrived=time, row=np.zeros(count, int),
        version=np.full(count, "v0", object), role=np.full(count, "champion", object),
        status=np.where(np.arange(count) < lost, 500, 200), latency_us=np.full(count, 1),
        caller=np.full(count, "", object), broke=np.zeros(count, bool),
        inputs={"temp": np.full(count, 40.0), "hum": np.zeros(count)},
    )  # fmt: skip


@pytest.fixture
def mended(made: Any) -> Callable[..., Any]:
    """Return a function: a deployment in which v0 answers hot rows, and its incident."""

    def mended(status: IncidentStatus = IncidentStatus.MENDING, **served: Any) -> Any:
        repair = made.repair(Remedy.FALLBACK, fallback=HEAT, applied=made.now - made.day, id="f")
        incident = made.incident(
            repair, cause=Cause.EXCEPTION, status=status, subject="service", id="demand-service",
            findings=(made.finding(monitor="service", metric="error_rate_burn", column=None),),
        )  # fmt: skip
        serves = Served(**{"champion": "v1", "fallbacks": (HEAT,), **served})
        return made.deployment(served=serves, incidents=(incident,)), incident

    return mended


def test_it_is_put_in_place_and_undone_without_a_trace(made: Any, mended: Any) -> None:
    deployment, incident = mended()
    repair = replace(incident.repair, applied=None)
    opened = replace(incident, status=IncidentStatus.OPEN)
    before = replace(deployment, served=Served(champion="v1"), incidents=(opened,))
    after = act(do.Mend(incident=incident.id, repair=repair, why=""), None, before, made.look())
    assert after.served.fallbacks == (HEAT,)
    assert taken_back(after, incident.id, made.now, "", helped=True).served == before.served


def test_it_is_held_once_the_earlier_version_answers(made: Any, mended: Any) -> None:
    deployment, incident = mended()
    assert plan(deployment, made.look()) is None
    assert isinstance(plan(deployment, made.look(asked={incident.id: asked(made)})), do.Hold)
    few = made.look(asked={incident.id: asked(made, count=5)})
    assert plan(deployment, few) is None


def test_it_is_undone_where_the_earlier_version_fails_as_well(made: Any, mended: Any) -> None:
    deployment, incident = mended()
    action = plan(deployment, made.look(asked={incident.id: asked(made, lost=10)}))
    assert isinstance(action, do.Undo)
    assert not action.helped
    late = plan(deployment, made.look(made.now + 14 * made.day))
    assert isinstance(late, do.Undo)
    assert "14 days after" in late.why


@pytest.mark.parametrize("status", [IncidentStatus.MENDING, IncidentStatus.HELD])
def test_it_is_lifted_once_the_champion_answers_again(made: Any, mended: Any, status: IncidentStatus) -> None:
    deployment, incident = mended(status)
    still = made.look(again={incident.id: np.arange(30) == 7})
    assert plan(deployment, still) is None
    action = plan(deployment, made.look(again={incident.id: np.zeros(30, bool)}))
    assert isinstance(action, do.Undo)
    assert action.helped


def test_another_champion_is_asked_itself(made: Any, mended: Any) -> None:
    deployment, _ = mended(IncidentStatus.HELD, champion="v2", fallbacks=())
    action = plan(deployment, made.look())
    assert isinstance(action, do.Undo)
    assert action.helped


def test_what_the_service_does_while_it_is_held_is_another_incident(made: Any, mended: Any) -> None:
    deployment, _ = mended(IncidentStatus.HELD)
    old, new = (
        made.finding(monitor="service", metric="latency_p99_ms_burn", column=None, since=made.now - age)
        for age in (2 * made.day, made.hour)
    )
    assert triage(deployment.incidents, [old], made.now, model="demand", version="v1") == deployment.incidents
    assert len(triage(deployment.incidents, [old, new], made.now, model="demand", version="v1")) == 2
