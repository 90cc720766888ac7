"""What must hold under load, for as long as you like. Each prints one line of JSON and exits 1 when it does not hold.

`python bench/serving/soak.py swaps [N=1000]`: hot swaps under load, every second one of a challenger's share; no failed
request, and no answer of a version that was not live for its key between the request and its answer.

`python bench/serving/soak.py kills [SECONDS=60]`: kill -9 of a worker every second; every request id that was answered
with 200 is in the record log exactly once.

`python bench/serving/soak.py overload [SECONDS=300] [CONNECTIONS=4000]`: twice the measured capacity, in requests of
32 rows; memory flat, latency of what is accepted bounded, health live.
"""

import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import uvloop
from connections import Same
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression

from setpoint.domain.live import Live, Served
from setpoint.domain.record import InferenceRecord
from setpoint.domain.routing import chosen
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.platforms.files import HomeFiles, alive
from setpoint.platforms.local import LocalPlatform
from setpoint.store.bundles import FolderBundleStore
from setpoint.store.segments import FIRST, follow, segments

SUPERVISE = """
import sys
from pathlib import Path
from setpoint.platforms.supervisor import Supervisor
worker = [sys.executable, "-m", "setpoint.bootstrap.worker"]
Supervisor(Path(sys.argv[1]), worker, workers=int(sys.argv[2]), port=0).run()
"""
PATH = "/v1/models/sum:predict"
SHARES = (0.01, 0.1, 0.5, 0.9)


def prepare(home):
    """Make versions v1 and v2 of a model that adds 30 numbers; v2 answers 1,000 more."""
    X = np.random.default_rng(7).normal(size=(200, 30))
    features = tuple(Feature(name=f"x{i}", kind=Kind.NUMERIC, dtype=DType.FLOAT) for i in range(30))
    schema = Schema(features=features, target="y", task=Task.REGRESSION)
    lineage = Lineage(created=datetime.now(UTC), reason="soak", artifact_sha256="", reference_sha256="")
    for version, add in (("v1", 0.0), ("v2", 1_000.0)):
        staged = home / "staged"
        staged.mkdir(parents=True)
        onnx = to_onnx(LinearRegression().fit(X, X.sum(axis=1) + add), X[:1].astype(np.float32), target_opset=15)
        (staged / "model.onnx").write_bytes(onnx.SerializeToString())
        made = ModelVersion(
            model="sum", version=version, framework="sklearn", runtime="onnxruntime", artifact="model.onnx",
            schema=schema, lineage=lineage, files={},
        )  # fmt: skip
        FolderBundleStore(home / "bundles").add(staged, made)
    LocalPlatform(home).apply(Live(generation=1, models={"sum": Served(champion="v1")}))


class Server:
    """A supervisor with workers, in processes of their own."""

    def __init__(self, home, workers):
        self.home, self.files = home, HomeFiles(home)
        log = (home / "log").open("ab")
        argv = [sys.executable, "-c", SUPERVISE, str(home), str(workers)]
        self.process = subprocess.Popen(argv, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})
        end = time.monotonic() + 60
        while len(self.pids()) < workers:
            if time.monotonic() > end:
                raise TimeoutError((home / "log").read_text())
            time.sleep(0.05)
        self.port = self.files.running().port

    def pids(self):
        """Return the processes of the workers that are ready."""
        return [report.pid for report in self.files.reports().values() if report.ready]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


async def swaps(server, number):
    """Swap champions and shares under load."""
    live = [(Served(champion="v1"), 0.0, float("inf"))]
    seen, failed, foreign = [], 0, 0

    def take(client, status, headers, body):
        nonlocal failed, foreign
        version = headers.get(b"x-model-version", b"").decode()
        failed += status != 200
        if status == 200:
            expected = client.load.sums[0] + (1_000 if version == "v2" else 0)
            foreign += abs(json.loads(body)["predictions"][0] - expected) > 0.01
            seen.append((client.id, version, client.sent, time.time()))

    load = Same("swap", server.port, PATH, 16, take)
    await load.start()
    platform, begun = LocalPlatform(server.home), time.time()
    for i in range(number):
        shares = {"v2": SHARES[i // 2 % len(SHARES)]} if i % 2 else {}
        served = Served(champion="v1" if shares or i // 2 % 2 else "v2", shares=shares)
        started = time.time()
        await asyncio.to_thread(lambda served=served: platform.apply(platform.live().having("sum", served)))
        old, since, _ = live[-1]
        live[-1] = (old, since, time.time())
        live.append((served, started, float("inf")))
    seconds = time.time() - begun
    await load.stop()
    wrong = count_not_live(seen, live)
    found = {"swaps": number, "seconds": round(seconds, 1), "answers": len(seen), "failed": failed + load.broken,
             "wrong_value": foreign, "not_live": wrong, "versions": dict(Counter(v for _, v, *_ in seen))}  # fmt: skip
    return found, not (failed or load.broken or foreign or wrong) and len(found["versions"]) == 2


def count_not_live(seen, live):
    """Count the answers of a version that was live for their key at no time between the request and the answer."""
    starts, stops = [start for _, start, _ in live], [stop for _, _, stop in live]
    return sum(
        all(
            version != meant(served, key)
            for served, _, _ in live[bisect_left(stops, sent) : bisect_right(starts, answered)]
        )
        for key, version, sent, answered in seen
    )


def meant(served, key):
    """Return the version that is to answer a key, which is the request id here."""
    return (chosen("sum", served.shares, key) if served.shares else None) or served.champion


async def kills(server, seconds):
    """Kill a worker every second."""
    answered, refused = [], Counter()

    def take(client, status, headers, body):
        if status == 200 and headers[b"x-request-id"].decode() == client.id:
            answered.append(client.id)
        else:
            refused[status] += 1

    load = Same("kill", server.port, PATH, 16, take)
    await load.start()
    killed, rng = 0, random.Random(1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(1.0)
        pids = [pid for pid in await asyncio.to_thread(server.pids) if alive(pid)]
        if pids:
            os.kill(rng.choice(pids), signal.SIGKILL)
            killed += 1
    await asyncio.sleep(2.0)
    await load.stop()
    await asyncio.to_thread(server.stop)
    recorded = recorded_ids(server.home)
    missing = sum(recorded[id_] == 0 for id_ in answered)
    twice = sum(recorded[id_] > 1 for id_ in answered)
    found = {"seconds": seconds, "kills": killed, "answered": len(answered), "refused": dict(refused),
             "broken_connections": load.broken, "missing": missing, "twice": twice}  # fmt: skip
    return found, bool(answered) and killed > 0.8 * seconds and not (missing or twice)


def recorded_ids(home):
    """Count the request ids in the spool."""
    found = Counter()
    for path in segments(home / "spool" / "sum", ".seg"):
        at = FIRST
        while True:
            scan = follow(path, at, mend=False).scan
            found.update(msgspec.msgpack.decode(p, type=InferenceRecord).request_id for _, p in scan.frames)
            if scan.end == at:
                break
            at = scan.end
    return found


async def overload(server, seconds, connections=4_000, rows=32):
    """Ask for twice what the server can do."""
    latencies, codes = [], Counter()

    def take(client, status, headers, body):
        codes[status] += 1
        if status == 200:
            latencies.append(time.time() - client.sent)

    capacity = Same("capacity", server.port, PATH, 8, take, rows)
    await capacity.start()
    await asyncio.sleep(5)
    await capacity.stop()
    per_s = codes[200] / 5
    latencies.clear()
    codes.clear()
    (pid,), memory, health = server.pids(), [], []
    url = f"http://127.0.0.1:{server.port}/v2/health/live"
    load = Same("over", server.port, PATH, connections, take, rows, every_s=connections / (2 * per_s))
    await load.start()
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        await asyncio.sleep(1.0)
        memory.append(resident_mb(pid))
        asked = await asyncio.create_subprocess_exec(
            "curl", "-s", "-o", "/dev/null", "-m", "10", "-w", "%{http_code} %{time_total}", url,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        status, took = (await asked.communicate())[0].split()
        health.append((int(status), float(took)))
    seconds = time.monotonic() - began
    await load.stop()
    latencies.sort()
    early, late = statistics.median(memory[5:35]), statistics.median(memory[-30:])
    found = {"seconds": round(seconds), "capacity_per_s": round(per_s), "connections": connections,
             "offered_per_s": round(sum(codes.values()) / seconds), "codes": dict(codes),
             "accepted_p50_ms": round(latencies[len(latencies) // 2] * 1e3, 1),
             "accepted_p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1e3, 1),
             "memory_mb": [early, late], "health_worst_ms": round(max(s for _, s in health) * 1e3, 1),
             "broken_connections": load.broken}  # fmt: skip
    live = all(status == 200 for status, _ in health)
    bounded = latencies[int(len(latencies) * 0.99)] < 2.0
    return found, live and bounded and late < early * 1.1 and not load.broken


def resident_mb(pid):
    return int(next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in x).split()[1]) // 1024


def main(what, amount=None, *more):
    run, default, workers = {"swaps": (swaps, 1_000, 2), "kills": (kills, 60, 2), "overload": (overload, 300, 1)}[what]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        prepare(home)
        server = Server(home, workers)
        try:
            found, holds = uvloop.run(run(server, int(amount or default), *map(int, more)))
        finally:
            if server.process.poll() is None:
                server.stop()
    print(json.dumps({"what": what, "holds": holds, **found}))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
