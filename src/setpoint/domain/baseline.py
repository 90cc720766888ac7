"""What answers rows on which every version fails: one value, a feature of the request itself, or a named version."""

import math

from setpoint.domain.levels import spelled
from setpoint.domain.schema import DType, Feature, Kind, Level, Schema, Task
from setpoint.domain.value import value

BASELINE = "baseline"  # the version and the role that answers are told and recorded with


@value
class Baseline:
    """One of these: a constant (of two classes a label, or the probability of the second), a column, a version."""

    constant: Level | None = None
    column: str | None = None
    version: str | None = None

    @property
    def words(self) -> str:
        """Say what it answers."""
        if self.version is not None:
            return f"the answers of {self.version}"
        return f"{self.column} of the request" if self.column is not None else f"always {self.constant}"


def unfit_baseline(baseline: Baseline, schema: Schema) -> str:
    """Return why a baseline cannot answer for a model, and what would; empty if it can."""
    if baseline.version is not None:
        return ""
    if baseline.column is None:
        return _unfit_constant(baseline.constant, schema)
    feature = next((f for f in schema.features if f.name == baseline.column), None)
    if feature is None:
        return f"column {baseline.column!r} is no feature of the model; there are {', '.join(schema.names[:20])}"
    if schema.task is Task.REGRESSION:
        if feature.kind is Kind.NUMERIC:
            return ""
        return f"column {baseline.column!r} holds categories; a regression needs a number"
    if feature.levels and not set(feature.levels) & {spelled(feature.dtype, c) for c in schema.classes}:
        return f"column {baseline.column!r} holds none of the classes {_listed(schema)}"
    return ""


def class_codes(schema: Schema, feature: Feature) -> dict[str | float, int]:
    """Return the place of each class by what a column of a feature holds of it."""
    if feature.kind is Kind.CATEGORICAL:
        return {spelled(feature.dtype, label): at for at, label in enumerate(schema.classes)}
    return {float(label): at for at, label in enumerate(schema.classes) if not isinstance(label, str)}


def _unfit_constant(constant: Level | None, schema: Schema) -> str:
    number = isinstance(constant, int | float) and math.isfinite(constant)
    match schema.task:
        case Task.REGRESSION:
            return "" if number and not isinstance(constant, bool) else f"constant {constant!r} is no number"
        case Task.BINARY if number and 0 <= float(constant or 0) <= 1:
            return ""
    if constant in schema.classes:
        return ""
    more = " or a probability from 0 to 1" if schema.task is Task.BINARY else ""
    return f"constant {constant!r} is none of the classes {_listed(schema)}{more}"


def _listed(schema: Schema) -> str:
    return ", ".join(spelled(DType.STRING, c) for c in schema.classes[:20])
