"""Recorded inputs as the model saw them: what is hashed or dropped is gone, the key opens what is encrypted."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.schema import Schema
from setpoint.domain.sensitive import hidden, lost, opener_of, sealed
from setpoint.errors import JobFailed
from setpoint.loop.ports import Ports


def why_unreadable(ports: Ports, schema: Schema) -> str:
    """Return in words why nothing can be learnt from the inputs on record; an empty text if it can."""
    gone = lost(schema)
    if gone:
        ways = ", ".join(f"{f.name} (sensitive: {f.sensitive})" for f in hidden(schema) if f.name in gone)
        return f"the record no longer holds {ways} as it was sent: train elsewhere, and deploy what comes out"
    if sealed(schema) and ports.keys.keys() is None:
        return f"{', '.join(sealed(schema))} is recorded encrypted, and the key is not here: set SETPOINT_KEY"
    return ""


def in_clear(ports: Ports, model: str, records: Records) -> Records:
    """Return the rows whose inputs can be read, decrypted; those that a version recorded otherwise are left out."""
    schemas = {v: ports.bundles.get(model, v).schema for v in dict.fromkeys(records.version.tolist())}
    if not any(hidden(schema) for schema in schemas.values()):
        return records
    closed = [v for v, schema in schemas.items() if why_unreadable(ports, schema)]
    rows = records.take(~np.isin(records.version.astype(str), closed))
    names = dict.fromkeys(name for v, schema in schemas.items() if v not in closed for name in sealed(schema))
    return replace(rows, inputs={**rows.inputs, **{n: opened(ports, model, n, rows.inputs[n]) for n in names}})


def opened(ports: Ports, model: str, name: str, column: Column) -> Column:
    """Return a column decrypted."""
    keys = ports.keys.keys()
    assert keys is not None
    open_ = opener_of(model, name, keys)
    found = np.empty(len(column), object)
    found[:] = [None if value is None else open_(value) for value in column.tolist()]
    return found


def reference_in_clear(ports: Ports, model: str, table: pa.Table, schema: Schema) -> pa.Table:
    """Return a stored reference decrypted."""
    for name in sealed(schema):
        values = opened(ports, model, name, np.array(table[name].to_pylist(), object))
        table = table.set_column(table.column_names.index(name), name, pa.array(values, pa.string()))
    return table


def score(ports: Ports, model: str, version: str, inputs: Columns) -> Columns:
    """Ask a version; of a model with encrypted inputs, an error's own words may hold values, and are not repeated.

    Raises
    ------
    JobFailed
        In place of such an error.
    """
    if not sealed(ports.bundles.get(model, version).schema):
        return ports.scorer.score(model, version, inputs)
    try:
        return ports.scorer.score(model, version, inputs)
    except Exception as e:  # a model is not our code
        kind = type(e).__name__
    raise JobFailed(f"{model} {version} cannot answer its own records ({kind})")
