"""From the command `setpoint rollback` to the last answer of the bad version, under load, and what is answered then.

`python bench/rollout/rollback.py [RUNS=5] [--workers N] [--connections N] [--every S]` prints a table and a line of
JSON, and exits 1 if a request failed, a roll back took a second or longer, or an answer afterwards is not, byte for
byte, what the version answered before.

*quiet*: nobody is in the way. *turn*: the loop is in a turn, and holds the state for eight seconds. *loading*: the
workers are loading another version, which takes seconds, and the loop waits for them. *of it moving* is what the
workers take once the order is given; the rest is the start of the command.

Each connection asks every 20 ms; `--every 0` has them ask again at once, which leaves no core to the command itself.
"""

import argparse
import asyncio
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import joblib
import numpy as np
import uvloop
from sklearn.linear_model import LinearRegression

from setpoint.domain.envelope import Envelope
from setpoint.domain.fleet import Deployment, Release
from setpoint.domain.live import Served
from setpoint.domain.value import replace
from setpoint.errors import Conflict
from setpoint.platforms.local import LocalPlatform
from setpoint.store.bundles import FolderBundleStore
from setpoint.store.state import SqlStateStore

sys.path.insert(0, str(Path(__file__).parents[1] / "serving"))
from connections import Same
from soak import PATH, Server, prepare

MOST_S = 1.0
TURN_S = 8.0
CASES = ("quiet", "turn", "loading")


def ready(home):
    """Have v2 serve in the place of v1, and make v3, whose framework takes seconds to load."""
    store = FolderBundleStore(home / "bundles")
    staged, first = home / "staged", store.get("sum", "v1")
    staged.mkdir(parents=True)
    X = np.random.default_rng(7).normal(size=(200, 30))
    joblib.dump(LinearRegression().fit(X, X.sum(axis=1)), staged / "model.joblib")
    store.add(staged, replace(first, version="v3", runtime="native", artifact="model.joblib", files={}))


def released(home):
    """Write into state and live.json that v2 has just replaced v1."""
    now, platform = datetime.now(UTC), LocalPlatform(home)
    served = Served(champion="v2", standby="v1")
    state = SqlStateStore(f"sqlite:///{home / 'state.db'}")
    releases = (Release(version="v1", at=now, by="bench"), Release(version="v2", at=now, by="bench", replaced="v1"))
    state.save(Deployment(model="sum", source="", served=served, envelope=Envelope(), objectives=(), releases=releases))
    state.close()
    platform.apply(platform.live().having("sum", served))
    end = time.monotonic() + 60
    while not platform.holds("sum", "v1"):
        assert time.monotonic() < end, "the workers do not hold v1 ready"
        time.sleep(0.05)


def ask(port, rows=20):
    """Return the bytes that are answered to rows that stay the same."""
    body = json.dumps({"instances": np.random.default_rng(3).normal(size=(rows, 30)).tolist()})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", PATH, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.getheader("x-model-version"), answer.read()


def in_the_way(case, home):
    """Begin what keeps others busy, and return what ends it."""
    if case == "turn":
        held, over = threading.Event(), threading.Event()

        def turn():
            with SqlStateStore(f"sqlite:///{home / 'state.db'}").lease():
                held.set()
                over.wait(TURN_S)

        thread = threading.Thread(target=turn)
        thread.start()
        held.wait()
        return lambda: (over.set(), thread.join())
    if case == "loading":
        platform = LocalPlatform(home)
        served = platform.live().models["sum"]

        def load():
            with suppress(Conflict):  # as it should: the roll back came between
                platform.apply(platform.live().having("sum", replace(served, shadow="v3")))

        thread = threading.Thread(target=load)
        thread.start()
        time.sleep(0.2)
        return thread.join
    return lambda: None


def until_ordered(home):
    """Return when live.json named v1 again."""
    platform, end = LocalPlatform(home), time.monotonic() + 30
    while platform.live().models["sum"].champion != "v1" and time.monotonic() < end:
        time.sleep(0.005)
    return time.time()


async def once(case, server, connections, every_s):
    """Roll back once under load; return seconds to the last bad answer and to the end of the command, and faults."""
    answers, failed = [], 0

    def take(client, status, headers, body):
        nonlocal failed
        failed += status != 200
        answers.append((time.time(), headers.get(b"x-model-version", b"").decode()))

    await asyncio.to_thread(released, server.home)
    load = Same("rollback", server.port, PATH, connections, take, every_s=every_s)
    await load.start()
    await asyncio.sleep(1.0)
    end = await asyncio.to_thread(in_the_way, case, server.home)
    started = time.time()
    environment = {**os.environ, "SETPOINT_HOME": str(server.home)}
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "setpoint", "rollback", "sum", "--by", "bench", env=environment, stdout=subprocess.DEVNULL
    )
    ordered = await asyncio.to_thread(until_ordered, server.home)
    await asyncio.sleep(2.0)
    await asyncio.to_thread(end)
    code = await command.wait()
    whole_s = time.time() - started
    await load.stop()
    last_bad = max(at for at, version in answers if version == "v2")
    return {"last_bad_s": last_bad - started, "then_s": last_bad - ordered, "whole_s": whole_s, "answers": len(answers),
            "failed": failed + load.broken, "code": code}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="?", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--every", type=float, default=0.02)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        prepare(home)
        ready(home)
        server = Server(home, asked.workers)
        try:
            before, rows = ask(server.port), []
            for case in CASES:
                runs = [uvloop.run(once(case, server, asked.connections, asked.every)) for _ in range(asked.runs)]
                same = ask(server.port) == before
                worst = max(run["last_bad_s"] for run in runs)
                rows.append({
                    "case": case, "runs": len(runs), "worst_s": round(worst, 3),
                    "median_s": round(float(np.median([run["last_bad_s"] for run in runs])), 3),
                    "then_s": round(float(np.median([run["then_s"] for run in runs])), 3),
                    "answers": sum(run["answers"] for run in runs), "failed": sum(run["failed"] for run in runs),
                    "same_bytes": same, "codes": sorted({run["code"] for run in runs}),
                })  # fmt: skip
        finally:
            server.stop()
    head = f"{'case':10}{'runs':>5}{'median s':>10}{'worst s':>9}{'of it moving':>14}{'answers':>9}{'failed':>8}"
    print(f"{head}  same bytes")
    for r in rows:
        print(
            f"{r['case']:10}{r['runs']:5}{r['median_s']:10.3f}{r['worst_s']:9.3f}{r['then_s']:14.3f}{r['answers']:9}{r['failed']:8}"
            f"  {r['same_bytes']}"
        )
    holds = all(r["worst_s"] < MOST_S and r["same_bytes"] and not r["failed"] and r["codes"] == [0] for r in rows)
    print(json.dumps({"holds": holds, "cases": rows}))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
