"""How often the interval of a replay leaves out what it claims to cover, on series whose truth is known."""

import numpy as np
from scipy.signal import lfilter

from setpoint.stats.paired import mean_interval
from setpoint.stats.stretch import parts, stretch_interval

RUNS = 1_000
ROWS = (600, 10_000)
ERAS = (2, 3, 4, 5, 6, 8, 12, 25)
BEGINNINGS = (0, 12)  # rows at which something new began, as the replay knows them


def coverage():
    """Print and return in percent how often each truth is left out, a row for each kind of series.

    `expected` is what is claimed: the mean of what could be expected of each part when it began. `mean` is the mean of
    the level, or where the series stands still its long-run mean.
    """
    found = []
    for rows in ROWS:
        for kind, draw in KINDS.items():
            for beginnings in BEGINNINGS:
                row = {"rows": rows, "kind": kind, "beginnings": beginnings, **wrong(draw, rows, beginnings)}
                found.append(row)
                print(" ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{v}" for k, v in row.items()), flush=True)
    for eras in ERAS:
        found.append(leads(eras))
        print(" ".join(f"{k} {v:.3g}" for k, v in found[-1].items()), flush=True)
    return found


def wrong(draw, rows, beginnings):
    """Count, in percent, which intervals leave out which truth, whether ours is above zero, and how wide it is."""
    counts, wide = dict.fromkeys(("expected", "mean", "standing_mean", "independent_mean", "above_zero"), 0), []
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        starts = np.sort(rng.integers(1, rows, beginnings)).tolist()
        gains, mean, expected = draw(rng, rows, parts(rows, starts))
        ours, naive = stretch_interval(gains, starts), independent(gains)
        counts["expected"] += not ours.low <= expected <= ours.high
        counts["mean"] += not ours.low <= mean <= ours.high
        counts["above_zero"] += ours.low > 0
        standing = mean_interval(gains)
        counts["standing_mean"] += not standing.low <= mean <= standing.high
        counts["independent_mean"] += not naive[0] <= mean <= naive[1]
        wide.append((ours.high - ours.low) / (naive[1] - naive[0]))
    return {k: 100 * float(v) / RUNS for k, v in counts.items()} | {"times_as_wide": float(np.median(wide))}


def leads(eras):
    """Count, in percent, how often equal policies are called different: chance gives each era's lead to either."""
    wrong = 0
    for seed in range(RUNS):
        rng, rows = np.random.default_rng(seed), 2_500
        starts = np.sort(rng.choice(np.arange(50, rows - 50), eras - 1, replace=False))
        lead = rng.uniform(0.2, 1.5, eras) * rng.choice([-1, 1], eras)
        gains = np.repeat(lead, np.diff([0, *starts, rows])) + memory(rng, rows, 0.5)
        ours = stretch_interval(gains, starts.tolist())
        wrong += not ours.low <= 0 <= ours.high
    return {"eras": eras, "zero_left_out": 100 * wrong / RUNS}


def independent(gains):
    """The dummy: rows are taken as independent."""
    half = 1.96 * gains.std(ddof=1) / np.sqrt(len(gains))
    return gains.mean() - half, gains.mean() + half


def autoregressive(correlation):
    """Stand still at 0, with an AR(1) memory: all of it but what is known when a part begins is luck."""

    def draw(rng, rows, cuts):
        series = memory(rng, rows + 1, correlation)
        known, sizes = series[cuts[:-1]], np.diff(cuts)  # the row before each part
        ahead = correlation * (1 - correlation**sizes) / (1 - correlation)
        return series[1:], 0.0, float((known * ahead).sum()) / rows

    return draw


def random_walk(rng, rows, cuts):
    """Let the level walk as far as the rows' own deviation or so; when a part begins it is known where it stands."""
    level = np.cumsum(rng.normal(size=rows + 1)) * 2 / np.sqrt(rows)
    expected = float((level[cuts[:-1]] * np.diff(cuts)).sum()) / rows
    return level[1:] + memory(rng, rows, 0.5), float(level[1:].mean()), expected


def waves(rng, rows, cuts):
    """Seasons: a slow wave, and one of twenty."""
    at, phase = np.linspace(0, 2 * np.pi, rows), rng.uniform(0, 2 * np.pi, 2)
    level = np.sin(1.5 * at + phase[0]) + np.sin(20 * at + phase[1])
    return level + memory(rng, rows, 0.5), float(level.mean()), float(level.mean())


def steps(rng, rows, cuts):
    """Four sudden changes."""
    level = np.zeros(rows)
    for place, size in zip(rng.integers(0, rows, 4), rng.normal(size=4), strict=True):
        level[place:] += size
    return level + memory(rng, rows, 0.5), float(level.mean()), float(level.mean())


def growth(rng, rows, cuts):
    """Nothing for a third of the rows, then more and more, as where a model ages."""
    level = np.maximum(np.linspace(-0.5, 1, rows), 0)
    return level + memory(rng, rows, 0.5), float(level.mean()), float(level.mean())


def memory(rng, rows, correlation):
    noise = rng.normal(size=rows)
    noise[0] /= np.sqrt(1 - correlation**2)  # it is stationary from the first row on
    return lfilter([1], [1, -correlation], noise)


KINDS = {
    "independent": autoregressive(0.0), "AR 0.5": autoregressive(0.5), "AR 0.9": autoregressive(0.9),
    "AR 0.99": autoregressive(0.99), "AR 0.995": autoregressive(0.995), "random walk": random_walk, "waves": waves,
    "steps": steps, "growth": growth,
}  # fmt: skip
