"""Planted faults on real data sets, through the whole loop: found? named? mended? left alone where nothing is wrong?

    python bench/faults/run.py [--quick] [--tune] [--only KIND...] [--data-sets NAME...] [--seeds N]
                               [--policies NAME...] [--out FOLDER] [--cases FOLDER] [--jobs N] [--report]

A trial is a data set, a fault and a seed: two and a half weeks of traffic at 400 records a day, the fault from day ten
on for a week. The seed draws the rows, the column, the way, the strength, sudden or gradual, and how late outcomes are.
Finished trials are kept in --out as lines of JSON: called again, only the others are run. Seeds from 1002 on are for
tuning (--tune), and never reported.
"""

import argparse
import json
import os
import sys
import time
import warnings
from multiprocessing import get_context
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # the trials share the cores
sys.path.insert(0, str(Path(__file__).parent))

from lab import Lab
from plan import CACHE, DATA, NONE, Asked
from report import report
from sets import SETS, data_sets
from trial import run

KINDS = (
    *("null", "unit", "renamed", "frozen", "swapped", "skew", "release", "exception", "outcomes", "prior"),
    *("covariate", "concept", "season", "attack", "overload", "crash", NONE, "unit+null", "release+outcomes"),
)
TUNING = 1_002


def trials(args) -> list[tuple[str, int, list[Asked]]]:
    """Return what is to be run, by data set and seed: those share their traffic up to the fault."""
    names = args.data_sets or (["bike_hourly", "bank_marketing", "noaa_weather"] if args.quick else list(SETS))
    first = TUNING if args.tune else 0
    seeds = range(first, first + (args.seeds or (3 if args.quick else 20)))
    kinds = args.only or KINDS
    return [(d, s, [Asked(d, k, s, p) for k in kinds for p in args.policies]) for s in seeds for d in names]


def work(job) -> None:
    """Run the trials of one data set and seed, and write each down."""
    (name, seed, asked), out, cases, tune = job
    warnings.simplefilter("ignore")
    path = out / f"{name}.{seed}.jsonl"
    done = {json.loads(line)["name"] for line in path.read_text().splitlines()} if path.exists() else set()
    left = [a for a in asked if a.name not in done]
    if not left:
        return
    lab = Lab(data_sets(DATA, CACHE, [name])[0], seed)
    for a in left:
        row = tried(a, lab, cases, tune)
        with path.open("a") as file:
            file.write(json.dumps({"name": a.name, **row}, default=str) + "\n")


def tried(asked, lab, cases, tune) -> dict:
    from setpoint.errors import InvalidInput

    try:
        return run(asked, lab, cases, tune).row()
    except InvalidInput as e:
        if "can have it" not in str(e):
            raise
        return {"skipped": str(e)}
    except Exception as e:  # one trial that fails does not end the others; the report counts it
        return {"failed": f"{type(e).__name__}: {e}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three data sets, three seeds: about five minutes")
    parser.add_argument("--tune", action="store_true", help="the seeds and strengths that are for tuning")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--data-sets", nargs="*", default=[])
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--policies", nargs="*", default=["setpoint"])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "trials")
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--report", action="store_true", help="only print what was found before")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    jobs = [(job, args.out, args.cases, args.tune) for job in trials(args)]
    began = time.perf_counter()
    if not args.report:
        data_sets(DATA, CACHE, sorted({job[0][0] for job in jobs}))
        with get_context("spawn").Pool(args.jobs) as pool:
            for n, _ in enumerate(pool.imap_unordered(work, jobs), 1):
                print(f"\r{n}/{len(jobs)} {time.perf_counter() - began:.0f} s", end="", file=sys.stderr, flush=True)
    wanted = {a.name for job in jobs for a in job[0][2]}
    rows = [r for p in sorted(args.out.glob("*.jsonl")) for r in map(json.loads, p.read_text().splitlines())]
    print(report([r for r in rows if r["name"] in wanted]))


if __name__ == "__main__":
    main()
