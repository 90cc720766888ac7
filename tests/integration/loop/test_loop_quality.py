"""Objectives by segment, of fairness and of the user's own, from setpoint.yaml to what a look finds."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import setpoint

FILE = """
model: loans
task: binary
artifact: model.joblib
reference: reference.parquet
target: paid
time: at
segments: [job]
objectives:
  - {metric: recall, at_least: 0.6, window: 28d}
  - {metric: value_per_decision, at_least: 3, gain: {tp: 10, fp: -2, fn: -6, tn: 0}, window: 28d}
  - {metric: "metrics.py:interest", at_least: 0.2, window: 28d}
  - {metric: "metrics.py:broken", at_least: 0.2, window: 28d}
  - {metric: fairness_gap, of: recall, by: job, at_most: 0.1, window: 28d}
outcome_delay: 1h
envelope: {automatic: [], ask: [retrain, promote]}
"""
METRICS = """
def interest(y, score, inputs):
    return (score >= 0.5) * (y - 0.3) * (inputs["job"] >= 0)

def broken(y, score):
    raise ValueError("no such rate")
"""


def loans(rows: int, start: str, seed: int, *, unfair: bool) -> pd.DataFrame:
    """Return hourly loans; an unfair world no longer tells the good ones of job 1 from the bad."""
    rng = np.random.default_rng(seed)
    job, x = rng.integers(0, 3, rows), rng.normal(size=rows)
    paid = rng.uniform(size=rows) < 1 / (1 + np.exp(-2 * x))
    x = np.where(unfair & (job == 1), -np.abs(x), x)
    return pd.DataFrame(
        {"at": pd.date_range(start, periods=rows, freq="h", tz="UTC"), "job": job, "x": x, "paid": paid.astype(int)}
    )


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    project: Path = tmp_path_factory.mktemp("loans")
    reference = loans(2_000, "2024-01-01", 1, unfair=False)
    joblib.dump(LogisticRegression().fit(reference[["job", "x"]], reference["paid"]), project / "model.joblib")
    reference.to_parquet(project / "reference.parquet", index=False)
    (project / "setpoint.yaml").write_text(FILE)
    (project / "metrics.py").write_text(METRICS)
    traffic = loans(24 * 42, "2024-06-01", 2, unfair=True)
    return setpoint.replay(project, traffic, every="7d", policies=("setpoint",))


def test_every_kind_of_objective_stands_or_says_why_not(replayed: Any) -> None:
    stands = {s.objective.metric: s for s in replayed.deployment.standings}
    assert stands["recall"].rows > 500
    assert stands["value_per_decision"].value is not None
    assert stands["metrics.py:interest"].value is not None
    assert stands["fairness_gap"].at_set_point is False
    assert (stands["metrics.py:broken"].value, stands["metrics.py:broken"].at_set_point) == (None, None)
    assert "ValueError: no such rate" in stands["metrics.py:broken"].why


def test_findings_name_the_segment_and_the_gap(replayed: Any) -> None:
    found = replayed.deployment.findings
    assert "job=1" in {f.segment for f in found if f.monitor == "quality" and f.metric == "recall"}
    (gap,) = (f for f in found if f.metric == "fairness_gap")
    assert gap.alarm
    assert gap.low > gap.limit
    assert "in the reference" in gap.detail
    assert [f.detail for f in found if f.monitor == "objective"]
    assert "fairness" in {i.subject for i in replayed.deployment.incidents}
