"""The table `outcomes`: every outcome ever told, by the day of its prediction."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from setpoint.store.batch import objects
from setpoint.store.ids import IdIndex, hashes
from setpoint.store.outcomes import NO_DAY, Kept, Outcomes
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
    """Return outcomes as rows of the table, one for each day of theirs, numbered by arrival from `first` on."""
    outcomes = [o for kept in parts for o in kept.outcomes]
    values = np.array([v for kept in parts for v in kept.values], np.float64)
    all_days = [days or (None,) for kept in parts for days in kept.days]
    columns = [
        pa.nulls(len(outcomes), pa.date32()),
        pa.array(np.arange(first, first + len(outcomes))),
        pa.array([o.id for o in outcomes], pa.string()),
        pa.array(values, from_pandas=True),
        pa.array([None if o.value is None else str(o.value) for o in outcomes], pa.string()),
        pa.array([o.known_us for o in outcomes], pa.int64()).cast(TIME),
    ]
    which = np.repeat(np.arange(len(all_days)), [len(days) for days in all_days])
    day = pa.array([day for days in all_days for day in days], pa.int32()).cast(pa.date32())
    return pa.table(columns, schema=TOLD).take(pa.array(which)).set_column(0, TOLD.field("day"), day)


def placed(rows: pa.Table, index: IdIndex) -> pa.Table:
    """Return outcomes that have no day with that of their prediction: a row for each of several, no day for none."""
    rows, dated = rows.filter(pc.is_null(rows["day"])), rows.filter(pc.is_valid(rows["day"]))
    codes = hashes(rows["id"])
    left: NDArray[np.bool_] = np.ones(len(codes), bool)
    parts: list[tuple[NDArray[np.bool_], date | None]] = []
    for day, found in index.days(codes):
        parts.append((found, day))
        left &= ~found
    parts.append((left, None))
    split = [
        rows.filter(pa.array(mask)).set_column(0, TOLD.field("day"), pa.array([day] * int(mask.sum()), pa.date32()))
        for mask, day in parts
    ]
    return pa.concat_tables([dated, *split])


def outcomes_from(table: pa.Table) -> Outcomes:
    """Load rows of the table into memory."""
    found = Outcomes()
    ordered = table.sort_by("seq")
    values = ordered["value"].to_numpy(zero_copy_only=False).astype(np.float64)
    days = ordered["day"].cast(pa.int32()).fill_null(NO_DAY).to_numpy().astype(np.int64)
    found.load(objects(ordered["id"].to_pylist()), ordered["known"].cast(pa.int64()).to_numpy(), values, days)
    return found
