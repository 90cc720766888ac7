"""Records as columns: the form in which they go into tables and into memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.record import InferenceRecord, Scalar
from setpoint.domain.records import Column
from setpoint.domain.schema import Feature, Kind, Schema

INTEGERS = ("row", "time", "arrived", "status", "latency_us")
TEXTS = ("id", "request_id", "version", "role", "caller", "violations", "maps")
FIXED = INTEGERS + TEXTS


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


def batch_of(records: Sequence[InferenceRecord], schema: Schema) -> Batch:
    """Turn records into columns; values that do not fit the schema become missing."""
    fixed: dict[str, list[Any]] = {name: [] for name in FIXED}
    inputs: dict[str, list[Scalar]] = {f.name: [] for f in schema.features}
    outputs: dict[str, list[Scalar]] = {name: [] for name in schema.outputs}
    for r in records:
        n = max(len(r.ids), 1)
        fixed["id"] += r.ids or [None]
        fixed["time"] += r.times_us or [r.arrived_us] * n
        fixed["row"] += range(n)
        fixed["violations"] += [tuple(r.violations)] * n
        fixed["maps"] += [tuple(r.maps)] * n
        fixed["arrived"] += [r.arrived_us] * n
        for name in ("request_id", "version", "role", "caller", "status", "latency_us"):
            fixed[name] += [getattr(r, name)] * n
        for columns, given in ((inputs, r.inputs), (outputs, r.outputs)):
            for name, column in columns.items():
                column += given.get(name) or [None] * n
    return Batch(
        fixed={name: np.array(fixed[name], np.int64) for name in INTEGERS} | {n: objects(fixed[n]) for n in TEXTS},
        inputs={f.name: column_of(inputs[f.name], f.kind) for f in schema.features},
        outputs={name: column_of(outputs[name], output_kind(name)) for name in schema.outputs},
    )


def sound(record: InferenceRecord) -> bool:
    """Whether all columns of a record have one value a row."""
    rows = max(len(record.ids), 1)
    for columns in (record.inputs, record.outputs):
        for column in columns.values():
            if len(column) != rows and column:
                return False
    return len(record.times_us) in (0, len(record.ids))


def output_kind(name: str) -> Kind:
    """Return the kind of an output by its name."""
    return Kind.CATEGORICAL if name == "label" else Kind.NUMERIC


def column_of(values: Sequence[Scalar], kind: Kind) -> Column:
    """Return values as a column: float64 with NaN for missing, or objects holding str and None."""
    if kind is Kind.CATEGORICAL:
        return objects([v if v is None or type(v) is str else str(v) for v in values])
    try:
        return np.array(values, np.float64)
    except (TypeError, ValueError):
        return np.array([_number(v) for v in values], np.float64)


def objects(values: Sequence[object]) -> NDArray[Any]:
    """Return any values as an object array of shape (n,), tuples and lists too."""
    column = np.empty(len(values), object)
    column[:] = values
    return column


def is_text(feature: Feature) -> bool:
    """Whether a feature is kept as text."""
    return feature.kind is Kind.CATEGORICAL


def _number(value: Scalar) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")
