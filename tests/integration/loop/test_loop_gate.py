"""The gate waits for outcomes where there are too few, looks again when they are there, and not for ever."""

from typing import Any

import pytest

from setpoint.domain.rollout import Decision, Phase
from setpoint.domain.update import Updates
from setpoint.loop.learning import gating
from setpoint.loop.verbs import retraining


def test_a_candidate_with_too_little_to_judge_it_on_waits_and_is_looked_at_again(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = world(updates=Updates())
    w.until(9)
    monkeypatch.setattr(gating, "FEWEST_HELD_OUT", 150)
    retraining.update(w.operator, "demand", by="ann")
    w.until(10)
    (rollout,) = w.deployment.rollouts
    gate = rollout.candidate.gate
    assert (rollout.phase, gate.decision, gate.needs, rollout.looks) == (Phase.GATE, Decision.WAIT, 42, 1)
    assert w.did("wait")[0].why == "at the gate: 108 held-out rows with an outcome; 150 are needed"
    w.until(13)
    (rollout,) = w.deployment.rollouts
    assert rollout.looks == 2
    assert rollout.candidate.gate.rows >= 150
    assert len(rollout.candidate.gate.judged) > 15
