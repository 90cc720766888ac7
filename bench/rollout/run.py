"""Verdicts on rollouts: false stops, wrong promotions, and how soon a bad release goes back, beside what others do.

    python bench/rollout/run.py [--quick]

Equal versions under a look at every row (others: after every batch of 200), worse versions, and whole rollouts as the
product judges them: all metrics, segments and steps together. Prints tables and writes results/rollout.json beside
this; seeds are fixed. About eight minutes on one core; `--quick` takes a twentieth of the runs.
"""

import json
import math
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np
import scipy
import single
import whole

WHOLE_RUNS, BAD_RUNS = 1_000, 50


def percent(number):
    return "" if number is None else f"{number:.1%}"


def count(number):
    if number is None:
        return ""
    return f"{number:,.0f}" if math.isfinite(number) else "never"


def table(title, rows, columns):
    """Print rows as a table; columns: heading → (key, how it is written)."""
    print(f"\n**{title}**\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(written(row.get(key)) for key, written in columns.values())} |")
    sys.stdout.flush()


def dashed(number):
    return percent(number) or "–"


TITLES = {
    "false stops": "Equal versions: stopped, of 10,000 requests (α = 5 %)",
    "false passes": "Worse by exactly the margin: ever proven not to be (α = 5 %)",
    "stops": "A worse version at half of the traffic: requests until it is stopped",
    "passes": "Requests until it is proven",
    "ends": "Whole rollouts: all metrics, segments and steps together",
    "bad": "Bad releases, whole verdict with four segments: until it goes back",
}
COLUMNS = {
    "false stops": {
        "traffic": ("traffic", str),
        "ours, every row": ("ours", percent),
        "z, every batch": ("z", percent),
        "Fisher, every batch": ("fisher", dashed),
        "Mann-Whitney as Kayenta, every batch": ("kayenta", dashed),
        "z, once": ("fixed", percent),
    },
    "false passes": {
        "version": ("version", str),
        "ours, every row": ("ours", percent),
        "z, every batch": ("z", percent),
        "z, once": ("fixed", percent),
    },
    "stops": {
        "version": ("version", str),
        "ours, median": ("median", count),
        "90 %": ("p90", count),
        "planned for this effect, one look, power 90 %": ("fixed", count),
        "Kayenta: median": ("kayenta", lambda n: count(n) or "–"),
        "Kayenta: found within 10,000": ("kayenta power", dashed),
    },
    "passes": {
        "what": ("version", str),
        "median": ("median", count),
        "90 %": ("p90", count),
        "in 40,000": ("power", percent),
    },
    "ends": {
        "version": ("version", str),
        "promoted": ("promote", percent),
        "back": ("back", percent),
        "a person": ("ask", percent),
        "not decided": ("wait", percent),
        "requests until promoted": ("requests until promoted", count),
    },
    "bad": {
        "release": ("version", str),
        "share of the traffic": ("share", lambda n: "shadow" if n == 1.0 else f"{n:.0%}"),
        "requests, median": ("median", count),
        "90 %": ("p90", count),
        "seconds at 100 requests/s": ("seconds", count),
    },
}


def main():
    quick = "--quick" in sys.argv
    part = 20 if quick else 1
    single.RUNS, single.POWER_RUNS = single.RUNS // part, single.POWER_RUNS // min(part, 4)
    began = time.process_time()
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, "
        f"{platform.machine()}, {os.cpu_count()} cores"
    )
    parts = {
        "false stops": single.false_stops,
        "false passes": single.false_passes,
        "stops": single.times_to_stop,
        "passes": single.times_to_pass,
        "ends": lambda: whole.equal(WHOLE_RUNS // part) + whole.worse(WHOLE_RUNS // part),
        "bad": lambda: whole.bad_releases(max(BAD_RUNS // part, 5)),
    }
    found = {}
    for name, draw in parts.items():
        found[name] = draw()
        table(TITLES[name], found[name], COLUMNS[name])
    print(f"\n{time.process_time() - began:.0f} s of CPU")
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "rollout.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
