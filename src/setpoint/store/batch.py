"""Rows of the table `predictions` as NumPy columns: the form in which they are kept in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from setpoint.domain.records import Column
from setpoint.domain.schema import Schema

INTEGERS = ("row", "time", "arrived", "status", "latency_us")
TEXTS = ("id", "version", "role", "caller", "violations", "maps")


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of records, every array of shape (n,).

    `fixed` holds the columns every model has: times in microseconds since the epoch; `violations` and `maps` are
    tuples. A request without rows (it was refused) is one row whose id is None. `inputs` and `outputs` follow the
    schema: float64 with NaN for numbers, object for text.
    """

    fixed: dict[str, NDArray[Any]]
    inputs: dict[str, Column]
    outputs: dict[str, Column]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.fixed["row"])

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return all columns in one mapping; inputs and outputs carry a prefix."""
        return {
            **self.fixed,
            **{f"in.{name}": c for name, c in self.inputs.items()},
            **{f"out.{name}": c for name, c in self.outputs.items()},
        }


def batch_from(table: pa.Table, schema: Schema) -> Batch:
    """Return rows of the table `predictions` as a batch."""
    fixed: dict[str, NDArray[Any]] = {}
    for name in INTEGERS:
        fixed[name] = table[name].cast(pa.int64()).to_numpy().astype(np.int64)
    for name in TEXTS:
        values = table[name]
        fixed[name] = _lists(values) if pa.types.is_list(values.type) else _texts(values.combine_chunks())
    inputs, outputs = table["inputs"].combine_chunks(), table["outputs"].combine_chunks()
    return Batch(
        fixed=fixed,
        inputs={name: _column(pc.struct_field(inputs, [name])) for name in schema.names},
        outputs={name: _column(pc.struct_field(outputs, [name])) for name in schema.outputs},
    )


def objects(values: Sequence[object]) -> NDArray[Any]:
    """Return any values as an object array of shape (n,), tuples and lists too."""
    column = np.empty(len(values), object)
    column[:] = values
    return column


def _lists(values: pa.ChunkedArray) -> NDArray[Any]:
    """Return lists as tuples; the empty one, which most are, is one object."""
    found = objects([()] * len(values))
    filled = np.flatnonzero(pc.greater(pc.list_value_length(values).fill_null(0), 0).to_numpy())
    for row, value in zip(filled.tolist(), values.take(pa.array(filled)).to_pylist(), strict=True):
        found[row] = tuple(value)
    return found


def _texts(values: Any) -> NDArray[Any]:
    """Return texts, and None; equal ones are one object, so that a column of few levels takes little memory."""
    coded = values.dictionary_encode()
    levels = objects([*coded.dictionary.to_pylist(), None])
    found: NDArray[Any] = levels[coded.indices.fill_null(len(levels) - 1).to_numpy(zero_copy_only=False)]
    return found


def _column(values: Any) -> Column:
    if pa.types.is_string(values.type):
        return _texts(values)
    numbers: Column = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.array(numbers, np.float64)
