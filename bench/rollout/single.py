"""One metric at a time: false stops of equal versions, and how soon a worse one is stopped."""

import math
from functools import partial

import numpy as np
import rivals
import traffic as t
from ours import better_at, held_at, mature, stopped_at
from scipy import special

ROWS, RUNS = 10_000, 1_000
POWER_RUNS, LONGEST = 200, 40_000
DELAY = 3_000

EQUAL = {
    "errors 0.2 %, half of the traffic": t.errors,
    "errors, share 1-10-50 %, rate x 10": partial(t.errors, share=t.ramp, drift=10.0),
    "errors in waves (AR 0.99)": partial(t.errors, correlation=0.99),
    "errors that hang on 100 callers": t.callers,
    "latency beyond p99": t.latency,
    "latency, load in waves (AR 0.95)": partial(t.latency, correlation=0.95),
    "quality, split": t.answers,
    "quality, split, waves (AR 0.9)": partial(t.answers, correlation=0.9),
    "quality, paired": t.shadow,
    "quality, paired, waves (AR 0.9)": partial(t.shadow, correlation=0.9),
    "quality, late outcomes, share 1-10-50 %": partial(t.late, delay=DELAY),
}

WORSE = {
    "errors 0.2 to 1 %": partial(t.errors, fresh=0.01),
    "p99 + 20 %": partial(t.latency, slower=1.2),
    "p99 + 20 %, load in waves": partial(t.latency, slower=1.2, correlation=0.95),
    "quality - 2 points, split": partial(t.answers, fresh=0.12),
    "quality - 2 points, paired": partial(t.wrong_in_shadow, fresh=0.12),
}


def looks_of(one):
    """Whether each look stops: watched z, watched Fisher, Kayenta's judge, and one look at the end."""
    if isinstance(one, t.Paired):
        z = rivals.paired_z_path(one)
        return {"z": z < rivals.ALPHA, "fixed": z[-1:] < rivals.ALPHA}
    new, old = rivals.sums(one) if one.known is None else rivals.arrived(one)
    z = rivals.z_path(new, old)
    found = {"z": z < rivals.ALPHA, "fixed": z[-1:] < rivals.ALPHA, "kayenta": rivals.kayenta(*rivals.points(one))}
    if one.known is None and one.top == 1.0:
        found["fisher"] = rivals.fisher_path(new, old) < rivals.ALPHA
    return found


def false_stops():
    """Return the share of runs with equal versions that each judge stops."""
    rows = []
    for name, make in EQUAL.items():
        counts = {}
        for seed in range(RUNS):
            one = make(np.random.default_rng(seed), ROWS)
            late = isinstance(one, t.Shared) and one.known is not None
            found = looks_of(one)
            found["ours"] = np.array([stopped_at(mature(one, DELAY) if late else one) < math.inf])
            for judge, called in found.items():
                counts[judge] = counts.get(judge, 0) + bool(called.any())
        rows.append({"traffic": name} | {judge: count / RUNS for judge, count in counts.items()})
    return rows


def false_passes():
    """Return the share of runs in which a version that is worse by exactly the margin is ever proven not to be."""
    cases = {
        "errors + 0.5 points": (partial(t.errors, fresh=0.007), 0.005),
        "quality - 2 points, split, waves (AR 0.9)": (partial(t.answers, fresh=0.12, correlation=0.9), 0.02),
        "quality - 2 points, paired": (partial(t.wrong_in_shadow, fresh=0.12), 0.02),
    }
    rows = []
    for name, (make, margin) in cases.items():
        ours = z = once = 0.0
        for seed in range(RUNS):
            one = make(np.random.default_rng(30_000 + seed), ROWS)
            ours += held_at(one, margin) < math.inf
            called = rivals.not_worse(one, margin) < rivals.ALPHA
            z, once = z + called.any(), once + called[-1]
        rows.append({"version": name, "ours": ours / RUNS, "z": z / RUNS, "fixed": once / RUNS})
    return rows


def times_to_stop():
    """Return how many requests each judge needs to stop a worse version, and how often it does."""
    rows = []
    for name, make in WORSE.items():
        needed, called = [], []
        for seed in range(POWER_RUNS):
            one = make(np.random.default_rng(10_000 + seed), LONGEST)
            needed.append(stopped_at(one))
            if seed < POWER_RUNS // 4 and isinstance(one, t.Shared):
                shorter = make(np.random.default_rng(10_000 + seed), ROWS)
                at = np.flatnonzero(rivals.kayenta(*rivals.points(shorter)))
                called.append((at[0] + 1) * t.BATCH if len(at) else math.inf)
        rows.append({"version": name, **spread(needed), "fixed": fixed_rows(make), **kayenta_of(called)})
    return rows


def kayenta_of(called):
    return (
        {} if not called else {"kayenta power": float(np.isfinite(called).mean()), "kayenta": float(np.median(called))}
    )


def spread(needed):
    """Return the median and the 90th percentile, and how often it ended at all."""
    return {
        "median": float(np.quantile(needed, 0.5, method="higher")),
        "p90": float(np.quantile(needed, 0.9, method="higher")),
        "power": float(np.isfinite(needed).mean()),
    }


def fixed_rows(make, power=0.9):
    """Return how many requests a test with one look needs: known only to who knows the effect before."""
    one = make(np.random.default_rng(1), 400_000)
    if isinstance(one, t.Paired):
        worse = one.fresh - one.old
        per_row = worse.var() / worse.mean() ** 2
    else:
        a, b = one.bad[one.new], one.bad[~one.new]
        per_row = 2 * (a.var() + b.var()) / (a.mean() - b.mean()) ** 2
    return float(per_row * (special.ndtri(0.95) + special.ndtri(power)) ** 2)


def times_to_pass():
    """Return how many requests it takes to prove that an equal version is not worse, or that a better one is better."""
    cases = {
        "errors held within 0.5 points": lambda one: held_at(one, 0.005),
        "quality held within 2 points, split": lambda one: held_at(one, 0.02),
        "quality held within 2 points, paired": lambda one: held_at(one, 0.02),
        "quality + 1 point shown, split": better_at,
        "quality + 1 point shown, paired": better_at,
    }
    makers = [
        t.errors,
        t.answers,
        t.wrong_in_shadow,
        partial(t.answers, fresh=0.09),
        partial(t.wrong_in_shadow, fresh=0.09),
    ]
    rows = []
    for (name, when), make in zip(cases.items(), makers, strict=True):
        needed = [when(make(np.random.default_rng(20_000 + seed), LONGEST)) for seed in range(POWER_RUNS)]
        rows.append({"version": name, **spread(needed)})
    return rows
