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


def main():
    quick = "--quick" in sys.argv
    part = 20 if quick else 1
    single.RUNS, single.POWER_RUNS = single.RUNS // part, single.POWER_RUNS // min(part, 4)
    began = time.process_time()
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, "
        f"{platform.machine()}, {os.cpu_count()} cores"
    )
    found = {
        "false stops": single.false_stops(),
        "false passes": single.false_passes(),
        "stops": single.times_to_stop(),
        "passes": single.times_to_pass(),
        "equal": [whole.equal(WHOLE_RUNS // part)],
        "worse": whole.worse(WHOLE_RUNS // part),
        "bad": whole.bad_releases(max(BAD_RUNS // part, 5)),
    }
    shown(found)
    print(f"\n{time.process_time() - began:.0f} s of CPU")
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "rollout.json").write_text(json.dumps(found, indent=2) + "\n")


def shown(found):
    share, rows = percent, count
    table(
        f"Equal versions: stopped, of {single.RUNS} runs of {single.ROWS:,} requests (α = 5 %)",
        found["false stops"],
        {
            "traffic": ("traffic", str),
            "ours, every row": ("ours", share),
            "z, every batch": ("z", share),
            "Fisher, every batch": ("fisher", lambda n: share(n) or "–"),
            "Mann-Whitney as Kayenta, every batch": ("kayenta", lambda n: share(n) or "–"),
            "z, once": ("fixed", share),
        },
    )
    table(
        "Worse by exactly the margin: ever proven not to be (α = 5 %)",
        found["false passes"],
        {
            "version": ("version", str),
            "ours, every row": ("ours", share),
            "z, every batch": ("z", share),
            "z, once": ("fixed", share),
        },
    )
    table(
        "A worse version at half of the traffic: requests until it is stopped",
        found["stops"],
        {
            "version": ("version", str),
            "ours, median": ("median", rows),
            "90 %": ("p90", rows),
            "planned for this effect, one look, power 90 %": ("fixed", rows),
            "Kayenta: median": ("kayenta", lambda n: rows(n) or "–"),
            "Kayenta: found within 10,000": ("kayenta power", lambda n: share(n) or "–"),
        },
    )
    table(
        "Requests until it is proven",
        found["passes"],
        {"what": ("version", str), "median": ("median", rows), "90 %": ("p90", rows), "in 40,000": ("power", share)},
    )
    ends = {
        "version": ("version", str),
        "promoted": ("promote", share),
        "back": ("back", share),
        "a person": ("ask", share),
        "not decided": ("wait", share),
        "requests until promoted": ("requests until promoted", rows),
    }
    table("Whole rollouts: all metrics, segments and steps together", [*found["equal"], *found["worse"]], ends)
    table(
        "Bad releases, whole verdict with four segments: until it goes back",
        found["bad"],
        {
            "release": ("version", str),
            "share of the traffic": ("share", lambda n: "shadow" if n == 1.0 else f"{n:.0%}"),
            "requests, median": ("median", rows),
            "90 %": ("p90", rows),
            "seconds at 100 requests/s": ("seconds", rows),
        },
    )


if __name__ == "__main__":
    main()
