"""Sensitive fields at deployment: who may be hidden how, and the reference as it may be kept."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from setpoint.deploy.schema import nearest
from setpoint.domain.records import Columns
from setpoint.domain.schema import Feature, Handling, Kind, Schema
from setpoint.domain.sensitive import Guard, sealed
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput


def declared(
    schema: Schema, features: Mapping[str, Handling], *, id: Handling | None, caller: Handling | None
) -> Schema:
    """Return the schema with what is sensitive; of such a feature neither levels nor range are kept.

    Raises
    ------
    InvalidInput
        If there is no such feature, or it cannot be hidden that way.
    """
    for name, handling in features.items():
        if name not in schema.names:
            raise InvalidInput(
                f"features: {name!r} is no feature of the model{nearest(name, schema.names)}; its features are "
                f"{', '.join(schema.names)}"
            )
        feature = schema.features[schema.names.index(name)]
        if feature.kind is Kind.NUMERIC and handling is not Handling.DROP:
            raise InvalidInput(
                f"features: {name!r} holds numbers, and a record keeps numbers there, so no text of a hash or a "
                "ciphertext fits: write `sensitive: drop`"
            )
    kept = tuple(_bare(f, features[f.name]) if f.name in features else f for f in schema.features)
    return replace(schema, features=kept, sensitive_id=id, sensitive_caller=caller)


def _bare(feature: Feature, handling: Handling) -> Feature:
    return replace(feature, sensitive=handling, levels=(), low=None, high=None)


def guarded(table: pa.Table, schema: Schema, guard: Guard | None, *, of_records: bool = False) -> pa.Table:
    """Return a reference as it may be kept: with its sensitive columns as they are recorded.

    One of records (`of_records`) has its ids as they are recorded already.
    """
    if guard is None:
        return table
    for feature in schema.features:
        if feature.sensitive and feature.name in table.column_names:
            table = _with(table, feature.name, _hidden(table[feature.name], feature, guard))
    if schema.sensitive_id and schema.id and schema.id in table.column_names and not of_records:
        ids = [None if i is None else guard.id(str(i)) for i in table[schema.id].to_pylist()]
        table = _with(table, schema.id, pa.array(ids, pa.string()))
    return table


def countable(columns: Columns, schema: Schema) -> Columns:
    """Return columns as they can be counted: a ciphertext is another one each time, and says nothing."""
    blank = {name: columns[name].copy() for name in sealed(schema)}
    for column in blank.values():
        column[:] = None
    return {**columns, **blank}


def _hidden(column: pa.ChunkedArray, feature: Feature, guard: Guard) -> pa.Array:
    if feature.sensitive is Handling.DROP:
        return pa.nulls(len(column), column.type)
    return pa.array(guard.column(feature.name, column.cast(pa.string()).to_pylist()), pa.string())


def _with(table: pa.Table, name: str, column: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)
