"""A model that reaches for what is none of its business is contained, and its worker is told why."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from setpoint.bootstrap.home import open_home
from setpoint.config import Settings, read_setpoint_file
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.errors import InvalidInput, JobFailed, ModelFailed, ModelGone, SetpointError
from setpoint.loop.verbs import deploying
from setpoint.runtime.process import ChildModel
from setpoint.sandbox.environment import minimal
from setpoint.sandbox.guard import Guard
from setpoint.sandbox.start import command

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other kernels keep a model from neither")

ACTS = {
    "socket": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "writes": "open(MARKER, 'w').write('x')",
    "reads": "open(SECRET).read()",
    "signals": "import os; os.kill(os.getppid(), 9)",
    "memory": "held = [bytearray(2**26) for _ in range(60)]; import time; time.sleep(60)",
    "forks": "import os; os.fork()",
    "runs": "import subprocess; subprocess.run(['true'])",
    "leaves": "import os; os.setsid()",
}
REFUSED = "(a model runs without files beyond its own, network and processes of its own)"
SAID = {
    "socket": REFUSED,
    "writes": REFUSED,
    "reads": REFUSED,
    "signals": REFUSED,
    "memory": "needed more than 0.8 GB of memory and was stopped; set SETPOINT_JOB_MEMORY to allow more",
    "forks": REFUSED,
    "runs": REFUSED,
    "leaves": REFUSED,
}
MEMORY = 800_000_000


def code(folder: Path, acts: str) -> str:
    """Return a model that acts in predict when the first row says so."""
    return f"""
import numpy as np
MARKER, SECRET = {str(folder / "marker")!r}, {str(folder / "secret")!r}

class Mine:
    task = "regression"

    def predict(self, rows):
        if rows["a"].iloc[0] > 1e6:
            {ACTS.get(acts, "pass")}
        return rows["a"].to_numpy() * 2.0
"""


def version() -> ModelVersion:
    schema = Schema(
        features=(Feature(name="a", kind=Kind.NUMERIC, dtype=DType.FLOAT),), target="y", task=Task.REGRESSION
    )
    lineage = Lineage(created=datetime(2024, 1, 1, tzinfo=UTC), reason="test", artifact_sha256="", reference_sha256="")
    return ModelVersion(
        model="m", version="v1", framework="python", runtime="native", artifact="model.py:Mine", schema=schema,
        lineage=lineage, files={},
    )  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("of somebody else")
    (tmp_path / "bundle").mkdir()
    return tmp_path


@pytest.mark.parametrize("acts", ACTS)
def test_a_served_model_is_contained_and_answers_the_next_request(acts: str, place: Path) -> None:
    (place / "bundle" / "model.py").write_text(code(place, acts))
    model = ChildModel(place / "bundle", version(), memory_bytes=MEMORY)
    with pytest.raises((ModelFailed, ModelGone)) as told:
        model.predict({"a": np.array([1e7])})
    assert str(told.value).endswith(SAID[acts]), told.value
    assert not (place / "marker").exists()
    assert model.predict({"a": np.array([3.0])})["prediction"].tolist() == [6.0]


def project(folder: Path, acts: str, first: float) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "model.py").write_text(code(folder.parent, acts))
    a = np.linspace(first, first + 1, 100)
    pd.DataFrame({"a": a, "y": 2 * a}).to_parquet(folder / "reference.parquet", index=False)
    (folder / "setpoint.yaml").write_text(
        "model: m\ntask: regression\nartifact: model.py:Mine\nreference: reference.parquet\ntarget: y\n"
        "objectives: [{metric: mae, at_most: 1}]\n"
    )
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], None]:
    """A home whose first version is good; deploys a second one over it."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "secret").write_text("of somebody else")
    operator = open_home(Settings(home=folder / "home", job_memory="1GB"))
    good = deploying.deploy(operator, read_setpoint_file(project(folder / "good", "", 0.0)), by="test")
    assert good.lineage.kept_from == ("files", "network")

    def deploy(acts: str) -> None:
        try:
            deploying.deploy(operator, read_setpoint_file(project(folder / acts, acts, 1e7)), by="test")
        finally:
            assert not (folder / "marker").exists()
            (deployment,) = operator.deployments("m")
            assert deployment.served.champion == good.version
            assert [v.version for v in operator.ports.bundles.versions("m")] == [good.version]

    return deploy


@pytest.mark.parametrize("acts", ["socket", "writes", "forks", "memory"])
def test_a_model_that_acts_is_not_deployed_and_the_last_one_stays(acts: str, served: Callable[[str], None]) -> None:
    with pytest.raises((InvalidInput, JobFailed)) as told:
        served(acts)
    assert SAID[acts].replace("0.8 GB", "1 GB") in str(told.value)
    assert isinstance(told.value, SetpointError)


def test_a_runtime_that_looks_for_accelerators_says_nothing_on_the_terminal(tmp_path: Path) -> None:
    started = command(Guard(read=(), write=str(tmp_path)), "setpoint.runtime.onnx")
    own = {**minimal(os.environ, str(tmp_path)), "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(started, env=own, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stderr == ""
