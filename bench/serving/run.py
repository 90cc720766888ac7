"""One row as JSON to one worker with recording on, against the hand-written ceiling in the same run.

`python bench/serving/run.py [SECONDS] [ROUNDS]` prints a table and writes `results/serving.json` beside this file.
Model: breast cancer (30 numbers), gradient boosting of 100 trees. The load generator has the other core.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier

from setpoint.domain.live import Live, Served
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.platforms.local import LocalPlatform
from setpoint.platforms.supervisor import listen
from setpoint.store.bundles import FolderBundleStore

HERE = Path(__file__).parent
CONNECTIONS = (1, 16, 64)


def prepare(home):
    """Put the model into a home; return a body."""
    data = load_breast_cancer()
    model = GradientBoostingClassifier(random_state=0).fit(data.data, data.target)
    staged = home / "staged"
    staged.mkdir(parents=True)
    onnx = to_onnx(model, data.data[:1].astype(np.float32), options={"zipmap": False}, target_opset=15)
    (staged / "model.onnx").write_bytes(onnx.SerializeToString())
    names = [name.replace(" ", "_") for name in data.feature_names]
    features = tuple(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT) for n in names)
    schema = Schema(features=features, target="y", task=Task.BINARY, classes=(0, 1))
    lineage = Lineage(created=datetime.now(UTC), reason="bench", artifact_sha256="", reference_sha256="")
    FolderBundleStore(home / "bundles").add(
        staged,
        ModelVersion(
            model="cancer", version="v1", framework="sklearn", runtime="onnxruntime", artifact="model.onnx",
            schema=schema, lineage=lineage, files={},
        ),
    )  # fmt: skip
    LocalPlatform(home).apply(Live(generation=1, models={"cancer": Served(champion="v1")}))
    (home / "run" / "metrics").mkdir(parents=True)
    return json.dumps({"instances": [data.data[0].tolist()]}).encode()


def start(argv, environment, path, body):
    """Start a server on a socket of our own; return it, its port, and the seconds to the first answer."""
    sock = listen("127.0.0.1", 0)
    port, begun = sock.getsockname()[1], time.perf_counter()
    fd = str(sock.fileno())
    argv = [a.replace("FD", fd) for a in argv]
    process = subprocess.Popen(
        argv, env={**os.environ, "OMP_NUM_THREADS": "1", **environment}, pass_fds=[sock.fileno()]
    )
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", body)).read()
    sock.close()
    return process, port, time.perf_counter() - begun


def memory_mb(pid):
    """Return resident and proportional memory."""
    fields = dict(line.split()[:2] for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return round(int(fields["Rss:"]) / 1024), round(int(fields["Pss:"]) / 1024)


def main(seconds=4.0, rounds=3):
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        body = prepare(home)
        (home / "body").write_bytes(body)
        onnx = str(home / "bundles" / "cancer" / "v1" / "model.onnx")
        path = "/v1/models/cancer:predict"
        setpoint = {"SETPOINT_HOME": folder, "PROMETHEUS_MULTIPROC_DIR": str(home / "run" / "metrics")}
        worker = [sys.executable, "-m", "setpoint.bootstrap.worker", "--fd", "FD", "--index", "0"]
        servers = {
            "ceiling": start([sys.executable, str(HERE / "ceiling.py"), "FD"], {"MODEL": onnx}, path, body),
            "setpoint": start(worker, setpoint, path, body),
        }
        found = {name: {c: [] for c in CONNECTIONS} for name in servers}
        try:
            for _ in range(rounds):
                for connections in CONNECTIONS:
                    for name, (_, port, _) in servers.items():
                        argv = [sys.executable, str(HERE / "load.py"), str(port), path, str(connections), str(seconds)]
                        run = subprocess.run([*argv, str(home / "body")], capture_output=True, check=True)
                        found[name][connections].append(json.loads(run.stdout))
            memory = {name: memory_mb(process.pid) for name, (process, _, _) in servers.items()}
        finally:
            for process, _, _ in servers.values():
                process.terminate()
                process.wait()
    report(found, memory, {name: round(s, 2) for name, (_, _, s) in servers.items()})


def report(found, memory, starts):
    """Print medians with their range, and write everything as JSON."""
    packages = {p: version(p) for p in ("uvicorn", "uvloop", "httptools", "msgspec", "onnxruntime", "numpy")}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(machine, *(f"{p} {v}" for p, v in packages.items()), sep="; ")
    print(f"{'server':10}{'conns':>6}{'req/s (range)':>26}{'p50 ms':>9}{'p99 ms':>9}{'failed':>8}{'of ceiling':>12}")
    rows = []
    for connections in CONNECTIONS:
        for name, by_connections in found.items():
            runs = by_connections[connections]
            rate, p50, p99 = (statistics.median(r[k] for r in runs) for k in ("per_s", "p50_ms", "p99_ms"))
            low, high = min(r["per_s"] for r in runs), max(r["per_s"] for r in runs)
            share = rate / statistics.median(r["per_s"] for r in found["ceiling"][connections])
            failed = sum(r["failed"] for r in runs)
            spread = f"{rate:,.0f} ({low:,}-{high:,})"
            print(f"{name:10}{connections:>6}{spread:>26}{p50:>9.2f}{p99:>9.2f}{failed:>8}{share:>12.0%}")
            rows.append({"server": name, "connections": connections, "per_s": rate, "low": low, "high": high,
                         "p50_ms": p50, "p99_ms": p99, "failed": failed, "of_ceiling": round(share, 3)})  # fmt: skip
    for name, (rss, pss) in memory.items():
        print(f"{name}: {rss} MB resident, {pss} MB proportional, {starts[name]} s to the first answer")
    result = {"machine": machine, "packages": packages, "rows": rows, "memory_mb": memory, "start_s": starts}
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "serving.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main(*(float(a) if i == 0 else int(a) for i, a in enumerate(sys.argv[1:])))
