"""Where the rows of a training set come from: a record of the log, or a row of a reference."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from setpoint.domain.records import Column, Records
from setpoint.update.sets.choose import Chosen, Known

LOG = "log"
TIME = pa.timestamp("us", "UTC")
PROVENANCE = pa.schema(
    [
        ("source", pa.string()),  # "log", or the version whose reference had the row
        ("row", pa.int64()),  # in that reference
        ("id", pa.string()),  # of the record, as it is recorded
        ("version", pa.string()),  # that answered it
        ("time", TIME),
        ("known", TIME),  # since when its outcome was
    ]
)


def provenance(
    chosen: Chosen, known: Known, records: Records, version: str, earlier: pa.Table | None = None
) -> pa.Table:
    """Return a row for each row of the set.

    Parameters
    ----------
    version : str
        Whose reference it is.
    earlier : pa.Table, optional
        Provenance of that reference, where Setpoint made it: its rows of the log are still named.
    """
    if earlier is None:
        old = _of_reference(chosen.reference, known, version)
    else:
        old = earlier.take(pa.array(chosen.reference))
    return pa.concat_tables([old, _of_log(chosen.log, records)]).combine_chunks()


def known_of(reference: pa.Table, time: str | None, id: str | None, earlier: pa.Table | None = None) -> Known:
    """Return what a reference, or its provenance, tells of times and ids of its rows."""
    if earlier is not None:
        return Known(rows=len(reference), ids=texts(earlier["id"]), time=_times(earlier["time"]))
    ids = texts(reference[id]) if id in reference.column_names else None
    timed = time in reference.column_names and pa.types.is_temporal(reference.schema.field(time).type)
    return Known(rows=len(reference), ids=ids, time=_times(reference[time]) if timed else None)


def texts(column: pa.ChunkedArray) -> Column:
    """Return ids as texts, whatever they are stored as; None for null."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    plain = column.cast(kind)
    if pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        found: Column = plain.cast(pa.string()).to_numpy()
        return found
    return np.array([None if i is None else str(i) for i in plain.to_pylist()], object)


def _times(column: pa.ChunkedArray) -> Column:
    found: Column = column.cast(pa.timestamp("us", getattr(column.type, "tz", None))).to_numpy()
    return found.astype("datetime64[us]")


def _of_reference(rows: NDArray[np.int64], known: Known, version: str) -> pa.Table:
    return _table(
        source=pa.repeat(pa.scalar(version), len(rows)),
        row=pa.array(rows),
        id=None if known.ids is None else known.ids[rows],
        time=None if known.time is None else known.time[rows],
        length=len(rows),
    )


def _of_log(rows: NDArray[np.int64], records: Records) -> pa.Table:
    return _table(
        source=pa.repeat(pa.scalar(LOG), len(rows)),
        id=records.id[rows],
        version=records.version[rows],
        time=records.time[rows],
        known=records.known[rows],
        length=len(rows),
    )


def _table(length: int, **columns: Any) -> pa.Table:
    made = []
    for field in PROVENANCE:
        values = columns.get(field.name)
        made.append(pa.nulls(length, field.type) if values is None else _cast(values, field.type))
    return pa.table(made, schema=PROVENANCE)


def _cast(values: Any, kind: pa.DataType) -> Any:
    if isinstance(values, np.ndarray) and values.dtype != object:
        return pa.array(values).cast(kind) if not pa.types.is_timestamp(kind) else pc.assume_timezone(values, "UTC")
    return pa.array(values, kind) if isinstance(values, np.ndarray) else values
