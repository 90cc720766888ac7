"""A rollout under load, each of whose processes is killed (`kill -9`) at each step, again and again.

`python bench/rollout/kills.py [ROUNDS=2] [--workers N] [--clients N]` prints a line a kill and a line of JSON. It exits
with 1 if a request failed, if what is served was ever no step of the rollout, if state and workers did not agree in the
end, or if an answer is not in the record log once.

A round is a whole rollout: shadow, two shares, promotion (by approval: what is looked at here is the way, not the
evidence), and a roll back, so that the next round finds what this one found. At each step every worker and the control
process are killed in turn, the latter once more while the next step is taken; commands are killed while they begin a
rollout, and while they promote. A connection that a kill breaks is opened again, and its request asked again under
another id, as any client does.
"""

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

SETPOINT = [sys.executable, "-m", "setpoint"]
SECTION = """model: calls
task: binary
artifact: model.joblib
reference: reference.parquet
target: y
objectives:
  - {metric: availability, at_least: 0.99}
rollout: {steps: [0, 20%, 60%], least: 1s, requests: 20}
"""
STEPS = ({}, {"v2": 0.2}, {"v2": 0.6})


class Client(threading.Thread):
    """Asks until it is told to stop, and keeps what was answered and what was not as it should be."""

    def __init__(self, name, port):
        super().__init__(name=name)
        self.port, self.stop = port, threading.Event()
        self.answered, self.broken, self.failed = [], 0, []

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        asked, body = 0, json.dumps({"instances": [{"a": 0.1, "b": 0.2}]})
        while not self.stop.wait(0.005):
            id_, asked = f"{self.name}-{asked}", asked + 1
            try:
                connection.request("POST", "/v1/models/calls:predict", body, {"x-request-id": id_})
                answer = connection.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                self.broken += 1
                continue
            self.answered.append(id_)
            if answer.status != 200:
                self.failed.append((id_, answer.status, said.decode()))
        connection.close()


class Home:
    """A home with a server on it."""

    def __init__(self, folder, workers):
        self.folder, self.workers = folder / "home", workers
        self.environment = {**os.environ, "SETPOINT_HOME": str(self.folder), "SETPOINT_TICK_EVERY_S": "0.5",
                            "OMP_NUM_THREADS": "1"}  # fmt: skip
        self.project = folder / "project"
        self.project.mkdir()
        rng = np.random.default_rng(1)
        rows = pd.DataFrame(rng.normal(size=(400, 2)), columns=["a", "b"])
        rows["y"] = (rows["a"] + rng.normal(size=400) > 0).astype(int)
        joblib.dump(LogisticRegression().fit(rows[["a", "b"]], rows["y"]), self.project / "model.joblib")
        rows.to_parquet(self.project / "reference.parquet", index=False)
        (self.project / "setpoint.yaml").write_text(SECTION)

    def run(self, *arguments):
        done = subprocess.run(
            [*SETPOINT, *arguments], env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"setpoint {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def served(self):
        return json.loads((self.folder / "live.json").read_text())["models"]["calls"]

    def pids(self):
        found = {f.stem: json.loads(f.read_text()) for f in (self.folder / "run" / "workers").glob("*.json")}
        running = json.loads((self.folder / "run" / "supervisor.json").read_text())
        return {f"worker {n}": s["pid"] for n, s in found.items() if s["ready"]} | {"control": running["control"]}

    def kill(self, name):
        """Kill a process, wait for the next one, and return how long that took."""
        pid, began = self.pids()[name], time.monotonic()
        os.kill(pid, signal.SIGKILL)
        wait(lambda: self.pids().get(name) not in (None, pid), f"another {name}")
        return time.monotonic() - began

    def kill_command(self, *arguments, after):
        """Start a command that changes the rollout, and kill it on its way."""
        command = subprocess.Popen([*SETPOINT, *arguments], env=self.environment, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)  # fmt: skip
        time.sleep(after)
        command.kill()
        command.wait()


class Watcher(threading.Thread):
    """Reads what is to be served again and again, and keeps what is no step of the rollout."""

    def __init__(self, home):
        super().__init__()
        self.home, self.stop, self.odd = home, threading.Event(), []

    def run(self):
        while not self.stop.wait(0.005):
            served = self.home.served()
            if served["shares"] not in STEPS or served["champion"] not in ("v1", "v2"):
                self.odd.append(served)
            if served["champion"] == "v2" and served["shares"]:
                self.odd.append(served)


def wait(true, what, seconds=120):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            sys.exit(f"{what} did not come in {seconds} s")
        time.sleep(0.02)


def one_round(home, number, rng):
    """Go through a rollout, killing at each step; return the kills."""
    kills = []
    home.kill_command("rollout", "start", "calls", "v2", "--anyway", after=rng.uniform(0.5, 4))
    if not home.served()["shadow"]:
        time.sleep(3)  # a turn makes good what the command has written down
    if not home.served()["shadow"]:
        home.run("rollout", "start", "calls", "v2", "--anyway")
    for at in range(len(STEPS)):
        wait(lambda at=at: home.served()["shares"] in STEPS[at:], f"step {at + 1}")
        home.run("rollout", "pause", "calls")
        for name in sorted(home.pids()):
            kills.append((number, at + 1, name, home.kill(name)))
            print(f"round {number}, step {at + 1}: {name} killed, another one after {kills[-1][3]:.1f} s", flush=True)
        home.run("rollout", "resume", "calls")
        kills.append((number, at + 1, "control", home.kill("control")))  # while the next step is taken
    home.kill_command("rollout", "approve", "calls", "--now", after=rng.uniform(0.5, 6))
    home.run("rollout", "approve", "calls", "--now") if home.served()["champion"] == "v1" else None
    wait(lambda: home.served()["champion"] == "v2", "the promotion")
    kills.append((number, len(STEPS) + 1, "control", home.kill("control")))
    home.run("rollback", "calls", "--to", "v1")
    wait(lambda: home.served()["champion"] == "v1", "the roll back")
    return kills


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", nargs="?", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder), asked.workers)
        home.run("deploy", str(home.project))
        home.run("deploy", str(home.project), "--share", "0")
        home.run("up", "--detach", "--port", "18089", "--control-port", "18090", "--workers", str(asked.workers))
        try:
            found = measured(home, asked)
        finally:
            subprocess.run([*SETPOINT, "down"], env=home.environment, check=False, capture_output=True)
    print(json.dumps(found))
    good = not found["failed"] and not found["odd"] and found["lost"] == found["twice"] == 0 and found["agree"]
    sys.exit(0 if good else 1)


def measured(home, asked):
    clients = [Client(f"c{i}", 18089) for i in range(asked.clients)]
    threads, rng = [*clients, Watcher(home)], np.random.default_rng(0)
    for thread in threads:
        thread.start()
    try:
        kills = [kill for number in range(1, asked.rounds + 1) for kill in one_round(home, number, rng)]
        time.sleep(2)
    finally:
        for thread in threads:
            thread.stop.set()
            thread.join()
    (state,) = json.loads(home.run("status", "calls", "--json"))["deployments"]
    served = home.served()
    workers = [json.loads(f.read_text()) for f in (home.folder / "run" / "workers").glob("*.json")]
    lines = [json.loads(line) for line in home.run("records", "calls", "--json-lines").splitlines()]
    recorded = Counter(line["request_id"] for line in lines if line["role"] != "shadow")
    answered = [id_ for client in clients for id_ in client.answered]
    return {
        "rounds": asked.rounds,
        "kills": len(kills),
        "slowest_s": round(max(kill[3] for kill in kills), 1),
        "answered": len(answered),
        "broken": sum(client.broken for client in clients),
        "failed": [failed for client in clients for failed in client.failed][:5],
        "odd": threads[-1].odd[:5],
        "lost": sum(not recorded[id_] for id_ in answered),
        "twice": sum(recorded[id_] > 1 for id_ in answered),
        "agree": state["champion"] == served["champion"] and all(
            w["versions"]["calls"]["champion"] == served["champion"] for w in workers
        ),
    }  # fmt: skip


if __name__ == "__main__":
    main()
