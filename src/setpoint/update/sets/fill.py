"""The columns of the chosen rows: mended as at the door, in the reference's types."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from setpoint.domain.contract import imputed
from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.records import Column, Columns, Records, stamp
from setpoint.domain.repaired import repaired_where
from setpoint.domain.schema import Feature, Kind, Schema, Task
from setpoint.domain.training_set import Step
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput
from setpoint.update.sets.choose import Chosen

Maps = Sequence[tuple[FeatureMap, datetime, datetime | None]]


def filled(
    reference: pa.Table, records: Records, schema: Schema, chosen: Chosen, maps: Maps = ()
) -> tuple[pa.Table, tuple[Step, ...]]:
    """Return the chosen rows as a table, a column at a time, and what was done to them on the way.

    Columns are those of the schema, the target, and time and id where the reference has them; in the reference's types,
    except that a whole-number or true/false column whose new values do not fit it becomes float64.

    Raises
    ------
    InvalidInput
        If the reference lacks a column, or the log's values do not fit its type.
    """
    beside = [name for name in (schema.time, schema.id) if name is not None and name in reference.column_names]
    wanted = list(dict.fromkeys([*schema.names, schema.target, *beside]))
    missing = [name for name in wanted if name not in reference.column_names]
    if missing:
        raise InvalidInput(f"the reference lacks {', '.join(missing)}; it has {', '.join(reference.column_names)}")
    old, touched = pa.array(chosen.reference), _touched(records, maps, chosen.log)
    mended = _mended(records, maps, chosen.log, touched)
    new = {schema.time: records.time, schema.id: records.id}
    features = {f.name: f for f in schema.features}
    columns, replaced = {}, dict[str, float]()
    for name in wanted:
        if name in beside:
            values = new[name][chosen.log]
        elif name == schema.target:
            values = _target(records.truth[chosen.log], schema)
        else:
            sent = mended[name] if name in mended else records.inputs[name][chosen.log]
            values = _as_seen(sent, features[name], schema)
            replaced |= {name: float(count)} if (count := _differing(sent, values)) else {}
        columns[name] = _joined(name, reference[name].combine_chunks().take(old), values)
    rows = len(chosen)
    repaired = {repair.id: float(mask.sum()) for (repair, _, _), mask in zip(maps, touched, strict=True)}
    return pa.table(columns), (
        Step(name="repairs", rows_in=rows, rows_out=rows, counts=repaired, at_door=True),
        Step(name="contract", rows_in=rows, rows_out=rows, counts=replaced, at_door=True),
    )


def as_inputs(records: Records, schema: Schema, maps: Maps) -> pa.Table:
    """Return the features of records as the model saw them, labelled or not."""
    seen = imputed(repaired_inputs(records, maps), schema)
    kinds = {f.name: pa.string() if f.kind is Kind.CATEGORICAL else pa.float64() for f in schema.features}
    return pa.table({name: pa.array(seen[name], kinds[name]) for name in schema.names})


def repaired_inputs(records: Records, maps: Maps) -> dict[str, Any]:
    """Return the inputs as the model should have seen them."""
    rows = np.arange(len(records))
    return {**records.inputs, **_mended(records, maps, rows, _touched(records, maps, rows))}


def _touched(records: Records, maps: Maps, rows: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
    """Return which of the rows each repair is for: those of the fault's span, and those served under it."""
    if not maps:
        return []
    time, served = records.time[rows], pa.array(records.maps[rows], pa.string()).dictionary_encode()
    sets = [frozenset((text or "").split()) for text in served.dictionary.to_pylist()]
    codes = served.indices.fill_null(len(sets)).to_numpy(zero_copy_only=False)
    found = []
    for repair, since, end in maps:
        inside = time >= stamp(since)
        if end is not None:
            inside &= time < stamp(end)
        found.append(inside | np.array([repair.id in ids for ids in (*sets, frozenset())], bool)[codes])
    return found


def _mended(records: Records, maps: Maps, rows: NDArray[np.int64], touched: Sequence[NDArray[np.bool_]]) -> Columns:
    """Return the columns that repairs are about, as the model should have seen them in these rows."""
    both = zip(maps, touched, strict=True)
    known = [(m, inside) for (m, _, _), inside in both if set(m.reads) <= records.inputs.keys()]
    sent = {name: records.inputs[name][rows] for m, _ in known for name in m.reads}
    return repaired_where(sent, known)


def _as_seen(column: Column, feature: Feature, schema: Schema) -> Column:
    return imputed({feature.name: column}, replace(schema, features=(feature,)))[feature.name]


def _differing(before: Column, after: Column) -> int:
    if before is after:
        return 0
    return int(((before != after) & ~((before != before) & (after != after))).sum())


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
    whole = np.where(missing, 0.0, numbers)
    if np.any(whole != np.round(whole)) or (pa.types.is_boolean(kind) and not np.isin(whole, (0.0, 1.0)).all()):
        return None
    return pa.array(whole.astype(np.int64), mask=missing).cast(kind)


def _typed(name: str, new: Column, kind: pa.DataType) -> pa.Array:
    try:
        if np.issubdtype(new.dtype, np.datetime64):
            return pa.array(new, pa.timestamp("us", "UTC" if getattr(kind, "tz", None) else None)).cast(kind)
        if pa.types.is_floating(kind):
            return pa.array(new.astype(np.float64), mask=np.isnan(new.astype(np.float64))).cast(kind)
        return pa.array(new if len(new) else [], None if len(new) else kind).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as e:
        raise InvalidInput(f"column {name!r} of the log does not fit the reference's type {kind}: {e}") from e
