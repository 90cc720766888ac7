"""Sudden drift: the micro-window against the weeks before it, under the movement that they show."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.records import moment
from setpoint.monitor.limits import encode
from setpoint.monitor.micro import Micro
from setpoint.monitor.seen import Seen
from setpoint.stats.blocks import Step, blocks_of, step
from setpoint.stats.distances import total_variation
from setpoint.stats.intervals import t_quantile

LOCATION_FLOOR = 0.25  # reference standard deviations
SCALE_FLOOR = 0.25  # of the logarithm of the standard deviation
VARIATION_FLOOR = 0.10  # share of rows that changed their category
FEWEST_BLOCKS = 8  # of the baseline; below, the reference stands in
LIKED_BLOCKS = 14
MOST_BLOCKS = 60
BLIND = 0.05  # a block's deviation below this share of the reference's is not believed
CAUTION = 1.25  # times the worst step that the reference holds

FloatArray = NDArray[np.float64]


def sudden_drift(seen: Seen, window: Micro) -> Iterator[Finding]:
    """Report columns (and the score) that left the last weeks at once.

    The micro-window is one block or several; the baseline is cut into blocks of the same length, and the newest must
    lie outside what they foretell: |effect| − t·se above a floor, where t is widened to 1.25 times the worst step that
    the reference itself made. The season is in the baseline, so it needs no model; slow change is left to `slow_drift`.
    """
    if not len(window.recent):
        return
    alpha = seen.level(2 * 2 * window.columns)  # two statistics, two sides
    rows = block_rows(len(window.recent), len(window.baseline))
    if rows:
        yield from _numeric(window, rows, alpha)
        yield from _categorical(window, rows, alpha)
    else:
        yield from _against_reference(window, alpha)


def block_rows(recent: int, baseline: int) -> int:
    """Return the rows of a block; 0 if the baseline is too short to foretell anything."""
    rows = recent if baseline >= recent * FEWEST_BLOCKS else baseline // LIKED_BLOCKS
    return rows if rows >= FEWEST_BLOCKS else 0


def _numeric(window: Micro, rows: int, alpha: float) -> Iterator[Finding]:
    std, low, high = (window.learnt(field) for field in ("std", "clip_low", "clip_high"))
    scale = np.where(std > 0, std, 1.0)
    grain = np.maximum(window.learnt("grain"), 0.01 * scale) / scale
    before, now = (
        blocks_of(np.clip(part, low, high) / scale, rows, grain)
        for part in (window.before[-rows * MOST_BLOCKS :], window.now)
    )
    watched = (std > 0) & (window.learnt("stepwise") == 0)
    level_step, spread_step = (_learnt_step(window, field, rows) for field in ("level_step", "spread_step"))
    level = step(before.mean, now.mean, np.maximum(level_step[:, 0], BLIND))
    spread = step(before.log_std, now.log_std, np.maximum(spread_step[:, 0], BLIND))
    for at in np.flatnonzero(watched).tolist():
        yield from _judged(
            window, at, "drift_location", level, float(level_step[at, 1]), LOCATION_FLOOR, alpha, scale[at]
        )
        yield from _judged(window, at, "drift_scale", spread, float(spread_step[at, 1]), SCALE_FLOOR, alpha, 0.0)


def _learnt_step(window: Micro, field: str, rows: int) -> FloatArray:
    """Return the usual and the worst step of every numeric column at this block length, shape (n_numeric, 2)."""
    movements = [window.limits[name].movement(rows) for name in window.names]
    return np.array([getattr(m, field) if m else (0.0, 0.0) for m in movements], np.float64).reshape(-1, 2)


def _judged(
    window: Micro, at: int, metric: str, one: Step, worst: float, floor: float, alpha: float, unit: float
) -> Iterator[Finding]:
    """Judge one column's step; `unit` is the reference's standard deviation, 0 for a logarithm of deviations."""
    se, effect, expected = float(one.se[at]), float(one.effect[at]), float(one.expected[at])
    if not np.isfinite(se):
        return
    t = t_quantile(alpha, float(one.freedom[at]))
    width = se * _cautious(t, worst)
    name = window.names[at]
    if unit:
        mean, foretold = unit * (expected + effect), unit * expected
        text = f"mean {mean:.6g}, expected {foretold:.6g} ± {unit * width:.3g} from the last weeks"
    else:
        times, natural = np.exp(effect), np.exp(width)
        text = f"standard deviation {times:.3g} times that of the last weeks, natural within a factor {natural:.3g}"
    yield _finding(window, metric, name, abs(effect), width, floor, text)


def _cautious(t: float, worst: float) -> float:
    """Widen a quantile to what the reference itself has shown, to twice at most."""
    return max(t, min(CAUTION * worst, 2 * t))


def _finding(
    window: Micro, metric: str, column: str, effect: float, width: float, floor: float, detail: str
) -> Finding:
    return Finding(
        monitor="drift",
        metric=metric,
        column=column,
        since=moment(window.recent.time[0]),
        until=moment(window.recent.time[-1]),
        rows=len(window.recent),
        value=effect,
        limit=floor + width,
        alarm=effect - width > floor,
        low=effect - width,
        high=effect + width,
        detail=detail,
    )


def _categorical(window: Micro, rows: int, alpha: float) -> Iterator[Finding]:
    for name in window.categorical:
        limits = window.limits[name]
        if limits.stepwise:
            continue
        number = {level: at for at, level in enumerate(limits.levels)}
        before, now = (
            _shares(encode(part.inputs[name], number)[1], rows, len(number))
            for part in (window.baseline, window.recent)
        )
        before = before[-MOST_BLOCKS:]
        total = before.sum(axis=0)
        others = (total - before) / (len(before) - 1)
        natural = total_variation(before, others)[:, None]
        found = total_variation(now.mean(axis=0), total / len(before))
        movement = limits.movement(rows)
        usual, worst = movement.shape_step if movement else (0.0, 0.0)
        one = step(natural, np.array([[found]]), max(usual, BLIND * float(natural.mean())))
        natural_width = float(one.se[0]) * _cautious(t_quantile(alpha, float(one.freedom[0])), worst)
        width = float(one.expected[0]) + natural_width
        text = f"{found:.1%} of rows changed category; {width:.1%} is natural from the last weeks"
        yield _finding(window, "drift_tv", name, float(found), width, VARIATION_FLOOR, text)


def _shares(codes: NDArray[np.int64], rows: int, levels: int) -> FloatArray:
    """Return the shares of levels, unknown ones and nulls in consecutive blocks, shape (n_blocks, levels + 2)."""
    count, width = len(codes) // rows, levels + 2
    cut = codes[len(codes) - count * rows :].reshape(count, rows) % width + width * np.arange(count)[:, None]
    return np.bincount(cut.ravel(), minlength=width * count).reshape(count, width) / rows


def _against_reference(window: Micro, alpha: float) -> Iterator[Finding]:
    """Judge by the movement of the reference's own blocks, where there is no baseline yet: a wide limit."""
    with_values = (~np.isnan(window.now)).sum(axis=0)
    for at, name in enumerate(window.names):
        limits = window.limits[name]
        movement = limits.movement(int(with_values[at]))
        if movement is None or limits.stepwise or with_values[at] < movement.rows:
            continue
        values = np.clip(window.now[:, at], limits.clip_low, limits.clip_high)
        mean = float(np.nanmean(values))
        effect = (mean - limits.mean) / limits.std
        width = max(movement.level, BLIND) * t_quantile(alpha, movement.blocks - 1)
        text = f"mean {mean:.6g}, the reference's blocks have {limits.mean:.6g} ± {limits.std * width:.3g}"
        yield _finding(window, "drift_location", name, abs(effect), width, LOCATION_FLOOR, text)
