"""Trainings in MLflow: a run each, and nothing lost when there is no server."""

import socket
from pathlib import Path
from typing import Any

import pytest

from setpoint.loop.learning.tracked import run_of
from setpoint.ports import FitResult
from setpoint.update.tracking import URI, TrainingRun, track
from tests.trainings import a_job, rows

mlflow = pytest.importorskip("mlflow")


def a_run(folder: Path, **result: Any) -> TrainingRun:
    measures = {"old_loss_before": 2.5, "old_loss_after": 2.4}
    ended = FitResult(id="j1", seconds=1.5, measures=measures, **result)
    return run_of(a_job(folder, rows()), ended, folder, ended_ms=10_000)


@pytest.mark.filterwarnings("ignore")
def test_a_training_is_a_run_with_what_it_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"sqlite:///{tmp_path / 'runs.db'}"
    monkeypatch.setenv(URI, uri)
    for name in ("MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):  # what an earlier test may have left
        monkeypatch.delenv(name, raising=False)
    assert track(a_run(tmp_path, version="v2")) == ""
    client = mlflow.MlflowClient(uri)
    (run,) = client.search_runs([client.get_experiment_by_name("m").experiment_id])
    assert (run.info.run_name, run.info.status, run.info.start_time, run.info.end_time) == (
        "v2",
        "FINISHED",
        8_500,
        10_000,
    )
    assert run.data.params == {"method": "usual", "seed": "0", "parent": "v1"}
    assert run.data.metrics == {"old_loss_before": 2.5, "old_loss_after": 2.4, "seconds": 1.5}
    assert (run.data.tags["setpoint.model"], run.data.tags["setpoint.job"]) == ("m", "j1")


def test_a_server_that_is_away_is_told_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv(URI, f"http://127.0.0.1:{port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert "MlflowException: API request to http://127.0.0.1" in track(a_run(tmp_path, version="v2"))


def test_nothing_is_logged_where_nobody_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URI, raising=False)
    assert track(a_run(tmp_path, version="v2")) == ""


@pytest.mark.parametrize(
    ("result", "status"),
    [({"version": "v2"}, "FINISHED"), ({"error": "it failed"}, "FAILED"),
     ({"error": "the training was cancelled by ann"}, "KILLED")],
)  # fmt: skip
def test_how_it_ended_is_its_status(tmp_path: Path, result: dict[str, str], status: str) -> None:
    assert a_run(tmp_path, **result).status == status
