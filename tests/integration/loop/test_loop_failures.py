"""A part of a look that fails is told, and stops no turn."""

from typing import Any

import pytest


def test_a_failure_while_answers_are_thought_over_stops_no_turn(
    world: Any, fahrenheit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("setpoint.loop.looks.look.prospect", lambda *_: 1 // 0)
    w = world(fahrenheit)
    w.until(2)
    (failed,) = [f for f in w.deployment.findings if f.monitor == "failed"]
    assert (failed.metric, failed.alarm) == ("prospect", True)
    assert "ZeroDivisionError" in failed.detail
