"""Tables that users hand over."""

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from setpoint.deploy.reference import read_reference
from setpoint.domain.classes import either
from setpoint.domain.record import EARLIEST_US, LATEST_US, Outcome
from setpoint.domain.schema import DType, Schema
from setpoint.domain.value import utc
from setpoint.errors import InvalidInput

KNOWN = "known"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_table(file: Path) -> pa.Table:
    """Read a Parquet or CSV file whose columns have names of their own."""
    if not file.is_file():
        raise InvalidInput(f"there is no file {file}")
    table = read_reference(file)
    twice = [name for name, times in Counter(table.column_names).items() if times > 1]
    if twice:
        raise InvalidInput(f"{file}: more than one column is called {', '.join(map(repr, twice))}; rename them")
    return table


def instances(table: pa.Table, schema: Schema) -> list[dict[str, Any]]:
    """Return one named record a row: the features, and the time and id columns where the table has them."""
    missing = [name for name in schema.names if name not in table.column_names]
    if missing:
        raise InvalidInput(f"the table lacks {', '.join(missing)}; it has {', '.join(table.column_names)}")
    beside = [name for name in (schema.time, schema.id) if name is not None and name in table.column_names]
    whole = {f.name for f in schema.features if f.dtype is DType.INT}
    return [
        {name: _plain(value, whole=name in whole) for name, value in row.items()}
        for row in table.select([*schema.names, *beside]).to_pylist()
    ]


def _plain(value: Any, *, whole: bool) -> Any:
    if isinstance(value, datetime):
        return utc(value).isoformat()
    if isinstance(value, float) and math.isnan(value):
        return None
    return int(value) if whole and isinstance(value, float) and value.is_integer() else value


def outcomes_of(table: pa.Table, schema: Schema, now: datetime) -> list[Outcome]:
    """Return the outcomes of a table: an id column, the target's column, and when each became known if it says so.

    The id column is the one setpoint.yaml names, else `id` or `request_id`; `known` is the column of that name.
    """
    if not table.num_rows:
        raise InvalidInput("the table of outcomes has no rows")
    id_column = _one_of(table, [c for c in (schema.id, "id", "request_id") if c], "id")
    label = _one_of(table, [schema.target, "outcome", "value"], "label")
    stated = KNOWN in table.column_names
    known = table[KNOWN].to_pylist() if stated else [now] * table.num_rows
    return [
        Outcome(id=str(i), value=_label(v, schema, row), known_us=_micros(k, row), stated=stated)
        for row, (i, v, k) in enumerate(zip(table[id_column].to_pylist(), table[label].to_pylist(), known, strict=True))
    ]


def _one_of(table: pa.Table, names: list[str], what: str) -> str:
    found = next((name for name in names if name in table.column_names), None)
    if found is None:
        raise InvalidInput(
            f"the table has no {what} column: expected {' or '.join(map(repr, names))}; it has "
            f"{', '.join(table.column_names)}"
        )
    return found


def _label(value: Any, schema: Schema, row: int) -> Any:
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        raise InvalidInput(f"row {row}: the label is missing; leave out rows whose outcome is not known yet")
    if schema.classes:
        for known in schema.classes:
            if value == known or str(value) == str(known):
                return known
        raise InvalidInput(f"row {row}: label {value!r} is not {either(schema.classes)}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput(f"row {row}: label {value!r} is not a number")
    return float(value)


def _micros(when: Any, row: int) -> int:
    if not isinstance(when, datetime):
        raise InvalidInput(f"row {row}: {KNOWN} must be a time, not {when!r}")
    try:
        found = (utc(when) - EPOCH) // timedelta(microseconds=1)
    except OverflowError:  # with its zone it lies outside the years 1 to 9999
        found = None
    if found is None or not EARLIEST_US <= found <= LATEST_US:
        raise InvalidInput(f"row {row}: {KNOWN} is {when.isoformat()}; expected a time from 1900 to 2200")
    return found
