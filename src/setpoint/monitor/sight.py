"""What the monitors of columns can see, from what is natural for a column: their rules with the numbers put in."""

import math

import numpy as np
from scipy import special

from setpoint.domain.schema import Kind
from setpoint.monitor import data_quality, drift, slow
from setpoint.monitor.horizons import FEWEST_BLOCKS, MOST_BLOCKS
from setpoint.monitor.limits import ColumnLimits, Movement
from setpoint.monitor.moments import BLIND
from setpoint.monitor.seen import PARTS, YEAR_S, level_of
from setpoint.stats.intervals import t_quantile
from setpoint.stats.power import Rule, fixed, smallest_share, step_widths

HORIZONS = 3  # windows of a look
LOOKS = YEAR_S / 60  # a year, at most
DAYS = MOST_BLOCKS["day"]
SHARES = ("null_rate", "out_of_range", "unseen_category")
DAY_S, WEEK_S = 86_400.0, 7 * 86_400.0


def separate(window_s: float) -> float:
    """Return how many looks a year see other rows, over windows of so many seconds."""
    return min(LOOKS, 4 * YEAR_S / window_s)


def sudden_level(budget: float, columns: int, window_s: float = DAY_S) -> float:
    """Return the error of one test of sudden drift."""
    return level_of(budget, separate(window_s), drift.STATISTICS * max(columns, 1) * HORIZONS)


def slow_level(budget: float, columns: int, window_s: float = WEEK_S) -> float:
    """Return the error of one test of slow drift."""
    return level_of(budget, min(LOOKS, 2 * YEAR_S / window_s), 2 * 5 * max(columns, 1))


def share_level(budget: float, columns: int, window_s: float = DAY_S) -> float:
    """Return the error of one test of a share of rows: nulls, values out of range, unseen categories."""
    return level_of(budget, separate(window_s), PARTS * data_quality.RULES * max(columns, 1) * HORIZONS)


def sudden(limits: ColumnLimits, rows: int, alpha: float, blocks: int = DAYS) -> dict[str, Rule]:
    """Return the rules of sudden drift for a window of so many rows with as many blocks of its length before it.

    Effects of `drift_location` are in reference standard deviations, of `drift_scale` logarithms of the factor,
    of `drift_tv` shares of rows. Empty where the column is not watched so.
    """
    if not limits.movements or limits.stepwise or blocks < FEWEST_BLOCKS:
        return {}
    rules = {
        "drift_location": ("level", drift.LOCATION_FLOOR),
        "drift_scale": ("spread", drift.SCALE_FLOOR),
        "drift_tv": ("shape", drift.VARIATION_FLOOR),
    }
    categorical = limits.kind is Kind.CATEGORICAL
    return {
        name: _step(limits, field, floor, rows, alpha, blocks)
        for name, (field, floor) in rules.items()
        if (field == "shape") == categorical
    }


def _step(limits: ColumnLimits, field: str, floor: float, rows: int, alpha: float, blocks: int) -> Rule:
    sd = deviation(limits, field, rows)
    learnt = limits.movement(rows)
    usual, worst = getattr(learnt, f"{field}_step") if learnt else (0.0, 0.0)
    least = min(drift.CAUTION * worst, 2 * t_quantile(alpha, blocks - 1))
    usual = usual if field == "shape" else max(usual, BLIND)
    widths = step_widths(sd, alpha, blocks, usual=usual, least=least)
    return Rule(floor=floor, sd=sd * math.sqrt(1 + 1 / blocks), widths=widths)


def gradual(limits: ColumnLimits, rows: int, reference: int, alpha: float) -> dict[str, Rule]:
    """Return the rules of slow drift for a window of so many rows, against a reference of so many.

    Effects of `drift_location_slow` and `drift_scale_slow` are in standard deviations of bin scores, which for normal
    values are those of the column; of `drift_tv_slow` shares of rows.
    """
    if not limits.movements or limits.stepwise or rows < slow.FEWEST_ROWS:
        return {}
    fields = ("shape",) if limits.kind is Kind.CATEGORICAL else ("location", "scale")
    named = {"shape": "drift_tv", "location": "drift_location", "scale": "drift_scale"}
    out = {}
    for field in fields:
        width = slow.natural(limits, field, rows, reference, alpha)
        sd = float(np.hypot(deviation(limits, field, rows), deviation(limits, field, reference)))
        out[f"{named[field]}_slow"] = Rule(floor=slow.FLOORS[named[field]], sd=sd, widths=fixed(width))
    return out


def deviation(limits: ColumnLimits, field: str, rows: int) -> float:
    """Return the standard deviation of a statistic between windows of so many rows, as the reference shows it.

    The limits hold an upper bound of it; here it is the estimate itself. Sizes that no block has are reached by the
    fall over the blocks there are, and by that of independent rows where there is but one size.
    """
    known, at = limits.movements, slow.horizon_of(limits, rows)
    last = known[at]
    name = "shape_sd" if field == "shape" else field
    fall = slow.slope_of(known[max(at - 3, 0)], last, name) if at else -0.5
    plain = float(getattr(last, name)) * (1.0 if field == "shape" else _unbounded(last))
    return float(plain * (rows / last.rows) ** fall)


def _unbounded(movement: Movement, alpha: float = 0.1) -> float:
    """Return what turns the upper limit of a deviation (see `deviation_high`) into its estimate."""
    freedom = max(movement.blocks - 1, 1)
    return math.sqrt(float(special.chdtri(freedom, 1 - alpha)) / freedom)


def natural_share(limits: ColumnLimits, metric: str, alpha: float) -> float | None:
    """Return the share of rows from which a column's rule counts, floor included; None where it has no such rule."""
    floor = data_quality.FLOOR
    match metric:
        case "null_rate":
            return limits.nulls - float(special.ndtri(alpha)) * limits.nulls_sd + floor
        case "out_of_range" if limits.kind is Kind.NUMERIC:
            return floor
        case "unseen_category" if limits.levels:
            return limits.unseen + floor
    return None


def smallest_rate(limits: ColumnLimits, metric: str, rows: int, alpha: float, power: float = 0.8) -> float | None:
    """Return the smallest true share of a window's rows that a column's rule finds; None where it has no such rule."""
    limit = natural_share(limits, metric, alpha)
    return None if limit is None else smallest_share(rows, limit, alpha, power)
