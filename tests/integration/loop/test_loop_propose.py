"""What the monitors of a deployment are said to see: by its own limits, objectives and records."""

from typing import Any

import pytest

from setpoint.loop.verbs.proposal import propose_for_deployment, propose_for_file


def test_a_deployment_is_described_by_its_own_limits_and_traffic(world: Any) -> None:
    w = world()
    fresh = propose_for_deployment(w.operator.ports, w.deployment, w.clock.now())
    assert fresh.rate_a_day == pytest.approx(24, rel=0.01)  # that of the reference, as none came yet
    w.until(3)
    found = propose_for_deployment(w.operator.ports, w.deployment, w.clock.now())
    assert found.rate_a_day == pytest.approx(24, rel=0.1)
    mae = found.of("quality")[0]
    assert (mae.metric, mae.limit, mae.window_s, mae.held) == ("mae", 16, 7 * 86_400, True)
    assert mae.rows == pytest.approx(168, abs=20)
    assert mae.measured < mae.measured + mae.smallest
    assert mae.smallest > mae.limit - mae.measured
    assert {w.column for w in found.of("drift")} >= {"temp", "prediction"}
    assert found.of("service") == ()  # the set point has no such objective


def test_a_setpoint_file_is_described_with_what_it_lacks(world: Any) -> None:
    w = world()
    found = propose_for_file(w.file, w.deployment.objectives)
    assert [(q.metric, q.held) for q in found.of("quality")][:2] == [("mae", True), ("bias", False)]
    assert "refitted" in found.how
    assert found.delay_s == 3_600
