"""A training set from the reference and the record log: repaired, point in time, reproducible."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from setpoint.domain.contract import imputed
from setpoint.domain.live import FeatureMap
from setpoint.domain.records import Column, Records, stamp
from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput

Span = tuple[datetime, datetime]


def build(
    reference: pa.Table,
    records: Records,
    schema: Schema,
    *,
    maps: Sequence[tuple[FeatureMap, datetime, datetime | None]] = (),
    until: datetime,
    as_of: datetime | None = None,
    exclude: Sequence[Span] = (),
) -> pa.Table:
    """Return the reference rows followed by the labelled rows of the log before `until`.

    Parameters
    ----------
    reference : pa.Table
        What the root version was trained on: features and target, and the time and id columns if it has them.
    records : Records
        Rows of the log in time order, inputs as they came.
    maps : sequence of (FeatureMap, since, until)
        Repairs with the spans of their faults (`until` None: still there). A row is repaired if its time lies in the
        span, served repaired or not, or if it was served under that repair.
    until : datetime
        Rows from then on are left out.
    as_of : datetime, optional
        Outcomes known after it are left out; by default `until`. A table of outcomes delivered at once is known at
        once: held-out rows lie later in event time all the same.
    exclude : sequence of (since, until)
        Spans whose rows are dropped.

    Returns
    -------
    pa.Table
        Columns and types of the reference, except that a whole-number or true/false column whose new values do not
        fit it becomes float64. Of rows with the same id the last is kept.
    """
    rows = _last_of_each_id(_usable(records, until, as_of or until, exclude))
    repaired = imputed(repaired_inputs(rows, maps), schema)
    beside = [name for name in (schema.time, schema.id) if name is not None and name in reference.column_names]
    wanted = [*schema.names, schema.target, *beside]
    missing = [name for name in wanted if name not in reference.column_names]
    if missing:
        raise InvalidInput(f"the reference lacks {', '.join(missing)}; it has {', '.join(reference.column_names)}")
    new = {**repaired, schema.target: _target(rows.truth, schema)}
    if schema.time in beside:
        new[schema.time] = rows.time
    if schema.id in beside:
        new[schema.id] = rows.id
        reference = _without_ids(reference, schema.id, rows.id)
    joined = {name: _joined(name, reference[name].combine_chunks(), new[name]) for name in wanted}
    return pa.table(joined)


def digest(table: pa.Table) -> str:
    """Return the SHA-256 of the content: column names, types and values in order, however they are chunked."""
    bare = table.replace_schema_metadata(None).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, bare.schema) as writer:
        writer.write_table(bare)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def _usable(records: Records, until: datetime, as_of: datetime, exclude: Sequence[Span]) -> Records:
    keep = ~np.isnat(records.known) & (records.known <= stamp(as_of)) & (records.time < stamp(until))
    for since, end in exclude:
        keep &= (records.time < stamp(since)) | (records.time >= stamp(end))
    return records.take(keep)


def _last_of_each_id(records: Records) -> Records:
    last = {id_: row for row, id_ in enumerate(records.id)}
    return records if len(last) == len(records) else records.take(np.array(sorted(last.values()), dtype=np.int64))


def _without_ids(reference: pa.Table, id_column: str, ids: Column) -> pa.Table:
    logged = set(map(str, ids))
    return reference.filter(pa.array([str(i) not in logged for i in reference[id_column].to_pylist()], pa.bool_()))


def repaired_inputs(records: Records, maps: Sequence[tuple[FeatureMap, datetime, datetime | None]]) -> dict[str, Any]:
    """Return the inputs as the model should have seen them."""
    inputs = dict(records.inputs)
    served = [frozenset(text.split()) for text in records.maps]
    for repair, since, end in maps:
        inside = records.time >= stamp(since)
        if end is not None:
            inside &= records.time < stamp(end)
        inside |= np.array([repair.id in ids for ids in served], dtype=bool)
        column = inputs[repair.feature]
        inputs[repair.feature] = np.where(inside, repair.scale * column + repair.offset, column)
    return inputs


def _target(truth: Column, schema: Schema) -> Column:
    """Return what was true as the training data spells it."""
    if schema.task is Task.REGRESSION:
        return truth.astype(np.float64)
    classes = np.array(schema.classes, dtype=object)
    named: Column = classes[truth.astype(np.int64)]
    return named


def _joined(name: str, old: pa.Array, new: Column) -> pa.Array:
    """Return old and new values in one array of the old one's type, or float64 where that cannot hold the new ones."""
    if pa.types.is_dictionary(old.type):
        plain = old.cast(old.type.value_type)
        return pa.concat_arrays([plain, _typed(name, new, plain.type)]).dictionary_encode().cast(old.type)
    if pa.types.is_integer(old.type) or pa.types.is_boolean(old.type):
        numbers = _fits(new, old.type)
        if numbers is None:
            old = old.cast(pa.int64()).cast(pa.float64())
            return pa.concat_arrays([old, pa.array(new.astype(np.float64), pa.float64())])
        return pa.concat_arrays([old, numbers])
    return pa.concat_arrays([old, _typed(name, new, old.type)])


def _fits(new: Column, kind: pa.DataType) -> pa.Array | None:
    """Return numbers as integers or booleans, or None if that would change them."""
    if new.dtype == object or np.issubdtype(new.dtype, np.datetime64):
        return _typed("", new, kind)
    numbers = new.astype(np.float64)
    missing = np.isnan(numbers)
    filled = np.where(missing, 0.0, numbers)
    if np.any(filled != np.round(filled)) or (pa.types.is_boolean(kind) and not np.isin(filled, (0.0, 1.0)).all()):
        return None
    whole = pa.array(filled.astype(np.int64), mask=missing)
    return whole.cast(kind)


def _typed(name: str, new: Column, kind: pa.DataType) -> pa.Array:
    try:
        if np.issubdtype(new.dtype, np.datetime64):
            return pa.array(new, pa.timestamp("us", "UTC" if getattr(kind, "tz", None) else None)).cast(kind)
        if pa.types.is_floating(kind):
            return pa.array(new.astype(np.float64), mask=np.isnan(new.astype(np.float64))).cast(kind)
        return pa.array(list(new)).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as e:
        raise InvalidInput(f"column {name!r} of the log does not fit the reference's type {kind}: {e}") from e
