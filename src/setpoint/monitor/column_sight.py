"""What is watched of each column, and what changes are seen there."""

import math
from collections.abc import Callable, Iterator

from setpoint.monitor.limits import ColumnLimits, Limits
from setpoint.monitor.proposed import Need, Watch
from setpoint.monitor.sight import (
    DAY_S,
    SHARES,
    WEEK_S,
    gradual,
    natural_share,
    separate,
    share_level,
    slow_level,
    smallest_rate,
    sudden,
    sudden_level,
)
from setpoint.monitor.slow import FEWEST_ROWS
from setpoint.stats.power import Rule, rows_needed

CHANGES = {"drift_location": (0.1, 0.2, 0.5), "drift_tv": (0.05, 0.1, 0.2)}
UNITS = {"drift_location": "sd", "drift_scale": "log sd", "drift_tv": "share"}
POWER, SURE = 0.8, 0.95


def column_watches(limits: Limits, *, budget: float, divided: int, rate_s: float) -> Iterator[Watch]:
    """Yield what is watched of every column: sudden and slow drift, and shares of rows with something wrong.

    `divided` is among how many the error of a test is: 2 where segments are watched as well.
    """
    count = len(limits.columns) * divided
    for name, column in limits.columns.items():
        yield from _drift(name, column, limits.rows, count, budget, rate_s)
        yield from _shares(name, column, count, budget, rate_s)


def _drift(
    name: str, column: ColumnLimits, reference: int, count: int, budget: float, rate_s: float
) -> Iterator[Watch]:
    day, week = round(rate_s * DAY_S), round(rate_s * WEEK_S)
    quick, slow = sudden_level(budget, count), slow_level(budget, count)
    if column.std > 0 or column.levels:
        for metric, rule in sudden(column, max(day, 1), quick).items():
            watched = _watch(name, metric, DAY_S, day, rule if day >= FEWEST_ROWS else None, quick * separate(DAY_S))
            yield watched
    for metric, rule in gradual(column, max(week, FEWEST_ROWS), reference, slow).items():
        plain = metric.removesuffix("_slow")

        def smallest(rows: int, metric: str = metric) -> float:
            return gradual(column, rows, reference, slow)[metric].smallest(POWER)

        needs = tuple(Need(change=c, rows=rows_needed(smallest, c, FEWEST_ROWS)) for c in CHANGES.get(plain, ()))
        yield _watch(name, metric, WEEK_S, week, rule if week >= FEWEST_ROWS else None, slow * separate(WEEK_S), needs)


def _watch(
    name: str, metric: str, window_s: float, rows: int, rule: Rule | None, false: float, needs: tuple[Need, ...] = ()
) -> Watch:
    plain = metric.removesuffix("_slow")
    return Watch(
        monitor="drift",
        metric=metric,
        column=name,
        window_s=window_s,
        unit=UNITS[plain],
        limit=rule.floor if rule else None,
        rows=rows or None,
        smallest=_real(rule.smallest(POWER)) if rule else None,
        smallest_95=_real(rule.smallest(SURE)) if rule else None,
        needs=needs,
        false_alarms=false,
    )


def _shares(name: str, column: ColumnLimits, count: int, budget: float, rate_s: float) -> Iterator[Watch]:
    rows, alpha = round(rate_s * DAY_S), share_level(budget, count)
    for metric in SHARES:
        limit = natural_share(column, metric, alpha)
        if limit is not None and limit < 1:
            yield Watch(
                monitor="data_quality",
                metric=metric,
                column=name,
                window_s=DAY_S,
                unit="share",
                limit=limit,
                rows=rows or None,
                smallest=_real(smallest_rate(column, metric, rows, alpha, POWER)) if rows else None,
                smallest_95=_real(smallest_rate(column, metric, rows, alpha, SURE)) if rows else None,
                needs=_rows_for(column, metric, alpha, (2 * limit, 5 * limit)),
                false_alarms=alpha * separate(DAY_S),
            )


def _rows_for(column: ColumnLimits, metric: str, alpha: float, changes: tuple[float, ...]) -> tuple[Need, ...]:
    smallest: Callable[[int], float] = lambda n: smallest_rate(column, metric, n, alpha) or math.inf  # noqa: E731
    return tuple(Need(change=c, rows=rows_needed(smallest, c)) for c in changes if c < 1)


def _real(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
