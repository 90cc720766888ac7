"""A residual version: the champion as it is, a small model on top, proven against scikit-learn, and better."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import setpoint
from setpoint.bootstrap.home import open_home
from setpoint.config import Settings
from setpoint.domain.calibration import corrected
from setpoint.domain.schema import Task
from setpoint.domain.update import Method
from setpoint.errors import InvalidInput
from setpoint.loop.clock import VirtualClock
from setpoint.loop.learning.training import ProcessTrainer
from setpoint.ports import FitJob
from setpoint.runtime import load
from setpoint.stats.losses import losses

CHANGED = datetime(2025, 1, 1, tzinfo=UTC)
SETPOINT_FILE = """
model: risk
task: binary
artifact: model.joblib
reference: reference.parquet
target: bad
time: at
objectives: [{metric: log_loss, at_most: 0.6}]
"""


def rows(seed: int, *, changed: bool, count: int = 2_000) -> pd.DataFrame:
    """Requests; after the change, what is bad hangs on both numbers together, which no line can follow."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, count))
    logit = a + (2 * a * b if changed else 0)
    start = CHANGED if changed else datetime(2024, 1, 1, tzinfo=UTC)
    at = [start + timedelta(hours=i) for i in range(count)]
    bad = np.where(rng.random(count) < 1 / (1 + np.exp(-logit)), "yes", "no")
    return pd.DataFrame({"a": a, "b": b, "bad": bad, "at": at})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_residual_model_is_proven_and_made_a_whole_version(tmp_path: Path) -> None:
    project, home = tmp_path / "project", tmp_path / "home"
    project.mkdir()
    reference = rows(0, changed=False)
    reference.to_parquet(project / "reference.parquet", index=False)
    joblib.dump(LogisticRegression().fit(reference[["a", "b"]], reference["bad"]), project / "model.joblib")
    (project / "setpoint.yaml").write_text(SETPOINT_FILE)
    setpoint.deploy(project, home=home)
    operator = open_home(Settings(home=home))
    bundles, jobs = operator.ports.bundles, tmp_path / "jobs"
    trainer = ProcessTrainer(bundles, jobs, VirtualClock(CHANGED), timeout_s=120, wait=True)

    def made(method: Method, parent: str) -> str:
        file = tmp_path / f"{method}.parquet"
        rows(1, changed=True).to_parquet(file, index=False)
        job = FitJob(
            id=f"job-{method}", model="risk", parent=parent, training_set=str(file), reason="", trained_since=CHANGED,
            trained_until=CHANGED + timedelta(days=84), method=method,
        )  # fmt: skip
        trainer.submit(job)
        found = trainer.result(job.id)
        assert found is not None
        assert found.error is None
        return str(found.version)

    version = bundles.get("risk", made(Method.RESIDUAL, "v1"))
    assert version.residual is not None
    assert (version.residual.features, version.calibration) == (("a", "b"), None)
    assert {"residual.joblib", "residual.onnx", "model.onnx"} <= version.files.keys()
    assert version.files["model.joblib"] == bundles.get("risk", "v1").files["model.joblib"]
    assert not list(jobs.rglob("residual*"))  # it held values

    later = rows(2, changed=True)
    columns = {name: later[name].to_numpy() for name in ("a", "b")}
    before, after = (_answers(bundles, name, columns) for name in ("v1", version.version))
    own = joblib.load(bundles.folder("risk", version.version) / "residual.joblib").predict(later[["a", "b"]].to_numpy())
    near = np.isclose(after, corrected(before, own, Task.BINARY), atol=1e-4)
    assert near.mean() >= 0.999  # as parity asks of any version
    truth = (later["bad"] == "yes").to_numpy(np.float64)
    assert losses(Task.BINARY, after, truth).mean() < 0.9 * losses(Task.BINARY, before, truth).mean()

    with pytest.raises(InvalidInput, match="answers with two models"):
        setpoint.versions.export("risk", version.version, to=tmp_path / "out", home=home)
    line = bundles.get("risk", made(Method.RECALIBRATE, version.version))
    assert line.residual == version.residual
    assert line.files["residual.onnx"] == version.files["residual.onnx"]


def _answers(bundles: object, version: str, columns: dict[str, np.ndarray]) -> np.ndarray:
    folder, manifest = bundles.folder("risk", version), bundles.get("risk", version)  # type: ignore[attr-defined]
    return np.asarray(load(folder, manifest).predict(columns)["probability"])
