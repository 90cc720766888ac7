"""Every saved model of the zoo: deployed, served over HTTP and right, or refused with the right reason."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from numpy.typing import NDArray

from setpoint.bootstrap.home import open_home
from setpoint.config import Settings, read_setpoint_file
from setpoint.deploy.parity import ALLOWED_SHARE, tolerance
from setpoint.domain.schema import Task
from setpoint.domain.version import ModelVersion
from setpoint.errors import SetpointError
from setpoint.loop.verbs import deploying
from tests.ports import free_ports
from tests.zoo import Kept, all_models

ROWS = 200  # sent over HTTP
OBJECTIVE = {"regression": {"metric": "mae", "at_most": 1e9}}


class Zoo:
    """A home in which models are deployed, and one worker that serves them all."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.operator = folder, open_home(Settings(home=folder / "home"))
        self.environment = {
            **os.environ, "SETPOINT_HOME": str(folder / "home"), "SETPOINT_TICK_EVERY_S": "0", "OMP_NUM_THREADS": "1"
        }  # fmt: skip
        self.port, control = free_ports()
        self.run("up", "--detach", "--port", str(self.port), "--control-port", str(control), "--workers", "1")

    def run(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "setpoint", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def deploy(self, name: str, kept: Kept) -> ModelVersion:
        """Deploy a model that was made in the folder of its name."""
        place = self.folder / name
        kept.rows.to_parquet(place / "reference.parquet", index=False)
        keys = {
            "model": name.replace("_", "-"),
            "task": kept.task,
            "artifact": kept.artifact,
            "reference": "reference.parquet",
            "target": kept.target,
            "objectives": [OBJECTIVE.get(kept.task, {"metric": "accuracy", "at_least": 0.0})],
            **kept.keys,
        }
        (place / "setpoint.yaml").write_text(yaml.safe_dump(keys))
        return deploying.deploy(self.operator, read_setpoint_file(place / "setpoint.yaml"), by="test")

    def answers(self, name: str, rows: pd.DataFrame) -> list[Any]:
        """Return what is served for rows; a worker that has not loaded the model yet is asked again."""
        body = json.dumps({"instances": json.loads(rows.to_json(orient="records", double_precision=15))})
        end = time.monotonic() + 60
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            connection.request("POST", f"/v1/models/{name.replace('_', '-')}:predict", body)
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            if answer.status not in (404, 503) or time.monotonic() > end:
                assert answer.status == 200, text[:500]
                return list(json.loads(text)["predictions"])
            time.sleep(0.05)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zoo]:
    zoo = Zoo(tmp_path_factory.mktemp("zoo"))
    yield zoo
    zoo.run("down")


def numbers(answers: list[Any], version: ModelVersion) -> NDArray[Any]:
    """Return answers as scores of shape (n,), or probabilities of shape (n, k) for several classes."""
    match version.schema.task:
        case Task.REGRESSION:
            return np.array(answers)
        case Task.BINARY:
            return np.array([a["probability"] for a in answers])
    return np.array([[a["probabilities"][str(c)] for c in version.schema.classes] for a in answers])


@pytest.mark.parametrize("name", list(all_models()))
def test_a_saved_model_is_served_as_its_framework_answers_or_refused_with_the_reason(name: str, zoo: Zoo) -> None:
    (zoo.folder / name).mkdir()
    kept = all_models()[name](zoo.folder / name)
    if kept.refused:
        with pytest.raises(SetpointError) as refusal:
            zoo.deploy(name, kept)
        assert kept.refused in str(refusal.value)
        return
    version = zoo.deploy(name, kept)
    assert kept.runtime in ("", version.runtime), [v.why for v in version.variants]
    served = numbers(zoo.answers(name, kept.rows.head(ROWS).drop(columns=kept.target)), version)
    own = kept.answers[: len(served)]
    (chosen,) = (v for v in version.variants if v.chosen)
    if chosen.price is not None:  # of int8, taken where it is clearly faster, as it may seem while others use the cores
        assert chosen.price.ok
        assert len(served) == min(ROWS, len(kept.rows))
        return
    differ = np.abs(served - own) > tolerance(kept.answers, version.schema.task)
    assert differ.reshape(len(own), -1).any(axis=1).mean() <= ALLOWED_SHARE, np.abs(served - own).max()
