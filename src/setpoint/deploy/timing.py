"""How fast variants of a model answer, measured as they are served."""

from collections.abc import Sequence
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


def measure(models: Sequence[Model | None], rows: Columns) -> list[Timing | None]:
    """Time every model in turn, round by round, so that a slow moment of the machine meets all of them.

    `rows` are cycled up to one batch; the first call of each shape, which warms up, is not counted.
    """
    one, batch = _cycled(rows, 1), _cycled(rows, BATCH)
    there = [m for m in models if m is not None]
    for model in there:
        model.predict(one)
        model.predict(batch)
    taken = [[(_call_s(m, one, ONE_ROW_S), _call_s(m, batch, BATCH_S)) for m in there] for _ in range(ROUNDS)]
    found = iter(
        Timing(p50_us=median(one_s for one_s, _ in of) * 1e6, rows_per_s=BATCH / median(batch_s for _, batch_s in of))
        for of in zip(*taken, strict=True)
    )
    return [None if m is None else next(found) for m in models]


def one_row_us(model: Model, rows: Columns) -> float:
    """Return the time of one row (µs), measured once."""
    one = _cycled(rows, 1)
    model.predict(one)
    return _call_s(model, one, ONE_ROW_S) * 1e6


def _call_s(model: Model, rows: Columns, at_least_s: float) -> float:
    taken: list[float] = []
    while sum(taken) < at_least_s and len(taken) < 200:
        start = perf_counter()
        model.predict(rows)
        taken.append(perf_counter() - start)
    return median(taken)


def _cycled(rows: Columns, n: int) -> Columns:
    return {name: column[[i % len(column) for i in range(n)]] for name, column in rows.items()}
