"""The table `outcomes`: every outcome ever told, by the day of its prediction."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from setpoint.store.batch import objects
from setpoint.store.outcomes import Kept, Outcomes
from setpoint.store.predictions import TIME

TOLD = pa.schema(
    [
        ("day", pa.date32()),
        ("seq", pa.int64()),
        ("id", pa.string()),
        ("value", pa.float64()),
        ("label", pa.string()),
        ("known", TIME),
    ]
)


def kept_rows(parts: Sequence[Kept], first: int) -> pa.Table:
    """Return outcomes as rows of the table, numbered in order of arrival from `first` on, without a day."""
    outcomes = [o for kept in parts for o in kept.outcomes]
    values = np.array([v for kept in parts for v in kept.values], np.float64)
    columns = [
        pa.nulls(len(outcomes), pa.date32()),
        pa.array(np.arange(first, first + len(outcomes))),
        pa.array([o.id for o in outcomes], pa.string()),
        pa.array(values, from_pandas=True),
        pa.array([None if o.value is None else str(o.value) for o in outcomes], pa.string()),
        pa.array([o.known_us for o in outcomes], pa.int64()).cast(TIME),
    ]
    return pa.table(columns, schema=TOLD)


def outcomes_from(table: pa.Table) -> Outcomes:
    """Load rows of the table into memory."""
    found = Outcomes()
    ordered = table.sort_by("seq")
    values = ordered["value"].to_numpy(zero_copy_only=False).astype(np.float64)
    found.load(objects(ordered["id"].to_pylist()), ordered["known"].cast(pa.int64()).to_numpy(), values)
    return found
