"""Faults of what answers: a release whose preprocessing is off, answers that are no numbers, slow ones."""

from collections.abc import Callable

import numpy as np

from setpoint.domain.fault import Fault
from setpoint.domain.incident import Cause
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Kind, Schema
from setpoint.faults.scope import meant

Ask = Callable[[Columns], Columns]


def spoiled(fault: Fault, ask: Ask, inputs: Columns, schema: Schema) -> Columns:
    """Return what a model answers under a fault: a function of the row alone, so that asking again gives the same.

    Parameters
    ----------
    fault : Fault
        Of `release`, the model sees one column mirrored in its range (texts: the next level), by its strength; of
        `exception`, rows of its segment get no number. Others change nothing here.
    ask : callable
        The model as it is: inputs of shape (n,) each to outputs of shape (n,).
    """
    if fault.kind is Cause.RELEASE and fault.strength:
        return ask({**inputs, fault.columns[0]: _mirrored(inputs[fault.columns[0]], fault, schema)})
    answers = ask(inputs)
    if fault.kind is not Cause.EXCEPTION or not fault.strength:
        return answers
    lost = meant(fault.only, inputs) if fault.only is not None else np.ones(len(next(iter(inputs.values()))), bool)
    return {name: np.where(lost, np.nan, column) if _is_number(column) else column for name, column in answers.items()}


def _is_number(column: Column) -> bool:
    return column.dtype.kind == "f"


def _mirrored(column: Column, fault: Fault, schema: Schema) -> Column:
    feature = next(f for f in schema.features if f.name == fault.columns[0])
    if feature.kind is Kind.NUMERIC:
        low, high = feature.low or 0.0, feature.high or 0.0
        return np.asarray((1 - fault.strength) * column + fault.strength * (low + high - column))
    levels = [*feature.levels[1:], *feature.levels[:1]]
    following = dict(zip(feature.levels, levels, strict=True))
    found = np.empty(len(column), object)
    found[:] = [following.get(str(v), v) for v in column.tolist()]
    return found
