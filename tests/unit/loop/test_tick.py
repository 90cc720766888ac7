"""A turn that fails keeps no other model from its own."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

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
