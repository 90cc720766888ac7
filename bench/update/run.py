"""When to retrain: Setpoint's policy over whole streams, beside never, clocks, triggers, an oracle, and river.

    python bench/update/run.py [--data FOLDER] [--only NAME ...] [--cache FOLDER] [--river] [-v]

Prints the tables, writes results/update.json, and draws docs/assets/expected-gain.svg. Fits are kept in the cache, so
that a second run takes minutes less. `--river` installs river there, in an environment of its own, and takes an hour
more the first time; its answers are kept too.
"""

import argparse
import json
import os
import platform
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # fits are small: threads only get into each other's way

import numpy as np
import sklearn
from accounts import accounts, told
from fits import CACHE, Fits
from fixed import adwin_fires, fixed, oracle, psi_fires, triggered
from ours import Replay
from picture import picture
from report import compared, quality_table, share_table, stream_table
from river_peer import installed, river
from streams import streams
from world import DELAYS, World, served

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "datasets"
ASSETS = HERE.parents[1] / "docs" / "assets"


def ran(world, python, *, verbose):
    """Return what every policy came to on a stream with a delay, and the accounts of our updates."""
    replay = Replay(world)
    outcomes = {
        "never": served(world, {}),
        **fixed(world),
        "ADWIN": triggered(world, adwin_fires),
        "PSI": triggered(world, psi_fires),
        "ours": replay.run(),
    }
    outcomes["oracle"] = oracle(world, max(1, outcomes["ours"].fits))
    forest = river(world, python)
    if forest is not None:
        outcomes["river"] = forest
    if verbose:
        print("\n".join(replay.said))
    return compared(world, outcomes, replay), accounts(world, replay)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", nargs="*", default=[], help="names of streams")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--river", action="store_true", help="run river's forest where its answers are not kept")
    parser.add_argument("-v", action="store_true", help="print every decision")
    args = parser.parse_args()
    python = installed(args.cache) if args.river else None
    machine = f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, Python {platform.python_version()}"
    print(machine)
    found, book = [], []
    for s in streams(args.data, tuple(args.only)):
        fits = Fits(s, args.cache)
        for delay in DELAYS:
            row, made = ran(World(s, fits, delay), python, verbose=args.v)
            print(f"… {s.name}, {delay} % late: {row['policies']['ours']}", flush=True)
            found.append(row)
            book += made
    for table in (*(stream_table(found, d) for d in DELAYS), share_table(found), quality_table(found), told(book)):
        print(f"\n{table}")
    if not args.only:
        (HERE / "results").mkdir(exist_ok=True)
        result = {"machine": machine, "streams": found, "updates": [asdict(a) for a in book]}
        (HERE / "results" / "update.json").write_text(json.dumps(result, indent=1))
        (ASSETS / "expected-gain.svg").write_text(picture(book))


if __name__ == "__main__":
    main()
