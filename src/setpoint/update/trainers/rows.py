"""A training set as columns and a coded target, after the checks every training needs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from setpoint.domain.classes import either
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Schema, Task
from setpoint.domain.training_set import WEIGHT
from setpoint.errors import InvalidInput
from setpoint.runtime.columns import class_values
from setpoint.update.trainers.columns import check_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A training set as trainers take it.

    `columns` are as in `columns_of`; `codes`, `labels` and `weights` have shape (n,): the target as `target_of` gives
    it, the same spelt as the training data does, and how much each row counts, if that was said.
    """

    columns: Columns
    codes: Column
    labels: Column
    weights: Column | None

    def take(self, places: Column) -> "Rows":
        """Return some rows, by their places or by a mask."""
        return Rows(
            columns={name: column[places] for name, column in self.columns.items()},
            codes=self.codes[places],
            labels=self.labels[places],
            weights=None if self.weights is None else self.weights[places],
        )

    def __len__(self) -> int:
        return len(self.codes)


def rows_of(table: pa.Table, schema: Schema) -> Rows:
    """Return a training set after the checks that every training needs.

    Raises
    ------
    InvalidInput
        If columns have changed, a number is infinite, a weight is not above zero, or nothing could be learnt.
    """
    codes = target_of(table, schema)
    columns = columns_of(table, schema)
    for name, column in columns.items():
        infinite = 0 if column.dtype == object else int(np.isinf(column).sum())
        if infinite:
            raise InvalidInput(
                f"{name!r} is infinite in {infinite} of {table.num_rows} rows of the training set; a missing value is "
                "null, and no number"
            )
    labels = codes if schema.task is Task.REGRESSION else class_values(schema)[codes.astype(np.intp)]
    return Rows(columns=columns, codes=codes, labels=labels, weights=weights_of(table))


def weights_of(table: pa.Table) -> Column | None:
    """Return how much each row counts, shape (n,), or None where nobody said."""
    if WEIGHT not in table.column_names:
        return None
    weights = _numbers(table[WEIGHT])
    wrong = int((~(np.isfinite(weights) & (weights > 0))).sum())
    if wrong:
        raise InvalidInput(f"{WEIGHT!r} is no number above zero in {wrong} of {table.num_rows} rows")
    return weights


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
        If columns have changed, there are no rows, a target is missing or unknown, or all are the same: nothing could
        be learnt. Of several classes each must occur, or the new version would not know it.
    """
    name = schema.target
    check_columns(table, schema)
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
