"""The contract of single features: who keeps it, and what the model saw of columns that were sent."""

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Contract, Feature, Kind, Level, OnViolation, Schema


def kept_by(contract: Contract, value: Level) -> bool:
    """Whether a value of the right type keeps the bounds and is one of the levels."""
    if contract.levels and value not in contract.levels:
        return False
    if isinstance(value, str):
        return True
    return (contract.low is None or value >= contract.low) and (contract.high is None or value <= contract.high)


def fits(feature: Feature, column: Column) -> NDArray[np.bool_]:
    """Return which values the model can be asked with, shape (n,): what it may lack, numbers, and levels that it knows.

    Values beyond a bound fit where the contract imputes or only flags them.
    """
    text, contract = feature.kind is Kind.CATEGORICAL, feature.contract
    if contract and contract.on_violation is OnViolation.IMPUTE:
        return np.array([v is None or isinstance(v, str) for v in column], bool) if text else ~np.isinf(column)
    missing = np.array([v is None for v in column], bool) if column.dtype == object else np.isnan(column)
    known = set(feature.levels)
    found = np.array([not known or v in known for v in column], bool) if text else np.isfinite(column)
    if contract and contract.on_violation is OnViolation.REJECT:
        found &= ~(_unknown(contract, column) if text else _beyond(contract, column))
    return np.where(missing, feature.nullable, found)


def imputed(inputs: Columns, schema: Schema) -> Columns:
    """Return inputs, as they were sent and repaired, as the model saw them: what is imputed at the door replaced.

    A value that had not even the type of its feature was recorded as null, and is a null here too.
    """
    mended = {
        f.name: _mended(f, f.contract, inputs[f.name])
        for f in schema.features
        if f.contract and f.contract.on_violation is OnViolation.IMPUTE
    }
    return {**inputs, **mended} if mended else inputs


def _mended(feature: Feature, contract: Contract, column: Column) -> Column:
    text = feature.kind is Kind.CATEGORICAL
    missing = column == np.array(None) if text else np.isnan(column)
    broken = np.where(missing, not feature.nullable, _unknown(contract, column) if text else _beyond(contract, column))
    found: Column = np.where(broken, np.array(contract.instead, column.dtype), column)
    return found


def _beyond(contract: Contract, column: Column) -> NDArray[np.bool_]:
    bad = np.zeros(len(column), bool)
    if contract.low is not None:
        bad |= column < contract.low
    if contract.high is not None:
        bad |= column > contract.high
    if contract.levels:
        bad |= ~np.isin(column, np.array(contract.levels, np.float64))
    return bad


def _unknown(contract: Contract, column: Column) -> NDArray[np.bool_]:
    known = set(contract.levels)
    return np.array([bool(known) and value not in known for value in column], bool)
