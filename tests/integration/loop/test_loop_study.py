"""The daily study in the loop: made once a day, kept between looks, never an alarm."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from setpoint.loop.verbs.operator import Operator


def rows_misjoined(rows: pd.DataFrame) -> pd.DataFrame:
    """The felt temperature comes from other hours."""
    return rows.assign(felt=np.random.default_rng(0).permutation(rows["felt"]))


def test_a_study_is_made_once_a_day_and_kept(world: Any) -> None:
    w = world(rows_misjoined)
    assert w.deployment.study is None
    w.until(21)
    assert w.deployment.study is None  # a replay makes none
    w.operator = Operator(ports=replace(w.operator.ports, studies=True), clock=w.clock)
    w.clock.time += timedelta(minutes=1)
    w.operator.tick()
    study = w.deployment.study
    pairs = [f for f in study.findings if f.metric == "drift_relation"]
    assert any("temp and felt" in f.detail for f in pairs)
    assert any(f.metric == "attribution_share" for f in study.findings)
    assert not any(f.alarm for f in study.findings)
    w.clock.time += timedelta(hours=1)
    w.operator.tick()
    assert w.deployment.study == study
    assert set(pairs) <= set(w.deployment.findings)


def test_recorded_days_are_not_studied(world: Any) -> None:
    w = world()
    w.until(20)
    w.operator = Operator(ports=replace(w.operator.ports, studies=True), clock=w.clock)
    w.operator.tick(w.clock.now() + timedelta(days=1))
    assert w.deployment.study is None
