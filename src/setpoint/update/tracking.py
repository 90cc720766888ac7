"""Trainings as runs of MLflow, where there is a tracking server.

`python -m setpoint.update.tracking` reads a run from stdin: a process of its own, for a server that is away must not
keep the loop waiting, nor MLflow its memory.
"""

import os
import subprocess
import sys
from importlib.util import find_spec

from setpoint.domain.value import field, from_json, to_json, value
from setpoint.update.said import masked

URI = "MLFLOW_TRACKING_URI"
LONGEST_S = 60.0
HASTE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}  # unless the user says otherwise
MOST_TEXT = 500  # characters of a parameter, which is what servers take


@value
class TrainingRun:
    """One training as MLflow keeps it: `name` within the experiment, times in milliseconds, `status` as MLflow says."""

    experiment: str
    name: str
    status: str
    began_ms: int
    ended_ms: int
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


def track(run: TrainingRun) -> str:
    """Log a run where MLFLOW_TRACKING_URI says; return why that failed, or nothing.

    Nothing is logged, and that is no failure, where the variable is not set or MLflow is not installed.
    """
    if not os.environ.get(URI) or find_spec("mlflow") is None:
        return ""
    command = [sys.executable, "-m", "setpoint.update.tracking"]
    haste = {**HASTE, **os.environ}
    try:
        ended = subprocess.run(
            command, input=to_json(run), capture_output=True, timeout=LONGEST_S, env=haste, check=False
        )
    except subprocess.TimeoutExpired:
        return f"MLflow did not answer within {LONGEST_S:g} s"
    said = [line for line in ended.stderr.decode(errors="replace").splitlines() if line.strip()]
    return "" if ended.returncode == 0 else masked(said[-1] if said else f"exit code {ended.returncode}")


def main() -> None:
    """Log the run that stdin holds; the experiment is the user's, or the one called after the model."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

    run, client = from_json(sys.stdin.buffer.read(), TrainingRun), MlflowClient()
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", run.experiment)
    known = client.get_experiment_by_name(name)
    experiment = os.environ.get("MLFLOW_EXPERIMENT_ID") or (
        client.create_experiment(name) if known is None else known.experiment_id
    )
    tags = {"mlflow.source.name": "setpoint", **run.tags}
    made = client.create_run(experiment, start_time=run.began_ms, run_name=run.name).info.run_id
    client.log_batch(
        made,
        metrics=[Metric(key, number, run.ended_ms, 0) for key, number in run.metrics.items()],
        params=[Param(key, text[:MOST_TEXT]) for key, text in run.params.items()],
        tags=[RunTag(key, text[:MOST_TEXT]) for key, text in tags.items()],
    )
    client.set_terminated(made, run.status, run.ended_ms)


if __name__ == "__main__":
    main()
