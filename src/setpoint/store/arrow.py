"""Batches, outcomes and cells as Arrow tables, and back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from setpoint.domain.records import Column
from setpoint.domain.schema import Kind, Schema, Task
from setpoint.store.batch import INTEGERS, TEXTS, Batch, is_text, objects, output_kind
from setpoint.store.cells import KEYS, NUMBERS, Cells
from setpoint.store.outcomes import Kept, Outcomes
from setpoint.store.rows import hashes
from setpoint.store.where import matching

TIME = pa.timestamp("us", tz="UTC")
LISTS = ("violations", "maps")
OUTCOMES = pa.schema(
    [("seq", pa.int64()), ("id", pa.string()), ("value", pa.float64()), ("label", pa.string()), ("known", TIME)]
)
PROFILES = pa.schema(
    [
        ("minute", TIME),
        ("day", pa.date32()),
        ("version", pa.string()),
        ("column", pa.string()),
        ("bin", pa.int64()),
        ("level", pa.string()),
        ("count", pa.int64()),
        *((name, pa.float64()) for name in NUMBERS[1:]),
    ]
)


def prediction_schema(schema: Schema) -> pa.Schema:
    """Return the columns of the table `predictions`."""
    inputs = pa.struct([(f.name, pa.string() if is_text(f) else pa.float64()) for f in schema.features])
    outputs = pa.struct([(n, _output_type(n)) for n in schema.outputs])
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
            *((name, pa.list_(pa.string())) for name in LISTS),
            ("inputs", inputs),
            ("outputs", outputs),
        ]
    )


def predictions(batches: Sequence[Batch], schema: Schema) -> pa.Table:
    """Return batches as rows of the table `predictions`."""
    types = prediction_schema(schema)
    return pa.concat_tables([types.empty_table(), *(_predictions(batch, types) for batch in batches)])


def _predictions(batch: Batch, types: pa.Schema) -> pa.Table:
    columns: dict[str, Any] = {}
    for name in INTEGERS + TEXTS:
        kind = types.field(name).type
        values = batch.fixed[name]
        columns[name] = pa.array(values).cast(kind) if name in INTEGERS else pa.array(values.tolist(), kind)
    columns["day"] = columns["time"].cast(pa.date32())
    for name, group in (("inputs", batch.inputs), ("outputs", batch.outputs)):
        fields = list(types.field(name).type)
        columns[name] = pa.StructArray.from_arrays(
            [pa.array(group[f.name], f.type, from_pandas=True) for f in fields], fields=fields
        )
    return pa.table([columns[name] for name in types.names], schema=types)


def batch_from(table: pa.Table, schema: Schema) -> Batch:
    """Return rows of the table `predictions` as a batch."""
    fixed: dict[str, NDArray[Any]] = {}
    for name in INTEGERS:
        fixed[name] = table[name].cast(pa.int64()).to_numpy().astype(np.int64)
    for name in TEXTS:
        values = table[name].to_pylist()
        fixed[name] = objects([tuple(v) for v in values] if name in LISTS else values)
    inputs, outputs = table["inputs"].combine_chunks(), table["outputs"].combine_chunks()
    return Batch(
        fixed=fixed,
        inputs={f.name: _column(_field(inputs, f.name), f.kind) for f in schema.features},
        outputs={name: _column(_field(outputs, name), output_kind(name)) for name in schema.outputs},
    )


def told(parts: Sequence[Kept], first: int) -> pa.Table:
    """Return outcomes as rows of the table `outcomes`, numbered in order of arrival from `first` on."""
    outcomes = [o for kept in parts for o in kept.outcomes]
    values = np.array([v for kept in parts for v in kept.values], np.float64)
    columns = [
        pa.array(np.arange(first, first + len(outcomes))),
        pa.array([o.id for o in outcomes], pa.string()),
        pa.array(values, from_pandas=True),
        pa.array([None if o.value is None else str(o.value) for o in outcomes], pa.string()),
        pa.array([o.known_us for o in outcomes], pa.int64()).cast(TIME),
    ]
    return pa.table(columns, schema=OUTCOMES)


def put_outcomes(table: pa.Table, outcomes: Outcomes) -> None:
    """Load rows of the table `outcomes` into memory."""
    ordered = table.sort_by("seq")
    ids, known = objects(ordered["id"].to_pylist()), ordered["known"].cast(pa.int64()).to_numpy()
    outcomes.load(ids, known, _column(ordered["value"].combine_chunks(), Kind.NUMERIC))


def profiles(cells: Sequence[Cells]) -> pa.Table:
    """Return cells as rows of the table `profiles`."""
    tables = [PROFILES.empty_table()]
    for part in cells:
        columns = dict(part.columns)
        minute = pa.array(columns.pop("minute")).cast(TIME)
        columns |= {"minute": minute, "day": minute.cast(pa.date32())}
        tables.append(pa.table([pa.array(columns[f.name], f.type) for f in PROFILES], schema=PROFILES))
    return pa.concat_tables(tables)


def cells_from(table: pa.Table) -> Cells:
    """Return rows of the table `profiles` as cells."""
    columns: dict[str, NDArray[Any]] = {"minute": table["minute"].cast(pa.int64()).to_numpy()}
    for name in KEYS[1:] + NUMBERS:
        text = name in ("version", "column", "level")
        columns[name] = objects(table[name].to_pylist()) if text else table[name].to_numpy()
    return Cells(columns)


def window(table: pa.Table, since: datetime | None, until: datetime | None) -> pa.Table:
    """Return the rows with `since` <= time < `until`."""
    if since is not None:
        table = table.filter(pc.greater_equal(table["time"], pa.scalar(since, TIME)))
    if until is not None:
        table = table.filter(pc.less(table["time"], pa.scalar(until, TIME)))
    return table


def presented(
    table: pa.Table,
    outcomes: Outcomes,
    schema: Schema,
    *,
    version: str | None,
    ids: Sequence[str] | None,
    where: str | None,
    limit: int | None,
) -> pa.Table:
    """Return rows of `predictions` as the port's `table` promises: filtered, ordered, with `outcome` and `known`.

    The outcome of a regression is a number, that of a binary task the class as text.
    """
    if version is not None:
        table = table.filter(pc.equal(table["version"], version))
    if ids is not None:
        table = table.filter(pc.is_in(table["id"], pa.array(list(ids), pa.string())))
    table = table.sort_by([(name, "ascending") for name in ("time", "arrived", "id", "row")])
    if where is None:
        return _with_outcomes(_last(table, limit), outcomes, schema)
    return _last(matching(_with_outcomes(table, outcomes, schema), where), limit)


def _last(table: pa.Table, limit: int | None) -> pa.Table:
    return table if limit is None else table.slice(max(0, table.num_rows - limit))


def _with_outcomes(table: pa.Table, outcomes: Outcomes, schema: Schema) -> pa.Table:
    value, known = outcomes.known_by(hashes(objects(table["id"].to_pylist())))
    if schema.task is Task.BINARY:
        outcome = pa.array([None if v != v else str(schema.classes[int(v)]) for v in value], pa.string())
    else:
        outcome = pa.array(value, from_pandas=True)
    return table.append_column("outcome", outcome).append_column("known", pa.array(known).cast(TIME))


def _output_type(name: str) -> pa.DataType:
    return pa.string() if output_kind(name) is Kind.CATEGORICAL else pa.float64()


def _field(struct: Any, name: str) -> Any:
    return pc.struct_field(struct, [name])


def _column(values: Any, kind: Kind) -> Column:
    if kind is Kind.CATEGORICAL:
        return objects(values.to_pylist())
    numbers: Column = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.array(numbers, np.float64)
