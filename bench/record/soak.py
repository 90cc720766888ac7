"""Mixed load, kills, restarts, full disks and clock steps lose and double nothing: reconciled by ids from outside.

`python bench/record/soak.py [MINUTES=30] [--seed N]` deploys two versions with `setpoint deploy`, serves them with
`setpoint up` from a home on a small file system of its own, and sends predictions (v1 and v2, one row and many) and
outcomes (late, repeated, corrected, for unknown ids; over HTTP and by `setpoint outcomes`), while things happen to the
processes, the disk and the clock. A request without an answer is never sent again under its id. At the end the Delta
tables and `setpoint records` are compared with what clients were told. It exits 1 if anything is lost or doubled.

It mounts an image, so it wants root on Linux; elsewhere the disk stays as it is. The clock of Setpoint's processes is
stepped by a small library that it compiles (`clock.c`); without a compiler the clock stays. A worker is not killed
while the disk is full: what it then holds in memory is lost with it, which the limits say.
"""

import argparse
import asyncio
import errno
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import uvloop

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "serving"))
from book import Book, Outcomes, Rows  # noqa: E402
from reconcile import reconciled  # noqa: E402

from setpoint.platforms.files import HomeFiles, alive  # noqa: E402

MODEL = "spending"
GAP_S = (2.0, 8.0)  # between two events
FULL_S = (20.0, 60.0)
STEPS_S = (60.0, 900.0, 3_600.0, 21_600.0)  # by which the clock is stepped, back and forth
TICK_EVERY_S = 2.0
UP_S = 90.0
LAG_S = 120.0
PROJECT = """
model: spending
task: regression
artifact: model.joblib
reference: reference.parquet
target: spent
id: call
objectives:
  - {metric: mae, at_most: 100000}
envelope: {automatic: []}
"""
MAKE = """
import sys
from pathlib import Path
import joblib, numpy as np, pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
rng, n = np.random.default_rng(0), 500
rows = pd.DataFrame({"age": rng.integers(18, 80, n), "balance": rng.normal(1000, 400, n).round(2),
                     "job": rng.choice(["admin", "retired", "technician"], n), "call": [f"c{i}" for i in range(n)]})
rows["spent"] = rows["balance"] + rows["age"] + float(sys.argv[2])
steps = make_column_transformer((OneHotEncoder(), ["job"]), remainder="passthrough")
model = make_pipeline(steps, LinearRegression()).fit(rows[["age", "balance", "job"]], rows["spent"])
joblib.dump(model, Path(sys.argv[1]) / "model.joblib")
rows.to_parquet(Path(sys.argv[1]) / "reference.parquet", index=False)
"""


class Stage:
    """A home on its own disk, its clock, and the commands that run in it. `said` is what went wrong in words."""

    def __init__(self, work, disk_mb, stack):
        self.work, self.said = work, []
        self.disk = work / "disk"
        self.disk.mkdir()
        self.small = mounted(work / "disk.img", self.disk, disk_mb, stack)
        self.home = self.disk / "home"
        self.files = HomeFiles(self.home)
        self.clock = work / "clock"
        self.clock.write_bytes(struct.pack("qq", 0, int(time.time())))
        self.shifted_s = 0.0
        self.preload = compiled(work)
        self.port, self.control = free_ports()
        stepped = {"LD_PRELOAD": str(self.preload), "SOAK_CLOCK": str(self.clock)} if self.preload else {}
        self.environment = {**os.environ, "SETPOINT_HOME": str(self.home), "OMP_NUM_THREADS": "1",
                            "SETPOINT_TICK_EVERY_S": str(TICK_EVERY_S), **stepped}  # fmt: skip

    def run(self, *arguments, code=0, out=subprocess.PIPE):
        """Run a command; a traceback, or an exit code that was not expected, is noted."""
        argv = [sys.executable, "-m", "setpoint", *map(str, arguments)]
        done = subprocess.run(argv, stdout=out, stderr=subprocess.PIPE, text=True, env=self.environment)
        if "Traceback" in done.stderr or (code is not None and done.returncode != code):
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            self.said.append(f"setpoint {arguments[0]}: exit code {done.returncode}: {last[:300]}")
            with (self.work / "errors.log").open("a") as log:
                log.write(f"{time.strftime('%X')} {argv[2:]}\n{done.stderr}\n")
        return done

    def prepare(self):
        """Deploy two versions."""
        for nth, add in enumerate((0, 10_000)):
            project = self.work / f"project{nth}"
            project.mkdir()
            subprocess.run([sys.executable, "-c", MAKE, project, str(add)], check=True)
            (project / "setpoint.yaml").write_text(PROJECT)
            if self.run("deploy", project, "--json").returncode:
                raise SystemExit(self.said[-1])

    def up(self):
        """Start it, again where that fails, as a person would."""
        end = time.monotonic() + UP_S
        while self.run("up", "--detach", "--port", self.port, "--control-port", self.control).returncode:
            if time.monotonic() > end:
                raise SystemExit(f"setpoint up fails for {UP_S:.0f} s: {self.said[-1]}")
            time.sleep(1.0)
        shutil.copy(self.home / "run" / "up.log", self.work / f"up-{time.time_ns()}.log")

    def down(self):
        """Stop it in good order."""
        self.keep_log()
        self.run("down")

    def keep_log(self):
        """Keep what the processes said: the next `up` starts a new log."""
        shutil.copy(self.home / "run" / "up.log", self.work / f"up-{time.time_ns()}.log")

    def running(self):
        """Return the processes as the supervisor knows them; waits for one that is starting."""
        end = time.monotonic() + UP_S
        while (found := self.files.running()) is None:
            if time.monotonic() > end:
                raise SystemExit("nothing runs on the home")
            time.sleep(0.1)
        return found

    def shift(self, seconds):
        """Step the clock."""
        self.shifted_s += seconds
        with self.clock.open("r+b") as file:
            file.write(struct.pack("q", int(self.shifted_s * 1e9)))

    def gauge(self, name):
        """Return a gauge of the workers: `setpoint_recorder_backlog` are records in their memory; None: no answer."""
        asked = subprocess.run(
            ["curl", "-s", "-m", "5", f"http://127.0.0.1:{self.port}/metrics"], capture_output=True, text=True
        )
        lines = [line for line in asked.stdout.splitlines() if line.startswith(name)]
        return sum(float(line.rpartition(" ")[2]) for line in lines) if lines else None


def mounted(image, folder, disk_mb, stack):
    """Mount a file system of its own on a folder; say so and return False if that may not be."""
    with image.open("wb") as file:
        file.truncate(disk_mb * 2**20)
    for commands in (
        (["mkfs.ext4", "-q", "-m", "0", image], ["mount", "-o", "loop", image, folder]),
        (["mount", "-t", "tmpfs", "-o", f"size={disk_mb}m", "tmpfs", folder],),
    ):
        try:
            for command in commands:
                subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as e:
            print(f"{command[0]}: {getattr(e, 'stderr', None) or e}", file=sys.stderr)
        else:
            stack.callback(lambda: subprocess.run(["umount", "-l", folder], check=True))
            return True
    print("no file system of its own can be mounted here: the disk will not be full", file=sys.stderr)
    return False


def compiled(work):
    """Compile the clock; None, and a word of it, where that cannot be."""
    made = work / "clock.so"
    argv = ["cc", "-O2", "-shared", "-fPIC", "-o", made, HERE / "clock.c", "-ldl"]
    try:
        subprocess.run(argv, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as e:
        print(f"no clock that steps ({getattr(e, 'stderr', None) or e}): it stays", file=sys.stderr)
        return None
    return made


def free_ports():
    """Return two free ports, likely."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


class Events:
    """What happens while the load runs. Each returns a word on what it did."""

    def __init__(self, stage, book, rng, full_s):
        self.stage, self.book, self.rng, self.full_s = stage, book, rng, full_s

    def kill_worker(self):
        pids = [pid for pid in self.stage.running().workers if alive(pid)]
        if pids:
            os.kill(self.rng.choice(pids), signal.SIGKILL)
        return f"one of {len(pids)}"

    def kill_control(self):
        pid = self.stage.running().control
        if pid and alive(pid):
            os.kill(pid, signal.SIGKILL)
        return f"pid {pid}"

    def kill_supervisor(self):
        self.stage.keep_log()
        running = self.stage.running()
        os.kill(running.pid, signal.SIGKILL)
        end = time.monotonic() + 15.0
        while (left := [p for p in (*running.workers, running.control) if p and alive(p)]) and time.monotonic() < end:
            time.sleep(0.2)
        if left:
            self.stage.said.append("processes outlive a killed supervisor: ended by hand")
            for pid in left:
                os.kill(pid, signal.SIGKILL)
        self.stage.up()
        return f"up again; {len(left)} processes had stayed"

    def restart(self):
        self.stage.running()
        self.stage.down()
        self.stage.up()
        return "down and up"

    def fill_disk(self):
        """Leave no byte for a while; then wait until the workers have written what they hold."""
        ballast, end = self.stage.disk / "ballast", time.monotonic() + self.rng.uniform(*self.full_s)
        try:
            with ballast.open("wb", buffering=0) as file:
                while time.monotonic() < end:
                    top_up(file)
                    time.sleep(0.2)
        finally:
            ballast.unlink()
        began = time.monotonic()
        while self.stage.gauge("setpoint_recorder_backlog") != 0.0:
            if time.monotonic() > began + 60:
                self.stage.said.append("records are held in memory a minute after the disk has room again")
                break
            time.sleep(0.3)
        return f"written {time.monotonic() - began:.1f} s after it had room"

    def step_clock(self):
        by = self.rng.choice(STEPS_S) * self.rng.choice((-1, 1))
        by = -self.stage.shifted_s if abs(self.stage.shifted_s + by) > 86_400 else by
        self.stage.shift(by)
        return f"by {by:+,.0f} s"

    def swap_champion(self):
        version = self.rng.choice(("v1", "v2"))
        self.stage.run("rollback", MODEL, "--to", version, code=None)
        return f"to {version}"

    def tell_by_file(self):
        """Tell outcomes by a table; what is not confirmed may or may not be there."""
        file = self.stage.work / "outcomes.parquet"
        entries = self.book.due(200)
        if not entries:
            return "none due"
        self.book.write(entries, file)
        done = self.stage.run("outcomes", MODEL, file, "--json", code=None)
        try:
            confirmed = json.loads(done.stdout)["received"] == len(entries)
        except (ValueError, KeyError):
            confirmed = False
        self.book.told(entries, confirmed)
        return f"{len(entries)}{'' if confirmed else ', not confirmed'}"

    def look(self):
        """Read as people do meanwhile."""
        self.stage.run("records", MODEL, "--json-lines", "--limit", 20, "--where", "status == 200")
        return ""


WEIGHTS = {"kill_worker": 6, "kill_control": 4, "kill_supervisor": 1, "restart": 1, "fill_disk": 1, "step_clock": 3,
           "swap_champion": 1, "tell_by_file": 3, "look": 1}  # fmt: skip


def top_up(file):
    """Write until the disk refuses."""
    for size in (2**24, 2**20, 2**12, 1):
        try:
            while file.write(b"\0" * size) == size:
                pass
        except OSError as e:
            if e.errno != errno.ENOSPC:
                raise


async def drive(stage, book, minutes, seed):
    """Run the load and the events; return what happened, each (second, event, seconds it took, words)."""
    port, rng = stage.port, random.Random(seed)
    loads = [
        Rows("a", port, 6, book, path=f"/v1/models/{MODEL}:predict", most=1, every_s=0.03),
        Rows("b", port, 2, book, path=f"/v1/models/{MODEL}:predict", most=40, every_s=0.2),
        Rows("c", port, 2, book, path=f"/v2/models/{MODEL}/infer", most=20, every_s=0.2),
        Outcomes("o", port, 2, book, path=f"/v1/models/{MODEL}:outcome", every_s=0.15),
    ]
    for load in loads:
        await load.start()
    watching = asyncio.create_task(book.watch(loads))
    full_s = tuple(min(s, minutes * 6.0) for s in FULL_S)
    events, happened, begun = Events(stage, book, rng, full_s), [], time.monotonic()
    names = [n for n in WEIGHTS if (n != "fill_disk" or stage.small) and (n != "step_clock" or stage.preload)]
    first = rng.sample(names, len(names))  # each at least once, where there is time
    while time.monotonic() < begun + minutes * 60:
        await asyncio.sleep(rng.uniform(*GAP_S))
        name = first.pop() if first else rng.choices(names, [WEIGHTS[n] for n in names])[0]
        at = time.monotonic()
        words = await asyncio.to_thread(getattr(events, name))
        happened.append((at - begun, name, time.monotonic() - at, words))
        book.note(f"event {name} {words}")
        print(f"{at - begun:7.1f} s  {name:16}{time.monotonic() - at:6.1f} s  {words}", flush=True)
    await asyncio.gather(*(load.stop() for load in loads))
    watching.cancel()
    return happened


def settle(stage):
    """Wait for the log to have everything, then stop; return what an ingestion afterwards still found."""
    stage.running()
    end = time.monotonic() + LAG_S
    while stage.gauge("setpoint_spool_lag_seconds") != 0.0:
        if time.monotonic() > end:
            stage.said.append(f"the log has not caught up with the spool {LAG_S:.0f} s after the last request")
            break
        time.sleep(0.5)
    caught_up_s = round(LAG_S - (end - time.monotonic()), 1)
    stage.down()
    argv = [sys.executable, "-c", INGEST, stage.home]
    moved = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True, env=stage.environment).stdout
    return {
        "caught_up_after_s": caught_up_s,
        "left_bytes": spooled(stage.home),
        "ingested_at_the_end": json.loads(moved),
        "quarantined": len(list((stage.home / "spool").glob("*/quarantine/*"))),
    }


INGEST = """
import sys
from pathlib import Path
import msgspec
from setpoint.store.log import DeltaRecordLog
log = DeltaRecordLog(Path(sys.argv[1]))
found = [msgspec.to_builtins(log.ingest()) for _ in range(3)]
print(msgspec.json.encode({name: sum(f[name] for f in found) for name in found[0]}).decode())
"""


def spooled(home):
    """Return bytes of the spool beyond the headers of segments."""
    files = [f for suffix in ("*.seg", "*.out") for f in (home / "spool").glob(f"*/{suffix}")]
    return sum(max(0, f.stat().st_size - 8) for f in files)


def main():
    """Run it; print what happened and what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", type=float, nargs="?", default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--disk-mb", type=int, default=1_024)
    parser.add_argument("--keep", action="store_true", help="keep the work folder, with logs and the home")
    asked = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="soak-"))
    print(f"seed {asked.seed}, {asked.minutes:g} minutes, in {work}", flush=True)
    with ExitStack() as stack:
        stage = Stage(work, asked.disk_mb, stack)
        stage.prepare()
        book = Book(work / "clients.log", asked.seed)
        stack.callback(book.close)
        stack.callback(lambda: stage.files.running() and stage.down())
        stage.up()
        happened = uvloop.run(drive(stage, book, asked.minutes, asked.seed))
        found = settle(stage) | reconciled(stage, book, MODEL)
        if asked.keep:
            shutil.copytree(stage.home, work / "home", symlinks=True)
    holds = report(happened, stage, book, found)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    result = {"seed": asked.seed, "minutes": asked.minutes, "holds": holds, "events": happened, "said": stage.said,
              "answers": [[*key, count] for key, count in book.answers.items()], **found}  # fmt: skip
    (results / "soak.json").write_text(json.dumps(result, indent=2) + "\n")
    if not asked.keep and holds:
        shutil.rmtree(work)
    return 0 if holds else 1


def report(happened, stage, book, found):
    """Print tables; return whether nothing was lost or doubled."""
    print("\nevents")
    counts = Counter(name for _, name, _, _ in happened)
    for name, count in counts.most_common():
        print(f"  {name:18}{count:>6}")
    print("answers, requests by kind and status (none: no answer)")
    for (kind, status), count in sorted(book.answers.items(), key=str):
        print(f"  {kind} {status or 'none':<16}{count:>8,}")
    print("what came out")
    for name, value in found.items():
        print(f"  {name:34}{value:>10,}" if isinstance(value, int | float) else f"  {name:34}{value}")
    for text, count in Counter(stage.said).most_common(20):
        print(f"  said {count} times: {text}")
    return not any(
        value for name, value in found.items() if name.startswith(("lost", "doubled", "wrong", "left_bytes"))
    )


if __name__ == "__main__":
    sys.exit(main())
