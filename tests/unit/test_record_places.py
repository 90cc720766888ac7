"""Where it shows: parts of the rows are named only where they surely show it more than the others."""

import numpy as np
import pyarrow as pa

from setpoint.domain.records import Records
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.segments import Split
from setpoint.loop.record.places import places_of

SCHEMA = Schema(
    features=tuple(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT) for n in ("x", "shop")),
    target="y",
    task=Task.REGRESSION,
)
SEGMENTS = {"shop": Split(values=(0.0, 1.0, 2.0))}


def rows(rng, count, first, x):
    time = np.datetime64("2024-06-01", "us") + np.arange(first, first + count) * np.timedelta64(1, "m")
    truth = rng.normal(size=count)
    return Records(
        id=np.arange(first, first + count).astype(str).astype(object), time=time, version=np.full(count, "v1", object),
        score=truth + rng.normal(size=count), outcome=truth, known=time, latency_us=np.zeros(count),
        maps=np.full(count, "", object), inputs={"x": x, "shop": rng.integers(0, 3, count).astype(float)},
    )  # fmt: skip


def found(seed, *, of_caller):
    """Ask about 300 rows since, in which all rows moved, or only those of one of three callers."""
    rng = np.random.default_rng(seed)
    before = rows(rng, 500, 0, rng.normal(size=500))
    callers = rng.choice(["a", "b", "c"], 300)
    moved = callers == "a" if of_caller else np.ones(300, bool)
    since = rows(rng, 300, 500, rng.normal(size=300) + 4 * moved)
    told = pa.table({"id": since.id.tolist(), "caller": callers.tolist()})
    return places_of("x", before, since, SCHEMA, SEGMENTS, told)


def test_the_one_caller_whose_rows_show_it_is_named():
    for seed in range(20):
        first, *rest = found(seed, of_caller=True)
        assert (first.kind, first.name) == ("caller", "a")
        assert first.share > 0.6 > 0.2 > first.others
        assert not rest


def test_where_all_rows_show_it_no_part_is_named():
    """At most one of 200 such stretches names one, of six parts each."""
    assert sum(bool(found(seed, of_caller=False)) for seed in range(200)) <= 1
