"""Burn rates: false alarms a year at a constant rate just inside the objective, and how soon an outage is found.

By simulation, minute by minute: Poisson requests, binomial failures, a target of 99.9 % over 30 days, a look every five
minutes. Beside 'error rate > target in the last 5 minutes'. Prints tables, and writes results/burn.json beside this.
"""

import json
import os
import platform
from pathlib import Path

import numpy as np

from setpoint.monitor.burn import PACES, Pace, windows_of
from setpoint.monitor.seen import FAMILIES, YEAR_S
from setpoint.stats.burn import burns

ALLOWED, WINDOW_S, EVERY = 0.001, 30 * 86_400.0, 5
YEAR, YEARS, OUTAGES = 365 * 1_440, 20, 40
BUDGET = 2.0 / FAMILIES
WHOLE = Pace(name="all of it", rate=1.0, long=1.0, short=1 / 120)
BEFORE, AFTER = 20 * 1_440, 4 * 1_440


def watched(rate, per_minute, minutes, seed):
    """Whether each look raises an alarm: ours, and the dummy's."""
    rng = np.random.default_rng(seed)
    asked = rng.poisson(per_minute, minutes)
    failed, requests = (np.concatenate([[0], np.cumsum(p)]) for p in (rng.binomial(asked, rate), asked))
    ends = np.arange(EVERY, minutes + 1, EVERY)

    def within(window_s):
        begins = np.maximum(ends - round(window_s / 60), 0)
        return failed[ends] - failed[begins], requests[ends] - requests[begins]

    alarms = np.zeros(len(ends), bool)
    for pace in (*PACES, WHOLE):
        long_s, short_s = windows_of(pace, WINDOW_S)
        alpha = BUDGET / (min(YEAR_S / (60 * EVERY), 4 * YEAR_S / long_s) * (len(PACES) + 1))
        bad, rows = within(short_s)
        share = np.divide(bad, rows, out=np.full(len(ends), np.nan), where=rows > 0)
        alarms |= burns(*within(long_s), share, ALLOWED, pace.rate, alpha)
    bad, rows = within(300.0)
    return alarms, bad > ALLOWED * rows


def incidents(alarms):
    """Alarms an hour or more apart."""
    at = np.flatnonzero(alarms) * EVERY
    return int(len(at) > 0) + int((np.diff(at) > 60).sum())


def delay(alarms):
    """Minutes from the outage to the first alarm."""
    at = np.flatnonzero(alarms[BEFORE // EVERY :])
    return EVERY * (at[0] + 1) if len(at) else np.inf


def main():
    print(f"Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}, {os.cpu_count()} cores")
    found = {"false": [], "found": []}
    print(f"\nfalse incidents a year at 95 % of what is allowed ({YEARS} years; the budget is {BUDGET:g})")
    print("requests a minute   ours   dummy")
    for per_minute in (0.2, 1.0, 5.0, 50.0, 200.0, 1_000.0):
        called = [watched(0.95 * ALLOWED, per_minute, YEAR, seed) for seed in range(YEARS)]
        ours, dummy = (sum(incidents(one[k]) for one in called) / YEARS for k in (0, 1))
        found["false"].append({"per_minute": per_minute, "ours": ours, "dummy": dummy})
        print(f"{per_minute:>17g}   {ours:.2f}   {dummy:>5.0f}")
    print(f"\nminutes until an outage is found, median and 95th percentile of {OUTAGES}")
    print("failing   requests a minute   ours          dummy")
    for share in (1.0, 0.1, 0.02, 0.005):
        for per_minute in (1.0, 100.0, 1_000.0):
            rate = np.where(np.arange(BEFORE + AFTER) < BEFORE, 0.0001, share)
            pairs = [watched(rate, per_minute, BEFORE + AFTER, 1_000 + seed) for seed in range(OUTAGES)]
            ours, dummy = ([delay(one[k]) for one in pairs] for k in (0, 1))
            late = float(np.quantile(ours, 0.95, method="higher"))
            medians = float(np.median(ours)), float(np.median(dummy))
            found["found"].append(
                {"share": share, "per_minute": per_minute, "ours": medians[0], "p95": late, "dummy": medians[1]}
            )
            print(f"{share:>7.1%}   {per_minute:>17g}   {medians[0]:>5.0f} {late:>5.0f}   {medians[1]:>5.0f}")
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "burn.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
