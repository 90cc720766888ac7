"""The installed command from outside: a home of its own, free ports, and servers that are stopped at the end."""

import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tests import commands
from tests.ports import free_ports


class Setpoint:
    """Runs `setpoint` in a home, and talks to what it serves."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port, self.control = free_ports()
        # without a loop of its own the control process looks when told to: the same run each time
        self.environment = {
            **os.environ,
            "SETPOINT_HOME": str(home),
            "SETPOINT_TICK_EVERY_S": "0",
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "300",
        }

    def run(self, *arguments: object, code: int | None = 0) -> "subprocess.CompletedProcess[str]":
        """Run a command; `code` is the exit code it must end with (None: any)."""
        done = commands.run([*map(str, arguments)], self.environment)
        assert "Traceback" not in done.stderr, done.stderr
        assert code is None or done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        return done

    def json(self, *arguments: object, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def says(self, *arguments: object) -> str:
        """What a command that must fail says on the error stream."""
        done = self.run(*arguments, code=1)
        assert done.stderr.startswith("setpoint: "), (done.stdout, done.stderr)
        return done.stderr.removeprefix("setpoint: ").strip()

    def up(self, workers: int = 1) -> None:
        self.run(
            "up", "--detach", "--port", self.port, "--control-port", self.control, "--workers", workers
        )  # fmt: skip

    def ask(self, method: str, path: str, body: object = None, *, control: bool = False) -> tuple[int, Any, Any]:
        """Return status, decoded body and headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.control if control else self.port, timeout=150)
        try:
            raw = None if body is None else json.dumps(body).encode()
            connection.request(method, path, raw, {"content-type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text else None, answer.headers

    def predict(self, model: str, rows: pd.DataFrame, batch: int = 50) -> None:
        """Send rows, named, and expect an answer to each."""
        instances = json.loads(rows.to_json(orient="records"))
        for start in range(0, len(instances), batch):
            part = instances[start : start + batch]
            status, body, _ = self.ask("POST", f"/v1/models/{model}:predict", {"instances": part})
            assert (status, len(body["predictions"])) == (200, len(part)), body

    def tick(self) -> list[dict[str, Any]]:
        """Have the loop look now; what it decided."""
        status, body, _ = self.ask("POST", "/api/tick", {}, control=True)
        assert status == 200, body
        return list(body["decisions"])

    def records(self, model: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run("records", model, "--json-lines").stdout.splitlines()]


@pytest.fixture
def setpoint(tmp_path: Path) -> Iterator[Setpoint]:
    """The command, with a home of its own; what it started is stopped at the end."""
    command = Setpoint(tmp_path / "home")
    yield command
    if (command.home / "run" / "supervisor.json").exists():
        command.run("down", code=None)


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    """Return a function that asks again and again until the answer is true, and returns it."""

    def until(true: Callable[[], Any], seconds: float = 60.0, what: str = "it") -> Any:
        end = time.monotonic() + seconds
        while not (found := true()):
            assert time.monotonic() < end, f"{what} did not come true in time"
            time.sleep(0.05)
        return found

    return until


def some_calls(count: int, seed: int, *, turned: bool = False, first: int = 0) -> pd.DataFrame:
    """Rows of a campaign: who was called, and who bought; `turned`: later, when the world is another one."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "age": rng.integers(18, 80, count),
            "balance": rng.normal(1000, 400, count).round(2),
            "job": rng.choice(["admin", "retired", "technician"], count),
            "call": [f"c{first + i}" for i in range(count)],
        }
    )
    liking = (rows["balance"] - 1000) / 200 + (rows["job"] == "retired") - (rows["age"] - 50) / 20
    sign = -1.0 if turned else 1.0
    return rows.assign(bought=np.where(sign * liking + rng.logistic(size=count) > 0, "yes", "no"))


@pytest.fixture(scope="session")
def calls() -> Callable[..., pd.DataFrame]:
    """Return a function that makes rows of the campaign."""
    return some_calls


@pytest.fixture(scope="session")
def campaign_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scikit-learn pipeline and its reference, as a user has them."""
    folder = tmp_path_factory.mktemp("campaign")
    rows = some_calls(300, seed=0)
    prepare = make_column_transformer((StandardScaler(), ["age", "balance"]), (OneHotEncoder(), ["job"]))
    model = make_pipeline(prepare, LogisticRegression()).fit(rows[["age", "balance", "job"]], rows["bought"])
    joblib.dump(model, folder / "campaign.joblib")
    rows.to_parquet(folder / "reference.parquet", index=False)
    (folder / "setpoint.yaml").write_text(
        "model: campaign\ntask: binary\nartifact: campaign.joblib\nreference: reference.parquet\ntarget: bought\n"
        "id: call\nobjectives:\n  - {metric: roc_auc, at_least: 0.8}\n"
    )
    return folder


@pytest.fixture
def campaign(campaign_files: Path, tmp_path: Path) -> Path:
    """A project folder of the test's own."""
    return Path(shutil.copytree(campaign_files, tmp_path / "campaign"))


@pytest.fixture(scope="session")
def campaign_home(campaign_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the campaign was deployed by the command, for tests of what comes after."""
    command = Setpoint(tmp_path_factory.mktemp("deployed") / "home")
    command.run("deploy", campaign_files)
    return command.home


@pytest.fixture
def deployed(setpoint: Setpoint, campaign_home: Path) -> None:
    """In the test's own home the campaign is version v1, and nothing is up."""
    shutil.copytree(campaign_home, setpoint.home)
