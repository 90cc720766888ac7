"""Replay: records a second on one core and with a second one, answers that are known, and the interval's errors.

    python bench/replay/run.py [--only speed answers interval equal state] [--rows N] [--data FOLDER]

Prints tables, and writes results/replay.json beside this file. Seconds are of CPU, of all processes, where it says so.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow.parquet as pq
import sklearn
from equal import equal_policies
from projects import bike, planted, retail
from state import looks_weighed, quarters
from stretches import coverage

from setpoint.bootstrap.replaying import replay_table
from setpoint.config import Settings, read_setpoint_file, seconds

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "datasets"
PER_DAY = 10_000


def raced(project, every, policies, jobs=1):
    """Race, and return what came of it, wall seconds and CPU seconds of all processes."""
    from datetime import timedelta

    table, began, cpu = pq.read_table(project / "traffic.parquet"), time.perf_counter(), _cpu()
    replayed = replay_table(
        read_setpoint_file(project), table, Settings(), every=timedelta(seconds=seconds(every)), policies=policies,
        jobs=jobs,
    )  # fmt: skip
    return replayed, time.perf_counter() - began, _cpu() - cpu


def _cpu():
    return sum(os.times()[:4])


def speed(rows, folder, data):
    """Time the loop over traffic without drift: monitors, records and looks, and no training."""
    found = []
    for task in ("regression", "binary"):
        project = planted(folder / task, task, rows, PER_DAY)
        _, _, never_cpu = raced(project, "1d", ("never",))
        _, wall, cpu = raced(project, "1d", ("setpoint",))
        two, wall_1, _ = raced(project, "1d", ("setpoint", "alarm"))
        same, wall_2, _ = raced(project, "1d", ("setpoint", "alarm"), jobs=2)
        found.append(
            {
                "task": task, "rows": rows, "per_day": PER_DAY, "never_cpu_s": never_cpu, "cpu_s": cpu, "wall_s": wall,
                "rows_per_cpu_s": rows / (cpu - never_cpu), "two_in_turn_s": wall_1, "two_at_once_s": wall_2,
                "same": two.decisions == same.decisions and two.windows == same.windows,
            }
        )  # fmt: skip
        r = found[-1]
        print(
            f"{task:12} {rows:>9,} rows: {r['rows_per_cpu_s']:>8,.0f} a CPU second; two policies in turn "
            f"{wall_1:.0f} s, at once {wall_2:.0f} s ({wall_1 / wall_2:.2f} ×); the same to the last figure: "
            f"{r['same']}",
            flush=True,
        )
    return found


def answers(rows, folder, data):
    """Ask the newcomer's question of two tables."""
    found = {}
    for name, make, right in (("bike_hourly", bike, "yes"), ("online_retail", retail, "no")):
        replayed, wall, cpu = raced(make(folder / name, data), "1d", ("setpoint",))
        verdict = replayed.verdict
        found[name] = {
            "answer": verdict.answer, "right": right, "why": verdict.why, "share": verdict.share, "wall_s": wall,
            "cpu_s": cpu,
            "low": verdict.gain.low, "high": verdict.gain.high, "never": replayed.policies["never"].quality,
        }  # fmt: skip
        print(f"{name:14} {verdict.answer} ({right} is right): {'; '.join(verdict.why)}; {cpu:.0f} s CPU", flush=True)
    return found


def interval(rows, folder, data):
    """How often the interval leaves out what it claims to cover, and other truths, beside one for independent rows."""
    return coverage()


def equal(rows, folder, data):
    """How often one of two policies that are equal is called better, on real streams."""
    return equal_policies(data)


def state(rows, folder, data):
    """Weigh what each look writes while a deployment ages: rentals of a year and a half, looked at every six hours."""
    project = bike(folder / "aging", data)
    with looks_weighed() as looks:
        raced(project, "6h", ("setpoint",))
    found = quarters(looks)
    for n, q in enumerate(found, 1):
        print(
            f"quarter {n}: {q['looks']} looks, each writes {q['p50']:,.0f} bytes (median; mean {q['mean']:,.0f}); "
            f"the whole state is {q['whole']:,} bytes: {q['decisions']} decisions, {q['rollouts']} rollouts, "
            f"{q['incidents']} incidents",
            flush=True,
        )
    return found


PARTS = {"speed": speed, "answers": answers, "interval": interval, "equal": equal, "state": state}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--data", type=Path, default=DATA)
    args = parser.parse_args()
    machine = (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"scikit-learn {sklearn.__version__}, onnxruntime {onnxruntime.__version__}"
    )
    print(machine)
    result = {"machine": machine}
    with tempfile.TemporaryDirectory(prefix="setpoint-bench-") as folder:
        for name in args.only:
            print(f"\n{name}")
            result[name] = PARTS[name](args.rows, Path(folder), args.data)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "replay.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
