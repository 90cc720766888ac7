"""The contract of setpoint.yaml, checked against the reference and made whole: the worker does no statistics."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from setpoint.deploy.schema import nearest
from setpoint.domain.contract import kept_by
from setpoint.domain.schema import Contract, DType, Feature, Kind, Level, OnViolation, Schema
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput

EXPECTED: dict[DType, tuple[tuple[type, ...], str]] = {
    DType.FLOAT: ((float, int), "a number"),
    DType.INT: ((int,), "a whole number"),
    DType.BOOL: ((bool,), "true or false"),
    DType.STRING: ((str,), "a text; put it in quotes"),
}


def contracted(schema: Schema, contracts: Mapping[str, Contract], reference: pa.Table) -> Schema:
    """Return the schema with the contracts of its features.

    Raises
    ------
    InvalidInput
        If a contract names no feature, does not fit its type, or is kept by no row of the reference.
    """
    for name in contracts:
        if name not in schema.names:
            raise InvalidInput(
                f"features: {name!r} is no feature of the model{nearest(name, schema.names)}; its features are "
                f"{', '.join(schema.names)}"
            )
    features = tuple(
        replace(f, contract=_whole(f, contracts[f.name], reference.column(f.name))) if f.name in contracts else f
        for f in schema.features
    )
    return replace(schema, features=features)


def _whole(feature: Feature, contract: Contract, column: pa.ChunkedArray) -> Contract:
    """Check a contract against a column of the reference; add what is imputed where the file does not say it."""
    if feature.kind is Kind.CATEGORICAL and (contract.low is not None or contract.high is not None):
        raise InvalidInput(f"features: {feature.name!r} holds text, which has no min and max; write `values: […]`")
    for level in (*contract.levels, *([] if contract.instead is None else [contract.instead])):
        types, expected = EXPECTED[feature.dtype]
        if type(level) not in types:
            raise InvalidInput(f"features: {feature.name!r}: {level!r} must be {expected}")
    values: list[Any] = [v for v in column.to_pylist() if v is not None and v == v and kept_by(contract, v)]
    if not values:
        raise InvalidInput(f"features: no row of the reference keeps the contract of {feature.name!r}; see its values")
    if contract.on_violation is OnViolation.IMPUTE and contract.instead is None:
        return replace(contract, instead=_usual(feature, values))
    return contract


def _usual(feature: Feature, values: list[Any]) -> Level:
    """Return the lower median of numbers, the most frequent of texts: always a value that was there."""
    if feature.kind is Kind.CATEGORICAL:
        counts = Counter(values)
        return str(min(counts, key=lambda value: (-counts[value], value)))
    usual = sorted(values)[(len(values) - 1) // 2]
    return usual if feature.dtype in (DType.INT, DType.BOOL) else float(usual)
