"""The data plane with recording, checks and metrics on, against the hand-written ceiling and its peers, in one run.

`python bench/serving/run.py` prints a table and writes `results/serving.json` beside this file. `--peers FOLDER` adds
the peers that `peers.py FOLDER` installed. All servers are up at once, one is asked at a time, in rotated order; the
load generator has the other core. Model: breast cancer (30 numbers), gradient boosting of 100 trees.
"""

import argparse
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import peers
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
START_S = 60.0


@dataclass
class Server:
    """A server that is up: where it is asked, with what, and what it took to start."""

    processes: list
    port: int
    path: str
    body: bytes
    headers: tuple[str, ...] = ()
    start_s: float = 0.0
    runs: dict[int, list] = field(default_factory=lambda: {c: [] for c in CONNECTIONS})


def prepare(home):
    """Put the model into a home; return a body of one row."""
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
    return instances(data.data[:1].tolist())


def instances(rows):
    """Return a v1 body."""
    return json.dumps({"instances": rows}).encode()


def binary(rows):
    """Return a v2 body with a binary tensor, and its header."""
    raw = np.array(rows, dtype=np.float64).tobytes()
    tensor = {"name": "x", "shape": [len(rows), len(rows[0])], "datatype": "FP64",
              "parameters": {"binary_data_size": len(raw)}}  # fmt: skip
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    return head + raw, (f"Inference-Header-Content-Length: {len(head)}",)


def start_ours(home, workers, argv, environment):
    """Start processes of ours on one inherited socket; return them and their port."""
    sock = listen("127.0.0.1", 0)
    fd = str(sock.fileno())
    started = [
        subprocess.Popen(
            [a.replace("FD", fd).replace("INDEX", str(i)) for a in argv],
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment}, pass_fds=[sock.fileno()], start_new_session=True,
        )
        for i in range(workers)
    ]  # fmt: skip
    port = sock.getsockname()[1]
    sock.close()
    return started, port


def free_port():
    """Return a port with two free ones after it, likely."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def start_all(servers, home, rows, workers, folder):
    """Start every server, each with its body for these rows."""
    onnx = str(home / "bundles" / "cancer" / "v1" / "model.onnx")
    worker = [sys.executable, "-m", "setpoint.bootstrap.worker", "--fd", "FD", "--index", "INDEX"]
    setpoint = {"SETPOINT_HOME": str(home), "PROMETHEUS_MULTIPROC_DIR": str(home / "run" / "metrics")}
    ceiling = [sys.executable, str(HERE / "ceiling.py"), "FD"]
    v1, v2 = "/v1/models/cancer:predict", "/v2/models/cancer/infer"
    servers["ceiling"] = Server(*start_ours(home, workers, ceiling, {"MODEL": onnx}), v1, instances(rows))
    begun = time.perf_counter()
    ours, port = start_ours(home, workers, worker, setpoint)
    servers["setpoint"] = Server(ours, port, v1, instances(rows))
    await_answer(servers["setpoint"], begun)
    await_answer(servers["ceiling"], begun)
    unrecorded = [sys.executable, str(HERE / "unrecorded.py"), "--fd", "FD", "--index", "1INDEX"]
    servers["unrecorded"] = Server(*start_ours(home, workers, unrecorded, setpoint), v1, instances(rows))
    await_answer(servers["unrecorded"], begun)
    servers["setpoint binary"] = Server(ours, port, v2, *binary(rows))
    await_answer(servers["setpoint binary"], begun)
    for name, peer in peers.PEERS.items() if folder else ():
        begun, port = time.perf_counter(), free_port()
        process = peers.start(folder, home, name, port, workers, onnx)
        servers[name] = Server([process], port, peer.path, peer.body(rows))
        await_answer(servers[name], begun)


def await_answer(server, begun):
    """Wait for the first 200."""
    url = f"http://127.0.0.1:{server.port}{server.path}"
    headers = {"Content-Type": "application/json", **dict(h.split(": ") for h in server.headers)}
    while True:
        try:
            urllib.request.urlopen(urllib.request.Request(url, server.body, headers), timeout=30).read()
        except (urllib.error.URLError, ConnectionError) as e:
            if time.perf_counter() - begun > START_S:
                said = e.read()[:300] if isinstance(e, urllib.error.HTTPError) else ""
                raise RuntimeError(f"{url} does not answer: {e} {said}") from e
            time.sleep(0.05)
        else:
            server.start_s = round(time.perf_counter() - begun, 2)
            return


def memory_mb(pid):
    """Return resident and proportional memory of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = dict(line.split()[:2] for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    own = int(fields["Rss:"]) / 1024, int(fields["Pss:"]) / 1024
    return tuple(round(sum(part)) for part in zip(own, *(memory_mb(child) for child in children), strict=True))


def cpu_s(pid):
    """Return the processor time of a process and its children, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + sum(map(cpu_s, children))


def measured(server, load, connections, seconds, work):
    """Ask one server for some seconds; `cpu_us` is the processor time of all its processes, a request."""
    (work / "body").write_bytes(server.body)
    argv = [
        sys.executable,
        HERE / load,
        server.port,
        server.path,
        connections,
        seconds,
        work / "body",
        *server.headers,
    ]
    before = sum(cpu_s(process.pid) for process in server.processes)
    found = json.loads(subprocess.run([str(a) for a in argv], capture_output=True, check=True).stdout)
    spent_s = sum(cpu_s(process.pid) for process in server.processes) - before
    return found | {"cpu_us": spent_s * 1e6 / max(1, found["answered"])}


def main():
    """Measure every form and number of workers that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, nargs="+", default=[1], help="rows of a request")
    parser.add_argument("--workers", type=int, nargs="+", default=[1])
    parser.add_argument("--peers", type=Path, help="folder in which peers.py has installed them")
    asked = parser.parse_args()
    names = ("uvicorn", "uvloop", "httptools", "msgspec", "onnxruntime", "numpy")
    packages = {p: version(p) for p in names}
    packages |= {p: peers.version(asked.peers, p) for p in (peers.PEERS if asked.peers else ())}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(machine, *(f"{p} {v}" for p, v in packages.items()), sep="; ")
    found = []
    for workers in asked.workers:
        for rows in asked.rows:
            found += one(rows, workers, asked)
    (HERE / "results").mkdir(exist_ok=True)
    result = {"machine": machine, "packages": packages, "rounds": asked.rounds, "seconds": asked.seconds, "rows": found}
    (HERE / "results" / "serving.json").write_text(json.dumps(result, indent=2) + "\n")


def one(rows, workers, asked):
    """Measure all servers at one number of rows and workers; print and return the medians."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        prepare(home)
        servers = {}
        try:
            start_all(servers, home, load_breast_cancer().data[:rows].tolist(), workers, asked.peers)
            for turn in range(asked.rounds):
                order = list(servers.values())
                order = order[turn % len(order) :] + order[: turn % len(order)]
                for connections in CONNECTIONS:
                    for server in order:
                        server.runs[connections].append(measured(server, "load.py", connections, asked.seconds, home))
            memory = {name: memory_mb(server.processes[0].pid) for name, server in servers.items()}
        finally:
            for server in servers.values():
                for process in server.processes:
                    if process.poll() is None:
                        os.killpg(process.pid, signal.SIGTERM)
                        process.wait(30)
    return report(servers, memory, rows, workers)


def report(servers, memory, rows, workers):
    """Print medians with their range."""
    print(f"\n{rows} row(s) a request, {workers} worker(s)")
    head = ("server", "conns", "req/s (range)", "p50 ms", "p99 ms", "CPU us", "failed", "of ceiling")
    print(f"{head[0]:16}{head[1]:>6}{head[2]:>26}{head[3]:>9}{head[4]:>9}{head[5]:>8}{head[6]:>8}{head[7]:>12}")
    lines = []
    for connections in CONNECTIONS:
        for name, server in servers.items():
            runs = server.runs[connections]
            keys = ("per_s", "p50_ms", "p99_ms", "cpu_us")
            rate, p50, p99, cpu = (statistics.median(r[k] for r in runs) for k in keys)
            low, high = min(r["per_s"] for r in runs), max(r["per_s"] for r in runs)
            share = statistics.median(
                r["per_s"] / c["per_s"] for r, c in zip(runs, servers["ceiling"].runs[connections], strict=True)
            )
            failed = sum(r["failed"] for r in runs)
            spread = f"{rate:,.0f} ({low:,}-{high:,})"
            print(f"{name:16}{connections:>6}{spread:>26}{p50:>9.2f}{p99:>9.2f}{cpu:>8.0f}{failed:>8}{share:>12.0%}")
            lines.append({"server": name, "connections": connections, "rows": rows, "workers": workers, "per_s": rate,
                          "low": low, "high": high, "p50_ms": p50, "p99_ms": p99, "cpu_us": round(cpu, 1),
                          "failed": failed, "of_ceiling": round(share, 3), "memory_mb": memory[name],
                          "start_s": server.start_s})  # fmt: skip
    for name, (rss, pss) in memory.items():
        print(f"{name}: {rss} MB resident, {pss} MB proportional, {servers[name].start_s} s to the first answer")
    return lines


if __name__ == "__main__":
    main()
