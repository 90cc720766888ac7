"""What the envelope does not allow waits for a person, and then says who allowed it."""

from typing import Any

import numpy as np
import pytest

from setpoint.domain.envelope import Envelope
from setpoint.domain.event import What
from setpoint.domain.incident import IncidentStatus
from setpoint.domain.rollout import Phase
from setpoint.errors import Conflict, NotFound
from setpoint.loop.taking import take_back
from tests.integration.loop.conftest import in_fahrenheit

WITHOUT = {name: tuple(n for n in Envelope().automatic if n != name) for name in Envelope().automatic}


def test_a_repair_that_is_automatic_acts_recovers_and_is_lifted(world: Any, fahrenheit: Any) -> None:
    w = world(fahrenheit)
    w.until(25)
    assert (w.incident.status, w.incident.acted_by) == (IncidentStatus.HELD, "setpoint")
    assert [m.feature for m in w.live.models["demand"].maps] == ["temp"]
    w.until(30)
    (data,) = [i for i in w.deployment.incidents if i.subject == "temp"]
    assert data.status is IncidentStatus.CLOSED
    assert w.live.models["demand"].maps == ()


def test_a_repair_that_is_not_automatic_waits_for_a_person(world: Any, fahrenheit: Any) -> None:
    w = world(fahrenheit, Envelope(automatic=WITHOUT["inverse_map"]))
    w.until(24)
    assert w.incident.status is IncidentStatus.WAITING
    assert w.live.models["demand"].maps == ()
    assert w.did("mend") == []
    (ask,) = w.did("ask")
    assert ask.why == f"inverse_map is not in the envelope: `setpoint repair approve {w.incident.id}`"

    with pytest.raises(NotFound, match=f"nothing named 'nosuch' waits for a person; there is {w.incident.id}"):
        w.operator.approve("nosuch", by="ann")
    w.operator.approve(w.incident.id, by="ann")
    assert w.incident.status is IncidentStatus.MENDING
    assert (w.incident.approved_by, w.incident.acted_by) == ("ann", "ann")
    assert [e.by for e in w.incident.timeline if e.what is What.APPROVED] == ["ann"]
    assert [d.by for d in w.did("mend")] == ["ann"]
    assert [m.feature for m in w.live.models["demand"].maps] == ["temp"]
    with pytest.raises(Conflict, match=f"{w.incident.id} waits for nothing: it is mending"):
        w.operator.approve(w.incident.id, by="ann")
    w.until(26)
    assert w.incident.status is IncidentStatus.HELD


def test_what_is_listed_under_ask_waits_even_if_it_is_automatic_too(world: Any, fahrenheit: Any) -> None:
    w = world(fahrenheit, Envelope(ask=("inverse_map",)))
    w.until(24)
    assert w.incident.status is IncidentStatus.WAITING
    assert "inverse_map is listed under ask" in w.did("ask")[0].why


def test_no_more_actions_a_day_than_the_envelope_allows(world: Any, fahrenheit: Any) -> None:
    w = world(fahrenheit, Envelope(max_actions_per_day=0))
    w.until(24)
    assert w.did("mend", "fit", "promote") == []
    assert "0 of 0 actions are spent today" in w.did("ask")[0].why


def test_a_retraining_that_is_not_automatic_waits_for_a_person(world: Any, another_demand: Any) -> None:
    w = world(another_demand, Envelope(automatic=WITHOUT["retrain"]))
    w.until(24)
    assert w.incident.status is IncidentStatus.WAITING
    assert w.did("fit") == []
    assert "retrain is not in the envelope" in w.did("ask")[0].why
    w.operator.approve(w.incident.id, by="ann")
    w.until(25)
    assert [d.by for d in w.did("fit")] == ["ann"]
    assert w.incident.approved_by == ""  # the training that she approved, not the next one


def test_a_promotion_that_is_not_automatic_waits_for_a_person(world: Any, another_demand: Any) -> None:
    w = world(another_demand, Envelope(automatic=WITHOUT["promote"]))
    w.until(32)
    (rollout,) = [r for r in w.deployment.rollouts if r.running]
    assert rollout.phase in (Phase.SHADOW, Phase.PROVEN)
    assert w.did("promote") == []
    assert [d.subject for d in w.did("ask")][-1] == rollout.candidate.version
    w.operator.approve(rollout.candidate.version, by="bob")
    assert w.live.models["demand"].champion == rollout.candidate.version
    assert [d.by for d in w.did("promote")] == ["bob"]
    assert w.deployment.rollouts[-1].approved_by == "bob"
    assert w.deployment.releases[-1].by == "bob"


def test_a_person_takes_a_repair_back_and_is_asked_from_then_on(world: Any, fahrenheit: Any) -> None:
    w = world(fahrenheit)
    w.until(24)
    before, id_ = w.live.models["demand"], w.incident.id
    assert [m.feature for m in before.maps] == ["temp"]
    undone = take_back(w.operator.ports, id_, w.operator.clock.now(), by="ann")
    assert (w.live.models["demand"].maps, w.incident.status) == ((), IncidentStatus.OPEN)
    assert (undone.decisions[-1].action, undone.decisions[-1].by, w.incident.taken_by) == ("undo", "ann", "ann")
    w.until(26)
    assert w.live.models["demand"].maps == ()
    assert [d.by for d in w.did("mend")] == ["setpoint"]
    with pytest.raises(Conflict, match="is in place: it is open"):
        take_back(w.operator.ports, id_, w.operator.clock.now(), by="ann")
    with pytest.raises(NotFound, match=f"no incident 'x'; live incidents: {id_}"):
        take_back(w.operator.ports, "x", w.operator.clock.now(), by="ann")


def test_a_second_fault_is_found_and_mended_while_the_first_one_lasts_for_weeks(world: Any) -> None:
    """Five weeks under a repair leave no row of before: rows as the model saw them say what is usual."""

    def happens(rows: Any) -> Any:
        day = np.arange(len(rows)) // 24
        rows = in_fahrenheit(rows, 14, 60)
        return rows.assign(felt=np.where(day >= 50, 1.8 * rows["felt"] + 32, rows["felt"]))

    w = world(happens, Envelope(automatic=("inverse_map",)))
    w.until(50)
    assert [m.feature for m in w.live.models["demand"].maps] == ["temp"]
    w.until(54)
    assert [m.feature for m in w.live.models["demand"].maps] == ["temp", "felt"]
    assert [d.subject for d in w.did("mend")] == ["temp", "felt"]
