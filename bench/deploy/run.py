"""Models as their frameworks run them, against the versions that `setpoint deploy` makes of the same files.

python bench/deploy/run.py [NAME ...]

For each model: one row and batches of 1,024 rows in this process (the framework asked with a frame, as its users do;
the version as a worker asks it), peak memory of a process that does nothing else, the metric on rows that were held out
with its 95 % interval, answers beyond the tolerance and labels that change, the time from `setpoint deploy` to the
first answer over HTTP of a server that is up. Prints a table and writes `results/deploy.json` beside this file.
"""

import http.client
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import yaml
from models import MODELS, Saved
from sklearn.metrics import log_loss, mean_absolute_error, roc_auc_score

from setpoint.deploy.parity import tolerance
from setpoint.deploy.reference import features_of
from setpoint.domain.schema import Schema, Task
from setpoint.domain.value import from_json
from setpoint.domain.version import ModelVersion

HERE = Path(__file__).parent
RESAMPLES = 200


class Server:
    """A home with `setpoint up` in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        settings = {"SETPOINT_HOME": str(home), "OMP_NUM_THREADS": "1", "SETPOINT_TICK_EVERY_S": "0"}
        self.environment = {**os.environ, **settings}
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            self.port, control = one.getsockname()[1], two.getsockname()[1]
        self.run("up", "--detach", "--port", str(self.port), "--control-port", str(control), "--workers", "1")

    def run(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "setpoint", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def answers(self, model: str, body: bytes) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", f"/v1/models/{model}:predict", body)
        status = connection.getresponse().status
        connection.close()
        return status == 200


def one(kind: str, folder: Path, how: str) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, str(HERE / "one.py"), kind, str(folder), how]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=HERE)
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def deploy(server: Server, name: str, folder: Path, saved: Saved) -> tuple[ModelVersion, Path, float]:
    """Deploy; return the version, its folder, and the seconds until it answered."""
    saved.rows.to_parquet(folder / "reference.parquet", index=False)
    metric = {"regression": {"metric": "mae", "at_most": 1e9}}.get(saved.task, {"metric": "accuracy", "at_least": 0})
    (folder / "setpoint.yaml").write_text(yaml.safe_dump({
        "model": name, "task": saved.task, "artifact": saved.artifact, "reference": "reference.parquet", "target": "y",
        "objectives": [metric],
    }))  # fmt: skip
    instance = json.loads(saved.rows.drop(columns="y").head(1).to_json(orient="records"))
    body = json.dumps({"instances": instance}).encode()
    begun = time.perf_counter()
    server.run("deploy", str(folder))
    while not server.answers(name, body):
        time.sleep(0.01)
    seconds = time.perf_counter() - begun
    bundle = server.home / "bundles" / name / "v1"
    made = from_json((bundle / "bundle.json").read_bytes(), ModelVersion)
    columns = features_of(pq.read_table(folder / "reference.parquet"), made.schema.features)
    np.savez(folder / "columns.npz", **columns)
    return made, bundle, seconds


def scores(folder: Path, kind: str, schema: Schema) -> np.ndarray:
    """Return what a process answered to the held-out rows: shape (n,), or (n, k) for several classes."""
    raw = np.load(folder / f"{kind}.npy")
    if schema.task is Task.MULTICLASS:
        return raw
    return raw[:, -1] if raw.ndim == 2 else raw


def metric(truth: np.ndarray, answers: np.ndarray, task: Task) -> float:
    match task:
        case Task.REGRESSION:
            return float(mean_absolute_error(truth, answers))
        case Task.BINARY:
            return float(roc_auc_score(truth, answers))
    return float(log_loss(truth, answers, labels=range(answers.shape[1])))


def interval(truth: np.ndarray, answers: np.ndarray, task: Task) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    drawn = (rng.integers(0, len(truth), len(truth)) for _ in range(RESAMPLES))
    values = [metric(truth[rows], answers[rows], task) for rows in drawn]
    return float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975))


def row(server: Server, name: str, folder: Path) -> dict[str, Any]:
    saved = MODELS[name](folder)
    slug = "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")
    made, bundle, seconds = deploy(server, slug, folder, saved)
    own, ours = one("framework", folder, saved.ask), one("deployed", folder, str(bundle))
    task = made.schema.task
    first, second = (scores(folder, kind, made.schema) for kind in ("framework", "deployed"))
    classes = {label: i for i, label in enumerate(made.schema.classes)}
    y = saved.rows["y"]
    truth = y.to_numpy(float) if task is Task.REGRESSION else np.array([classes[v] for v in y.tolist()])
    apart = np.abs(first - second).reshape(len(first), -1).max(axis=1)
    flips = 0 if task is Task.REGRESSION else int((decide(first) != decide(second)).sum())
    return {
        "model": name, "runtime": made.runtime, "precision": next(v.precision for v in made.variants if v.chosen),
        "framework": own, "deployed": ours, "seconds": seconds, "rows": len(truth),
        "metric": metric(truth, second, task), "interval": interval(truth, second, task),
        "framework_metric": metric(truth, first, task), "flips": flips,
        "beyond": int((apart > tolerance(first, task)).sum()), "largest": float(apart.max()),
    }  # fmt: skip


def decide(answers: np.ndarray) -> np.ndarray:
    return answers.argmax(axis=1) if answers.ndim == 2 else answers > 0.5


def show(r: dict[str, Any]) -> None:
    own, ours = r["framework"], r["deployed"]
    print(
        f"{r['model']:<36}{r['runtime']:<12}{own['p50_us']:>10,.0f}{ours['p50_us']:>9,.1f}"
        f"{own['p50_us'] / ours['p50_us']:>8,.0f}×{own['rows_per_s']:>12,.0f}{ours['rows_per_s']:>12,.0f}"
        f"{own['mb']:>8,.0f}{ours['mb']:>7,.0f}   {r['metric']:.4f} ({r['interval'][0]:.4f}–{r['interval'][1]:.4f})"
        f"{r['metric'] - r['framework_metric']:>+10.1e}{r['beyond']:>5}{r['flips']:>5}{r['seconds']:>8.1f}",
        flush=True,
    )


def main() -> None:
    names = sys.argv[1:] or list(MODELS)
    said = ", ".join(f"{p} {version(p)}" for p in ("onnxruntime", "scikit-learn", "keras", "lightgbm", "torch"))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {said}")
    print(
        f"{'':<36}{'':<12}{'one row, µs':>19}{'':>9}{'rows/s in batches':>24}{'MB, peak':>15}"
        f"   metric (95 %){'':>14}{'change':>8}{'  apart':>7}{'flips':>6}{'first answer, s':>17}"
    )
    with tempfile.TemporaryDirectory(prefix="setpoint-bench-") as work:
        server = Server(Path(work) / "home")
        try:
            results = []
            for at, name in enumerate(names):
                folder = Path(work) / str(at)
                folder.mkdir()
                results.append(row(server, name, folder))
                show(results[-1])
        finally:
            server.run("down")
    out = HERE / "results"
    out.mkdir(exist_ok=True)
    (out / "deploy.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
