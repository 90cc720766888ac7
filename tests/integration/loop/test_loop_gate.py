"""The gate looks once: a candidate that it cannot judge does not stand in the way of the next."""

from typing import Any

import pytest

from setpoint.domain.rollout import Phase
from setpoint.loop import candidates


def test_a_candidate_with_too_little_to_judge_it_on_is_withdrawn(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    w = world()
    w.until(9)
    monkeypatch.setattr(candidates, "FEWEST_HELD_OUT", 1_000)
    w.operator.update("demand", by="ann")
    w.until(10)
    (rollout,) = w.deployment.rollouts
    assert rollout.phase is Phase.REJECTED
    assert w.did("reject")[0].why == "at the gate: 108 held-out rows with an outcome; 1000 are needed"
