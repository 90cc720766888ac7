"""The table `predictions`: its columns, and records as its rows."""

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from setpoint.domain.record import InferenceRecord, Layout, Scalar
from setpoint.domain.schema import Kind, Schema
from setpoint.store.packing import Packed, packed

TIME = pa.timestamp("us", tz="UTC")
TEXTS = pa.list_(pa.string())
# one value a record; the rest is one a row
OF_RECORD = ("request_id", "version", "role", "status", "latency_us", "caller", "violations", "maps")


def prediction_schema(schema: Schema) -> pa.Schema:
    """Return the columns of the table `predictions`."""
    inputs = pa.struct([(f.name, pa.string() if f.kind is Kind.CATEGORICAL else pa.float64()) for f in schema.features])
    outputs = pa.struct([(name, pa.string() if name == "label" else pa.float64()) for name in schema.outputs])
    return pa.schema(
        [
            ("time", TIME),
            ("day", pa.date32()),
            ("arrived", TIME),
            ("id", pa.string()),
            ("request_id", pa.string()),
            ("row", pa.int64()),
            ("version", pa.string()),
            ("role", pa.string()),
            ("status", pa.int64()),
            ("latency_us", pa.int64()),
            ("caller", pa.string()),
            ("violations", TEXTS),
            ("maps", TEXTS),
            ("inputs", inputs),
            ("outputs", outputs),
        ]
    )


def rows_of(records: Sequence[Packed], layout: Layout, types: pa.Schema) -> pa.Table:
    """Return records as rows of the table; values that do not fit their column become missing.

    A record without rows (a refused request) becomes one row whose id is null, at the time of its arrival.

    Parameters
    ----------
    records : sequence of Packed
    layout : Layout
        Of all the records.
    types : pyarrow.Schema
        What `prediction_schema` returned.
    """
    single = [r for r in records if len(r.ids) < 2]
    several = records if not single else [r for r in records if len(r.ids) > 1]
    parts = [_rows(part, layout, types) for part in (single, several) if part]
    return pa.concat_tables(parts) if parts else types.empty_table()


def recorded(records: Iterable[InferenceRecord], types: pa.Schema) -> pa.Table:
    """Return records as rows of the table, whatever their layouts."""
    by_layout: dict[Layout, list[Packed]] = {}
    for record in records:
        by_layout.setdefault(record.layout, []).append(packed(record))
    parts = [rows_of(part, layout, types) for layout, part in by_layout.items()]
    return pa.concat_tables([types.empty_table(), *parts])


def _rows(records: Sequence[Packed], layout: Layout, types: pa.Schema) -> pa.Table:
    sizes = [len(r.ids) or 1 for r in records]
    n = sum(sizes)
    columns: dict[str, Any] = {
        "time": _times([*chain.from_iterable([r.times_us or [r.arrived_us] * (len(r.ids) or 1) for r in records])]),
        "id": pa.array([*chain.from_iterable([r.ids or (None,) for r in records])], pa.string()),
        "arrived": _times([r.arrived_us for r in records]),
    }
    columns |= {name: pa.array([*map(attrgetter(name), records)], types.field(name).type) for name in OF_RECORD}
    if n == len(records):
        row: NDArray[np.int64] = np.zeros(n, np.int64)
    else:
        of = np.repeat(np.arange(len(records)), sizes)
        columns |= {name: columns[name].take(pa.array(of)) for name in ("arrived", *OF_RECORD)}
        row = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    columns |= {"row": pa.array(row), "day": columns["time"].cast(pa.date32())}
    columns["inputs"] = _struct([r.inputs for r in records], layout.inputs, sizes, types.field("inputs").type)
    columns["outputs"] = _struct([r.outputs for r in records], layout.outputs, sizes, types.field("outputs").type)
    return pa.table([columns[name] for name in types.names], schema=types)


def _times(values: Sequence[int]) -> pa.Array:
    return pa.array(values, pa.int64()).cast(TIME)


def _struct(flats: Sequence[Sequence[Scalar]], names: Sequence[str], sizes: Sequence[int], kind: Any) -> Any:
    """Return values that stand column after column, record by record, as a struct of columns."""
    found = dict(zip(names, _columns(flats, len(names), sizes), strict=True))
    n = sum(sizes)
    fields = list(kind)
    arrays = [_column(found[f.name], f.type) if f.name in found else pa.nulls(n, f.type) for f in fields]
    return pa.StructArray.from_arrays(arrays, fields=fields)


def _columns(flats: Sequence[Sequence[Scalar]], width: int, sizes: Sequence[int]) -> list[Sequence[Scalar]]:
    if not width:
        return []
    whole = [flat or [None] * (width * n) for flat, n in zip(flats, sizes, strict=True)]
    if len(flats) == sum(sizes):
        return list(zip(*whole, strict=True))
    return [
        [*chain.from_iterable([flat[j * n : (j + 1) * n] for flat, n in zip(whole, sizes, strict=True)])]
        for j in range(width)
    ]


def _column(values: Sequence[Scalar], kind: pa.DataType) -> pa.Array:
    """Return values as an array; NaN is missing too."""
    texts = pa.types.is_string(kind)
    try:
        column = pa.array(values, kind)
    except (TypeError, ValueError, OverflowError, pa.ArrowException):  # booleans, large numbers, what is neither
        if texts:
            return pa.array([v if v is None or type(v) is str else str(v) for v in values], kind)
        column = pa.array([_number(v) for v in values], kind)
    if not texts and pc.any(pc.is_nan(column)).as_py():
        column = pa.array(column.to_numpy(zero_copy_only=False), kind, from_pandas=True)
    return column


def _number(value: Scalar) -> float | None:
    try:
        return None if value is None else float(value)
    except (ValueError, OverflowError):
        return None
