"""A turn that fails keeps no other model from its own."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from setpoint.domain.incident import IncidentStatus
from setpoint.errors import Unusable
from setpoint.loop import actions as do
from setpoint.loop import tick as module
from setpoint.loop.clock import VirtualClock
from setpoint.loop.tick import tick


def ports_of(*models):
    state = SimpleNamespace(
        lease=nullcontext, models=lambda: models, load=lambda m: SimpleNamespace(model=m, looked=None, decisions=())
    )
    return SimpleNamespace(state=state, log=SimpleNamespace(ingest=lambda: None))


def test_every_model_has_its_turn_before_a_failure_is_raised(monkeypatch, made):
    turned = []

    def turn(ports, deployment, now, clock):
        turned.append(deployment.model)
        if deployment.model in failing:
            raise ValueError(deployment.model)
        return deployment

    monkeypatch.setattr(module, "due", lambda deployment, now: False)
    monkeypatch.setattr(module, "turn", turn)
    failing = {"a"}
    with pytest.raises(ValueError, match="a") as caught:
        tick(ports_of("a", "b", "c"), VirtualClock(made.now))
    assert turned == ["a", "b", "c"]
    assert caught.value.__notes__ == ["in the turn of a"]
    failing = {"a", "c"}
    with pytest.raises(ExceptionGroup) as several:
        tick(ports_of("a", "b", "c"), VirtualClock(made.now))
    assert [str(e) for e in several.value.exceptions] == ["a", "c"]


def test_a_repair_that_workers_refuse_is_given_up(monkeypatch, made):
    def settle(ports, known, deployment):
        if deployment.served.maps:
            raise Unusable("'temp' may not be missing")
        return deployment

    monkeypatch.setattr(module, "settle", settle)
    repair = made.repair()
    incident = made.incident(repair, status=IncidentStatus.OPEN)
    before = made.deployment(incidents=(incident,))
    mend = do.Mend(incident=incident.id, repair=repair, why="scaled")
    after = module._done(mend, None, before, before, made.look())
    assert after.served == before.served
    assert [(t.repair.id, t.why) for t in after.incidents[0].tried] == [
        (repair.id, "it cannot be served: 'temp' may not be missing")
    ]
