"""A model whose answers are off by a line gets that line, proven before it is made; no training, no gate, no shadow."""

from typing import Any

import numpy as np
import pandas as pd

from setpoint.domain.rollout import Phase
from setpoint.domain.update import Method
from setpoint.loop import retraining
from setpoint.loop.lineage import trained


def with_a_level_shift(rows: pd.DataFrame) -> pd.DataFrame:
    """From day 4 on every hour brings 20 more: off the set point, and a line is all it takes."""
    return rows.assign(demand=rows["demand"] + np.where(np.arange(len(rows)) // 24 >= 4, 20.0, 0.0))


def test_answers_that_are_off_by_a_line_are_recalibrated_and_the_receipt_says_what_it_won(world: Any) -> None:
    w = world(with_a_level_shift)
    w.until(18)
    first = w.deployment.rollouts[0]
    assert (first.candidate.method, first.candidate.champion) == (Method.RECALIBRATE, "v1")
    assert first.phase is Phase.PROMOTED
    assert "through its answers" in first.candidate.gate.checks[0]
    assert first.candidate.gate.gain > 0
    assert first.receipt is not None
    assert first.receipt.realised.low > 0
    bundles = w.operator.ports.bundles
    last = bundles.get("demand", w.deployment.served.champion)
    assert trained(bundles, last).version == "v1"
    assert 12 < last.calibration.shift[0] < 24
    assert w.deployment.advised is not None

    retraining.update(w.operator, "demand", by="ann")
    w.until(20)
    candidate = w.deployment.rollouts[-1].candidate
    assert candidate.method is Method.REFIT
    (stale,) = [check for check in candidate.gate.judged if check.name == "stale"]
    assert "older than" not in stale.words  # the champion's line is young, its model is not
