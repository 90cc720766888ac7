"""A model whose answers are off by a line gets that line, proven before it is made; no training, no gate, no shadow."""

import shutil
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor

from setpoint.cli.versions.listing import _lineage
from setpoint.config import read_setpoint_file
from setpoint.domain.rollout import Phase
from setpoint.domain.update import Method
from setpoint.domain.value import replace
from setpoint.loop.learning.lineage import trained
from setpoint.loop.looks.situation import former_of
from setpoint.loop.verbs import deploying
from setpoint.update.former import Former
from tests.integration.loop.conftest import FEATURES


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

    w.until(20)
    candidate = next(r.candidate for r in w.deployment.rollouts if r.candidate.method is Method.REFIT)
    (stale,) = [check for check in candidate.gate.judged if check.name == "stale"]
    assert "older than" not in stale.words  # the champion's line is young, its model is not

    born = bundles.get("demand", candidate.version)
    assert born.lineage.lined_rows >= 30
    assert born.calibration is not None, "a champion that needs a line has successors that are born with one"
    assert "for its line" in dict(_lineage(born))["learnt from"]


def test_an_earlier_champion_is_found_in_the_store_where_it_would_surely_do_better(world: Any, tmp_path: Path) -> None:
    w = world()
    w.until(2)
    table = pd.read_parquet(w.file.reference_path)
    joblib.dump(DummyRegressor().fit(table[FEATURES], table["demand"]), tmp_path / "model.joblib")
    shutil.copy(w.file.reference_path, tmp_path)
    text = (w.file.root / "setpoint.yaml").read_text()
    (tmp_path / "setpoint.yaml").write_text(f"{text}envelope: {{automatic: []}}\n")
    deploying.deploy(w.operator, read_setpoint_file(tmp_path), by="ann")
    w.until(15)  # of the first week nothing is learnt: its answers are doubtful
    assert w.deployment.served.champion == "v2"
    found = former(w)
    assert found is not None
    assert found.version == "v1"
    assert found.gain.low > 0

    w.operator.rollback("demand", to=None, by="ann")
    w.until(20)
    assert former(w) is None, "what was left is no better"


def former(w: Any) -> Former | None:
    """What the loop finds when it thinks over which version would do better."""
    champion = w.operator.ports.bundles.get("demand", w.deployment.served.champion)
    return former_of(w.operator.ports, replace(w.deployment, advised=None), champion, w.log.read("demand"))
