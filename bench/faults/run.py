"""Planted faults on real data sets, through the whole loop: found? named? mended? left alone where nothing is wrong?

    python bench/faults/run.py [--quick] [--tune] [--only KIND...] [--data-sets NAME...] [--seeds N] [--beside N]
                               [--live N] [--out FOLDER] [--cases FOLDER] [--jobs N] [--report] [--picture FILE]

A trial is a data set, a fault and a seed: two and a half weeks of traffic at 400 records a day, the fault from day ten
on for a week. The seed draws the rows, the column, the way, the strength, sudden or gradual, and how late outcomes are.
The first seeds are run by those who act by reflex, too (--beside). Faults of processes are planted into a server and
its workers (live.py). Finished trials are kept in --out as lines of JSON: called again, only the others are run. Seeds
from 1002 on are for tuning (--tune), and never reported.
"""

import argparse
import json
import os
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # the trials share the cores
sys.path.insert(0, str(Path(__file__).parent))

from floors import broken
from lab import Lab
from live import FAULTS, table
from live import trials as trials_of
from plan import CACHE, DATA, NONE, Asked
from policies import compared
from reliability import as_picture, bins_of
from report import report
from sets import QUICK, SETS, data_sets
from trial import run

KINDS = (
    *("null", "unit", "renamed", "frozen", "swapped", "skew", "release", "exception", "outcomes", "prior"),
    *("covariate", "concept", "season", "attack", "overload", "crash", NONE),
)
PAIRS = ("unit+null", "release+outcomes", "swapped+overload", "frozen+crash", "unit+attack")
PAIRED = 3  # seeds in which two come at once: weak, medium, strong
FEWER = ("noaa_weather", "cmapss_fd001")  # have every fourth seed, and no policies beside; five data sets have all
REFLEXES = ("alarm", "reflex", "rollback", "psi")
TUNING, STRONG = 1_002, 1_010  # first seeds that are never reported; and one of them, of strong and sudden faults


def trials(args) -> list[tuple[str, int, list[Asked]]]:
    """Return what is to be run, by data set and seed: those share their traffic up to the fault."""
    names = args.data_sets or list(SETS)
    first = STRONG if args.quick else TUNING if args.tune else 0
    seeds = range(first, first + args.seeds)

    def kinds(seed: int) -> tuple[str, ...]:
        return tuple(args.only) or (*KINDS, *(PAIRS if seed < first + PAIRED else ()))

    def asked(name: str, seed: int) -> list[Asked]:
        own = [Asked(name, k, seed) for k in kinds(seed)]
        beside = REFLEXES if seed < first + args.beside and name not in FEWER else ()
        return own + [Asked(name, k, seed, p) for p in beside for k in tuple(args.only) or KINDS]

    return [(d, s, asked(d, s)) for s in seeds for d in names if args.data_sets or d not in FEWER or s % 4 == 0]


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


def live(args) -> None:
    """Run the trials of live processes that are not there yet, and write each down."""
    path = args.out / "live.jsonl"
    done = {json.loads(line)["name"] for line in path.read_text().splitlines()} if path.exists() else set()
    left = [(k, s) for s in range(args.live) for k in FAULTS if f"live.{k}.{s}" not in done]
    for lived in trials_of(left):
        with path.open("a") as file:
            file.write(json.dumps({"name": f"live.{lived.live}.{lived.seed}", **asdict(lived)}) + "\n")


def shown(args, rows: list[dict]) -> bool:
    """Print the tables; return whether all is as it should be, which only --quick judges."""
    lived = [r for r in rows if "live" in r]
    rows = [r for r in rows if "live" not in r]
    run = [r for r in rows if "asked" in r]
    print(report(rows), compared(run), table(lived) if lived else "", sep="\n")
    if args.picture:
        args.picture.write_text(as_picture(bins_of([r for r in run if r["asked"]["policy"] == "setpoint"])))
    low = broken(rows) if args.quick else []
    print("".join(f"\nbelow its floor: {words}" for words in low))
    return not low


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="two data sets that need no file, one seed; exit 1 below a floor"
    )
    parser.add_argument("--tune", action="store_true", help="the seeds and strengths that are for tuning")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--data-sets", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--beside", type=int, default=1, help="seeds that are run by reflex policies, too")
    parser.add_argument("--live", type=int, default=1, help="seeds of faults of live processes")
    parser.add_argument("--picture", type=Path, help="where the curve of the weights is drawn")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "trials")
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--report", action="store_true", help="only print what was found before")
    args = parser.parse_args()
    if args.quick:
        args.data_sets, args.seeds, args.beside, args.live = list(QUICK), 1, 0, 0
    args.out.mkdir(parents=True, exist_ok=True)
    jobs = [(job, args.out, args.cases, args.tune) for job in trials(args)]
    began = time.perf_counter()
    if not args.report:
        data_sets(DATA, CACHE, sorted({job[0][0] for job in jobs}))
        # the live ones wait most of the time
        with ThreadPoolExecutor(1) as beside, get_context("spawn").Pool(args.jobs) as pool:
            lived = beside.submit(live, args)
            for n, _ in enumerate(pool.imap_unordered(work, jobs), 1):
                print(f"\r{n}/{len(jobs)} {time.perf_counter() - began:.0f} s", end="", file=sys.stderr, flush=True)
            lived.result()
    wanted = {a.name for job in jobs for a in job[0][2]} | {f"live.{k}.{s}" for k in FAULTS for s in range(args.live)}
    rows = [r for p in sorted(args.out.glob("*.jsonl")) for r in map(json.loads, p.read_text().splitlines())]
    good = shown(args, [r for r in rows if r["name"] in wanted])
    print(f"{time.perf_counter() - began:.0f} s")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
