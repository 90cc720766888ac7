"""What the guard of recalibration is worth: simulated streams, beside always and never recalibrating.

Each stream has 2,400 rows in units of 50. Every second unit from row 900 on, a line is fitted on the latest 200 known
outcomes, and answers the next unit if the guard lets it. Prints what was saved in % of the loss of never recalibrating
(which saves 0 and harms nothing), and the share of streams that lost 1 % or more. `late only` is the rule that the
guard replaced: the mean gain as outcomes came, beyond half a standard error. `born` is the line of a refit that learnt
eight units but for the newest, on which the line is fitted, made where the guard lets a line through; beside the refit
without it, over the next two units. `born always` has one whatever the guard says. Seeds are fixed.

    python bench/update/guards.py [--runs 60] [--seed 5] [--task regression]
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.calibration import apply
from setpoint.domain.schema import Task
from setpoint.stats.line import fit
from setpoint.update.recalibration import WINDOW_UNITS, prove, row_losses

ROWS, UNIT, FIRST = 2_400, 50, 900
DELAYS = (0, 2, 6)  # units
KINDS = ("none", "wobble", "step", "slope", "trend", "there and back", "season")
HARM = -1.0  # % of the loss
REFIT_UNITS = 8

FloatArray = NDArray[np.float64]


def autoregressive(rng: np.random.Generator, rows: int, correlation: float) -> FloatArray:
    """Return a series of variance 1."""
    series, noise = np.zeros(rows), rng.normal(size=rows) * np.sqrt(1 - correlation**2)
    for i in range(1, rows):
        series[i] = correlation * series[i - 1] + noise[i]
    return series


def drift(kind: str, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return by how much answers should be shifted, and stretched beyond one, at each row."""
    at, zero = np.arange(ROWS) / ROWS, np.zeros(ROWS)
    match kind:
        case "wobble":
            return 0.35 * np.repeat(autoregressive(rng, 40, 0.7), ROWS // 40), zero
        case "step":
            return np.where(at > 0.5, 1.0, 0.0), zero
        case "slope":
            return zero, np.where(at > 0.5, -0.4, 0.0)
        case "trend":
            return 1.5 * at, zero
        case "there and back":
            return np.where((at > 0.35) & (at < 0.72), 1.0, 0.0), zero
        case "season":
            return 0.7 * np.sin(8 * np.pi * at), zero
    return zero, zero


def stream(kind: str, task: Task, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return what a model answers, and what is true."""
    x, (shift, stretch) = rng.normal(size=ROWS), drift(kind, rng)
    if task is Task.BINARY:
        rate = 1 / (1 + np.exp(-(x - 1 + shift + stretch * x)))
        return 1 / (1 + np.exp(1 - x)), (rng.random(ROWS) < rate).astype(np.float64)
    noise = 0.6 * autoregressive(rng, ROWS, 0.9) + 0.8 * rng.normal(size=ROWS)
    return 2 * x, 2 * x + shift + 2 * stretch * x + noise


def saved(kind: str, task: Task, late: int, seed: tuple[int, int]) -> FloatArray:
    """Return what each rule saved over one stream, in % of the loss, in the order of the table."""
    raw, truth = stream(kind, task, np.random.default_rng(seed))
    time, before = np.arange(ROWS), row_losses(task, raw, truth)
    known, gains = time + late * UNIT, []
    for now in range(FIRST, ROWS - UNIT, 2 * UNIT):
        past, unit = np.flatnonzero(known <= now), slice(now, now + UNIT)
        latest = past[-WINDOW_UNITS * UNIT :]
        line = fit(task, raw[latest], truth[latest])
        gain = float((before[unit] - row_losses(task, apply(line, raw[unit], task), truth[unit])).mean())
        proof = prove(task, raw[past], truth[past], time[past], known[past], unit_rows=UNIT)
        born = born_gain(task, raw, truth, past, slice(now, now + 2 * UNIT))
        let = proof.late.gain > proof.late.se / 2, proof.trusted
        gains.append([gain, gain * let[0], gain * let[1], born, born * let[1]])
    return np.asarray(100 * np.mean(gains, axis=0) / before[FIRST:].mean(), np.float64)


def born_gain(task: Task, raw: FloatArray, truth: FloatArray, past: NDArray[np.int64], unit: slice) -> float:
    """Return what a refit's own line saves a row; the refit corrects what the units before its newest one missed."""
    learnt, newest = past[-REFIT_UNITS * UNIT : -UNIT], past[-UNIT:]
    refit = apply(fit(task, raw[learnt], truth[learnt]), raw, task)
    line = fit(task, refit[newest], truth[newest])
    answers = refit[unit], apply(line, refit[unit], task)
    without, behind = (row_losses(task, a, truth[unit]).mean() for a in answers)
    return float(without - behind)


def main() -> None:
    """Print a table for each delay."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--task", type=Task, default=Task.REGRESSION)
    asked = parser.parse_args()
    for late in DELAYS:
        print(f"\n{asked.task}, outcomes {late} units late: saved % (streams harmed %), {asked.runs} runs each")
        found = {k: np.array([saved(k, asked.task, late, (asked.seed, r)) for r in range(asked.runs)]) for k in KINDS}
        found["mean"] = np.concatenate(list(found.values()))
        print(f"{'':12}" + "".join(f"{kind:>18}" for kind in found))
        for column, name in enumerate(("always", "late only", "guarded", "born always", "born")):
            cells = [f"{v[:, column].mean():.1f} ({100 * (v[:, column] < HARM).mean():.0f})" for v in found.values()]
            print(f"{name:12}" + "".join(f"{cell:>18}" for cell in cells))


if __name__ == "__main__":
    main()
