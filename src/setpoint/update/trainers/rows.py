"""A training set as columns and a coded target, after the checks every training needs."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from setpoint.domain.classes import either
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Schema, Task
from setpoint.errors import InvalidInput


def columns_of(table: pa.Table, schema: Schema) -> Columns:
    """Return the features: float64 with NaN for null, or object holding str and None; each of shape (n,)."""
    return {
        f.name: np.array(table[f.name].cast(pa.string()).to_pylist(), dtype=object)
        if f.dtype is DType.STRING
        else _numbers(table[f.name])
        for f in schema.features
    }


def target_of(table: pa.Table, schema: Schema) -> Column:
    """Return the target, shape (n,): float64, or the place of each row's class.

    Raises
    ------
    InvalidInput
        If there are no rows, a target is missing or unknown, or all are the same: nothing could be learnt. Of several
        classes each must occur, or the new version would not know it.
    """
    name = schema.target
    if not table.num_rows:
        raise InvalidInput("the training set has no rows")
    if schema.task is Task.REGRESSION:
        target = _numbers(table[name])
    else:
        codes: dict[Any, float] = {
            label: float(code) for code, label in enumerate(schema.classes)
        }  # 1, 1.0 and True are one
        target = np.array([codes.get(label, np.nan) for label in table[name].to_pylist()])
    wrong = int((~np.isfinite(target)).sum())
    if wrong:
        expected = "a number" if schema.task is Task.REGRESSION else either(schema.classes)
        raise InvalidInput(
            f"the target {name!r} is not {expected} in {wrong} of {table.num_rows} rows of the training set"
        )
    if np.ptp(target) == 0:
        one = table[name][0].as_py()
        many = "one value only" if schema.task is Task.REGRESSION else "one class only"
        raise InvalidInput(f"the target {name!r} has {many} ({one!r}) in all {table.num_rows} rows of the training set")
    occur = set(target.tolist())
    lacking = [label for place, label in enumerate(schema.classes) if place not in occur]
    if lacking:
        raise InvalidInput(
            f"the target {name!r} lacks {len(lacking)} of {len(schema.classes)} classes, such as {lacking[0]!r}, in "
            f"all {table.num_rows} rows of the training set: a new version would not know them"
        )
    return target


def _numbers(values: pa.ChunkedArray) -> Column:
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    numbers: Column = pc.cast(values, pa.float64(), safe=False).to_numpy()
    return numbers
