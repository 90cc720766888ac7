"""The rows that are recorded: made in blocks, the same for the spool and for every peer.

A third of the numbers are whole, a third have two decimals, the others all their digits; a text has 3 to 200 levels;
one value in a hundred is missing. Rows come evenly, 10 million in 30 days, so that an hour holds as many rows however
long the log is.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from setpoint.domain.profile import binning_of
from setpoint.domain.record import InferenceRecord, Layout, Outcome
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task

BLOCK = 10_000  # rows that are made at once
START = datetime(2026, 1, 1, tzinfo=UTC)
START_US = int(START.timestamp()) * 1_000_000
STEP_US = 259_200  # between two rows
TOLD = 0.3  # share of the rows whose outcome becomes known
LEVELS = (3, 5, 8, 12, 50, 200)
CLASSES = ("no", "yes")


@dataclass(frozen=True)
class Shape:
    """How many columns a model has, and how much rarer its rows are than those of the busiest."""

    model: str
    numbers: int
    texts: int
    rarer: int = 1

    @property
    def schema(self):
        numbers = (Feature(name=f"n{i:02}", kind=Kind.NUMERIC, dtype=DType.FLOAT) for i in range(self.numbers))
        texts = (Feature(name=f"t{i}", kind=Kind.CATEGORICAL, dtype=DType.STRING) for i in range(self.texts))
        return Schema(features=(*numbers, *texts), target="y", task=Task.BINARY, classes=CLASSES)

    @property
    def binning(self):
        made = block(self, 0)
        return binning_of(made["inputs"], self.schema, made["outputs"]["probability"])


NARROW = Shape("calls", 30, 6)
WIDE = Shape("wide", 44, 6, rarer=10)  # 50 columns


def moment(row):
    """Return when a row came."""
    return START + timedelta(microseconds=row * STEP_US)


def block(shape, number):
    """Return the rows of a block as columns: what is the same for every model, `inputs` and `outputs`."""
    rng = np.random.default_rng([number, shape.numbers])
    count = BLOCK
    times = START_US + (number * BLOCK + np.arange(count)) * STEP_US * shape.rarer
    inputs = {f"n{i:02}": numbers(rng, i, count) for i in range(shape.numbers)}
    inputs |= {f"t{i}": texts(rng, LEVELS[i % len(LEVELS)], count) for i in range(shape.texts)}
    probability = rng.beta(2, 5, count)
    return {
        "request_id": ids(rng, times),
        "time": times,
        "latency_us": rng.lognormal(7, 0.4, count).astype(np.int64),
        "caller": np.array([f"10.0.0.{n}" for n in rng.integers(0, 20, count)], object),
        "inputs": inputs,
        "outputs": {"label": np.array(CLASSES, object)[(probability > 0.5).astype(int)], "probability": probability},
    }


def numbers(rng, nth, count):
    made = rng.gamma(2.0, 50.0, count) if nth % 2 else rng.normal(10.0, 25.0, count)
    made = (np.round(made), np.round(made, 2), made)[nth % 3]
    return np.where(rng.random(count) < 0.01, np.nan, made)


def texts(rng, levels, count):
    names = np.array([f"level {n}" for n in range(levels)], object)
    made = names[np.minimum(rng.geometric(3.0 / (levels + 2), count) - 1, levels - 1)]
    made[rng.random(count) < 0.01] = None
    return made


def ids(rng, times):
    """Return ids as the server makes them: UUIDs that sort by time."""
    ms, high, low = times // 1000, rng.integers(0, 2**26, len(times)), rng.integers(0, 2**48, len(times))
    parts = zip(ms.tolist(), high.tolist(), low.tolist(), strict=True)
    made = [f"{m >> 16:08x}-{m & 0xFFFF:04x}-7{h >> 14:03x}-{0x8000 | h & 0x3FFF:04x}-{w:012x}" for m, h, w in parts]
    return np.array(made, object)


def requests(shape, made):
    """Return a block as requests of one row each."""
    values = [columns_as_lists(made[group]) for group in ("inputs", "outputs")]
    rows = [list(map(list, zip(*group.values(), strict=True))) for group in values]
    layout = Layout(*(tuple(group) for group in values))
    fixed = zip(*(made[name].tolist() for name in ("request_id", "time", "latency_us", "caller")), strict=True)
    return [
        InferenceRecord(
            request_id=id_, model=shape.model, version="v1", role="champion", arrived_us=time, latency_us=latency,
            status=200, caller=caller, ids=[id_], times_us=[time],
            layout=layout, inputs=[[value] for value in row], outputs=[[value] for value in out],
        )
        for (id_, time, latency, caller), row, out in zip(fixed, *rows, strict=True)
    ]  # fmt: skip


def columns_as_lists(group):
    """Return values as a request brings them: None for what is missing."""
    return {
        name: [None if v != v else v for v in column.tolist()] if column.dtype == float else column.tolist()
        for name, column in group.items()
    }


def outcomes(made, number):
    """Return the outcomes of a block that become known, out of order, an hour after their rows."""
    rng = np.random.default_rng([number, 1])
    told = rng.permutation(BLOCK)[: int(BLOCK * TOLD)]
    truth = np.array(CLASSES, object)[rng.integers(0, 2, len(told))]
    which = zip(made["request_id"][told].tolist(), truth.tolist(), made["time"][told].tolist(), strict=True)
    return [Outcome(id=id_, value=value, known_us=time + 3_600_000_000) for id_, value, time in which]


def flat(made):
    """Return a block as an Arrow table with a column a feature: what a peer is given."""
    count = len(made["time"])
    time = pa.array(made["time"]).cast(pa.timestamp("us", tz="UTC"))
    columns = {
        "time": time,
        "day": time.cast(pa.date32()),
        "request_id": pa.array(made["request_id"]),
        "version": pa.array(["v1"] * count),
        "role": pa.array(["champion"] * count),
        "status": pa.array(np.full(count, 200)),
        "latency_us": pa.array(made["latency_us"]),
        "caller": pa.array(made["caller"]),
    }
    values = {**made["inputs"], **made["outputs"]}
    return pa.table(columns | {name: pa.array(column, from_pandas=True) for name, column in values.items()})
