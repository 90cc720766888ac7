"""A real crowd against a real deployment: is it named, are workers added, and does that relieve it?

`python bench/serving/crowd.py [--stay] [--calm S] [--slices N] [--connections N]` starts one worker and the loop, asks
at leisure, then sends a crowd that one worker cannot answer and two can, and prints a line for each ten seconds: how
many were answered, the share that was turned away (429), the latency of what was answered. The model waits 10 ms for
each row, as one does that asks another service; so two workers answer twice as much, also where cores are scarce.

Clients come with new connections every ten seconds. With `--stay` each keeps its connection for ever.
It exits 1 where the incident is not named `overload`, no worker was added, or the last slices are no better.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import uvloop

MODEL = """
import time

class Waits:
    task = "regression"

    def predict(self, frame):
        time.sleep(0.010 * len(frame))
        return frame["x"] + frame["y"]
"""
SETPOINT = """\
model: crowd
task: regression
artifact: model.py:Waits
reference: reference.parquet
target: z
objectives:
  - {metric: mae, at_most: 5}
  - {metric: availability, at_least: 0.99}
envelope:
  automatic: [restart, workers]
  workers: 2
"""
PATH = "/v1/models/crowd:predict"
SLICE_S = 10.0
PAUSE_S = 0.25  # that a client waits after it was turned away


class Home:
    """A deployment that runs until the end."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.environment = {**os.environ, "SETPOINT_HOME": str(folder / "home"), "SETPOINT_TICK_EVERY_S": "10"}
        rows = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 2)), columns=["x", "y"])
        rows.assign(z=rows["x"] + rows["y"]).to_parquet(folder / "reference.parquet", index=False)
        (folder / "model.py").write_text(MODEL)
        (folder / "setpoint.yaml").write_text(SETPOINT)

    def run(self, *arguments):
        command = [sys.executable, "-m", "setpoint", *map(str, arguments)]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout

    def workers(self):
        state = json.loads((self.folder / "home" / "run" / "supervisor.json").read_text())
        return len(state["workers"])

    def incidents(self):
        return [
            i for i in json.loads(self.run("incidents", "crowd", "--json"))["incidents"] if i["subject"] == "service"
        ]


async def client(port, end, every_s, found):
    """Ask on one connection until the end; wait a little after a refusal, as clients should."""
    reader = writer = None
    body = b'{"instances": [[0.5, 0.25]]}'
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    while time.perf_counter() < end:
        if writer is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        sent = time.perf_counter()
        writer.write(head.encode() + body)
        top = await reader.readuntil(b"\r\n\r\n")
        lines = top.lower().split(b"\r\n")
        await reader.readexactly(next(int(line[16:]) for line in lines if line.startswith(b"content-length: ")))
        status = int(top[9:12])
        found.append((status, time.perf_counter() - sent))
        if b"connection: close" in lines:
            writer.close()
            writer = None
        await asyncio.sleep(PAUSE_S if status == 429 else every_s)
    if writer is not None:
        writer.close()


async def asked(port, connections, seconds, every_s=0.0):
    found, end = [], time.perf_counter() + seconds
    await asyncio.gather(*(client(port, end, every_s, found) for _ in range(connections)))
    return found


def line(home, kind, found, seconds):
    ms = sorted(s * 1e3 for status, s in found if status == 200)
    away, failed = (sum(s == 429 for s, _ in found), sum(s not in (200, 429) for s, _ in found))
    at = lambda q: round(ms[int(q * (len(ms) - 1))]) if ms else None  # noqa: E731
    told = {
        "slice": kind,
        "workers": home.workers(),
        "answered_per_s": round(len(ms) / seconds),
        "turned_away": round(away / max(len(found), 1), 3),
        "p50_ms": at(0.5),
        "p99_ms": at(0.99),
        "failed": failed,
    }
    print(json.dumps(told), flush=True)
    return told


async def crowd(home, options):
    """Yield what each slice of the crowd found; with `stay` all of them have the same connections."""
    seconds = SLICE_S * options.slices
    if not options.stay:
        for _ in range(options.slices):
            yield await asked(home.port, options.connections, SLICE_S)
        return
    found, begun = [], time.perf_counter()
    clients = asyncio.gather(*(client(home.port, begun + seconds, 0.0, found) for _ in range(options.connections)))
    for at in range(options.slices):
        await asyncio.sleep(max(0.0, begun + SLICE_S * (at + 1) - time.perf_counter()))
        yield [found.pop(0) for _ in range(len(found))]
    await clients


async def main(options):
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder), options.port)
        home.run("deploy", folder)
        home.run("up", "--detach", "--port", options.port, "--control-port", options.port + 1, "--workers", 1)
        try:
            line(home, "calm", await asked(home.port, 4, options.calm, 0.2), options.calm)
            told = [line(home, "crowd", found, SLICE_S) async for found in crowd(home, options)]
            incidents = home.incidents()
        finally:
            home.run("down")
    for i in incidents:
        print(i["id"], i["status"], i["causes"][0]["cause"], i["remedy"], i["repair"] and i["repair"]["proof"])
        print(*(f"  {said}" for said in i["timeline"]), sep="\n")
    before = [t for t in told if t["workers"] == 1]
    after = [t for t in told if t["workers"] == 2][-12:]
    named = any(i["causes"][0]["cause"] == "overload" and i["remedy"] == "workers" for i in incidents)
    mean = lambda of, key: sum(t[key] for t in of) / max(len(of), 1)  # noqa: E731
    keys = ("answered_per_s", "turned_away", "p50_ms", "p99_ms")
    for name, of in (("one worker", before), ("two workers, last two minutes", after)):
        print(name, {key: round(mean(of, key), 3) for key in keys})
    better = bool(before and after) and mean(after, "turned_away") <= 0.01 < mean(before, "turned_away")
    return 0 if named and better else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--stay", action="store_true")
    parser.add_argument("--calm", type=float, default=70.0)
    parser.add_argument("--slices", type=int, default=33)
    parser.add_argument("--connections", type=int, default=75)
    parser.add_argument("--port", type=int, default=18_480)
    sys.exit(uvloop.run(main(parser.parse_args())))
