"""The daily study in the loop: made once a day, kept between looks, never an alarm."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from setpoint.loop.operator import Operator


def rows_misjoined(rows: pd.DataFrame) -> pd.DataFrame:
    """The felt temperature comes from other hours."""
    return rows.assign(felt=np.random.default_rng(0).permutation(rows["felt"]))


def test_a_study_is_made_once_a_day_and_kept(world: Any) -> None:
    w = world(rows_misjoined)
    assert w.deployment.study is None
    w.until(20)
    assert w.deployment.study is None  # a replay makes none
    w.operator = Operator(ports=replace(w.operator.ports, studies=True), clock=w.clock)
    w.until(21)
    study = w.deployment.study
    pairs = [f for f in study.findings if f.metric == "drift_relation"]
    assert any("temp and felt" in f.detail for f in pairs)
    assert any(f.metric == "attribution_share" for f in study.findings)
    assert not any(f.alarm for f in study.findings)
    w.operator.tick(w.clock.now() + timedelta(hours=1))
    assert w.deployment.study == study
    assert set(pairs) <= set(w.deployment.findings)
