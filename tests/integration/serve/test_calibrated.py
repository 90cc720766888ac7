"""A recalibrated version goes live over HTTP, its model untouched, and a roll back brings back the one before."""

import json
import runpy
from contextlib import closing
from datetime import UTC, datetime, timedelta

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import setpoint
from setpoint.bootstrap.home import open_home
from setpoint.config import Settings
from setpoint.domain.calibration import apply
from setpoint.domain.objective import Gain
from setpoint.domain.schema import Task
from setpoint.domain.update import Method
from setpoint.loop.clock import VirtualClock
from setpoint.loop.learning.training import ProcessTrainer
from setpoint.ports import FitJob

CHANGED = datetime(2025, 1, 1, tzinfo=UTC)
SETPOINT_FILE = """
model: risk
task: binary
artifact: model.joblib
reference: reference.parquet
target: bad
time: at
objectives:
  - {metric: value_per_decision, at_least: 0, gain: {tp: 0, fp: -1, fn: -9, tn: 0}}
"""


def rows(start, seed, *, shift):
    """Hours of requests and what came true of them."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 1_000))
    bad = rng.random(1_000) < 1 / (1 + np.exp(1.5 - a - 0.5 * b - shift))
    at = [start + timedelta(hours=i) for i in range(1_000)]
    return pd.DataFrame({"a": a, "b": b, "bad": np.where(bad, "yes", "no"), "at": at})


@pytest.fixture
def home(tmp_path):
    """A home where v1 of `risk` was deployed, before the rate of what is bad rose."""
    project, home = tmp_path / "project", tmp_path / "home"
    project.mkdir()
    reference = rows(datetime(2024, 1, 1, tzinfo=UTC), 0, shift=0.0)
    reference.to_parquet(project / "reference.parquet", index=False)
    joblib.dump(LogisticRegression().fit(reference[["a", "b"]], reference["bad"]), project / "model.joblib")
    (project / "setpoint.yaml").write_text(SETPOINT_FILE)
    setpoint.deploy(project, home=home)
    return home


@pytest.fixture
def derived(home, tmp_path):
    """Make a version of rows since the change; the operator of the home, and the versions made."""
    operator = open_home(Settings(home=home))
    trainer = ProcessTrainer(operator.ports.bundles, tmp_path / "jobs", VirtualClock(CHANGED), timeout_s=60, wait=True)

    def derived(method, parent):
        file = tmp_path / f"{method}.parquet"
        rows(CHANGED, 1, shift=2.0).to_parquet(file, index=False)
        job = FitJob(
            id=f"{method}-{parent}", model="risk", parent=parent, training_set=str(file), reason="the rate rose",
            trained_since=CHANGED, trained_until=CHANGED + timedelta(days=42), method=method,
            gain=Gain(tp=0, fp=-1, fn=-9, tn=0),
        )  # fmt: skip
        trainer.submit(job)
        return trainer.result(job.id)

    return operator, derived


def files_of(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_it_goes_live_and_is_rolled_back_byte_for_byte(home, derived, start, tmp_path):
    operator, make = derived
    bundles, first = operator.ports.bundles, home / "bundles" / "risk" / "v1"
    before = files_of(first)
    made = make(Method.RECALIBRATE, "v1")
    assert (made.version, made.error) == ("v2", None)
    version, parent = bundles.get("risk", "v2"), bundles.get("risk", "v1")
    assert version.calibration.shift[0] == pytest.approx(2.0, abs=0.3)
    model = ("model.joblib", "model.onnx")
    assert [version.files[name] for name in model] == [parent.files[name] for name in model]
    assert (version.lineage.parent, version.lineage.method, version.lineage.rows) == ("v1", "recalibrate", 1_000)
    assert version.reference_metrics["log_loss"] < parent.reference_metrics["log_loss"] + 0.2

    server, asked = start(), rows(CHANGED, 2, shift=2.0)[["a", "b"]].head(20).to_dict("records")

    def answered():
        with closing(server.connect()) as connection:
            connection.request("POST", "/v1/models/risk:predict", json.dumps({"instances": asked}))
            answer = connection.getresponse()
            return answer.status, answer.headers["x-model-version"], answer.read()

    was = answered()
    operator.rollback("risk", to="v2", by="test")
    now = answered()
    assert (was[:2], now[:2]) == ((200, "v1"), (200, "v2"))
    raw, calibrated = (json.loads(body)["predictions"] for *_, body in (was, now))
    expected = apply(version.calibration, np.array([r["probability"] for r in raw]), Task.BINARY)
    np.testing.assert_allclose([r["probability"] for r in calibrated], expected, rtol=1e-12)
    assert [r["label"] for r in calibrated] == np.where(expected > 0.5, "yes", "no").tolist()

    folder = setpoint.versions.export("risk", "v2", to=tmp_path / "out", home=home)
    alone = runpy.run_path(str(folder / "predict.py"))["predict"](asked, folder)
    np.testing.assert_allclose([r["probability"] for r in alone], expected, rtol=1e-12)

    model = setpoint.versions.export("risk", "v2", to=tmp_path / "mlflow", mlflow=True, home=home) / "model"
    assert (model / "model.onnx").read_bytes() == (folder / "model.onnx").read_bytes()

    operator.rollback("risk", to=None, by="test")
    assert answered() == was
    assert files_of(first) == before


def test_a_threshold_is_made_of_a_recalibrated_version_and_says_where_nothing_is_to_be_gained(derived):
    operator, make = derived
    make(Method.RECALIBRATE, "v1")
    made = make(Method.THRESHOLD, "v2")
    version, parent = (operator.ports.bundles.get("risk", v) for v in (made.version, "v2"))
    assert version.threshold == pytest.approx(0.1, abs=0.1)  # a miss costs nine false alarms
    assert version.calibration == parent.calibration
    (difference,) = [
        c for c in setpoint.versions.diff("risk", "v2", "v3", home=operator.ports.jobs.parent).changes
        if c.section in ("threshold", "calibration")
    ]  # fmt: skip
    assert (difference.name, difference.before) == ("threshold", "0.5")
    again = make(Method.THRESHOLD, "v3")
    assert again.version is None
    assert "no threshold is surely better than" in again.error
