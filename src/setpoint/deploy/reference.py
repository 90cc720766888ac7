"""Read the reference table, and turn its columns into what models and profiles take."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from setpoint.deploy.lists import spread
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Feature, Schema, Task
from setpoint.errors import InvalidInput


def read_reference(path: Path) -> pa.Table:
    """Read a Parquet or CSV table; columns of lists are spread (see `lists.spread`).

    Raises
    ------
    InvalidInput
        If there is no such file, it is neither, or a list cannot be spread.
    """
    if not path.is_file():
        raise InvalidInput(f"there is no reference table at {path}; `reference:` names a Parquet or CSV file of rows "
                           "the model was trained or validated on")  # fmt: skip
    try:
        match path.suffix.lower():
            case ".parquet" | ".pq":
                return spread(pq.read_table(path))
            case ".csv":
                return pacsv.read_csv(path)
    except (pa.ArrowInvalid, OSError) as e:
        raise InvalidInput(f"cannot read the table {path}: {str(e).splitlines()[0]}") from e
    raise InvalidInput(f"the table {path} must be a .parquet or .csv file")


def features_of(table: pa.Table, features: Iterable[Feature]) -> Columns:
    """Return the features of a table as columns: float64 with NaN for null, or object holding str and None."""
    return {f.name: _column(table.column(f.name), f) for f in features}


def target_of(table: pa.Table, schema: Schema) -> Column:
    """Return the target: float64 (regression), or the place of each row's class; NaN where it is null."""
    values = table.column(schema.target)
    if schema.task is Task.REGRESSION:
        return _numbers(values)
    codes: dict[Any, float] = {label: float(i) for i, label in enumerate(schema.classes)}
    return np.array([codes.get(v, np.nan) for v in plain(values)], np.float64)


def plain(values: pa.ChunkedArray) -> list[str | int | bool | float | None]:
    """Return values as Python's, whole floats as int: how labels are compared."""
    found = values.to_pylist()
    return [int(v) if isinstance(v, float) and v.is_integer() else v for v in found]


def _column(values: pa.ChunkedArray, feature: Feature) -> Column:
    if feature.dtype is not DType.STRING:
        return _numbers(values)
    return np.array(values.cast(pa.string()).to_pylist(), dtype=object)


def _numbers(values: pa.ChunkedArray) -> Column:
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    numbers: Column = pc.cast(values, pa.float64(), safe=False).to_numpy()
    return numbers
