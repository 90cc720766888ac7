"""How fast variants of a model answer, measured as they are served."""

from collections.abc import Mapping
from statistics import median
from time import perf_counter

from setpoint.domain.records import Columns
from setpoint.domain.value import value
from setpoint.runtime import Model

BATCH = 1_024
ROUNDS = 5
ONE_ROW_S, BATCH_S = 0.02, 0.04  # shortest stretch measured in one round; at least one call


@value
class Timing:
    """Median time of one row (µs), and rows a second in batches of 1,024."""

    p50_us: float
    rows_per_s: float


def measure(models: Mapping[str, Model], rows: Columns) -> dict[str, Timing]:
    """Time every model in turn, round by round, so that a slow moment of the machine meets all of them.

    `rows` are cycled up to one batch; the first call of each shape, which warms up, is not counted.
    """
    one, batch = _cycled(rows, 1), _cycled(rows, BATCH)
    for model in models.values():
        model.predict(one)
        model.predict(batch)
    singles: dict[str, list[float]] = {name: [] for name in models}
    batches: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(ROUNDS):
        for name, model in models.items():
            singles[name].append(_call_s(model, one, ONE_ROW_S))
            batches[name].append(_call_s(model, batch, BATCH_S))
    return {
        name: Timing(p50_us=median(singles[name]) * 1e6, rows_per_s=BATCH / median(batches[name])) for name in models
    }


def _call_s(model: Model, rows: Columns, at_least_s: float) -> float:
    taken: list[float] = []
    while sum(taken) < at_least_s and len(taken) < 200:
        start = perf_counter()
        model.predict(rows)
        taken.append(perf_counter() - start)
    return median(taken)


def _cycled(rows: Columns, n: int) -> Columns:
    return {name: column[[i % len(column) for i in range(n)]] for name, column in rows.items()}
