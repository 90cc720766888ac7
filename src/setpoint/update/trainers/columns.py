"""Whether a training set still has the columns that a model was trained on."""

import difflib

import pyarrow as pa

from setpoint.domain.schema import DType, Feature, Schema, Task
from setpoint.domain.training_set import WEIGHT
from setpoint.errors import InvalidInput


def check_columns(table: pa.Table, schema: Schema) -> None:
    """Refuse a table whose columns are not those of the schema.

    Raises
    ------
    InvalidInput
        If one is missing, or of a type that the model was not trained on; a renamed one is guessed.
    """
    missing = [name for name in (*schema.names, schema.target) if name not in table.column_names]
    if missing:
        raise InvalidInput(f"the schema changed since training: the training set {_lacks(table, schema, missing)}")
    retyped = [_retyped(f, table.schema.field(f.name).type) for f in schema.features]
    target = table.schema.field(schema.target).type
    if schema.task is Task.REGRESSION and not _is_number(target):
        retyped.append(f"{schema.target!r} holds {target}, and the model was trained on numbers")
    if found := [words for words in retyped if words]:
        raise InvalidInput(
            f"the schema changed since training: {'; '.join(found[:3])}. Mend the columns, or deploy a model that was "
            "trained on them"
        )


def _lacks(table: pa.Table, schema: Schema, missing: list[str]) -> str:
    known = {*schema.names, schema.target, schema.time, schema.id, WEIGHT}
    new = [name for name in table.column_names if name not in known]
    near = difflib.get_close_matches(missing[0], new, n=1, cutoff=0.5)
    guess = near or (new if len(new) == len(missing) == 1 else [])
    said = f"; is {guess[0]!r} its new name?" if guess else ""
    return f"lacks {', '.join(map(repr, missing[:5]))}{' and more' if len(missing) > 5 else ''}{said}"


def _retyped(feature: Feature, kind: pa.DataType) -> str:
    """Return what is wrong with the type of a column, if anything; one of nulls alone fits any."""
    text = feature.dtype is DType.STRING
    if pa.types.is_null(kind) or (_is_text(kind) if text else _is_number(kind)):
        return ""
    return f"{feature.name!r} holds {kind}, and the model was trained on {'text' if text else 'numbers'}"


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
    return any(test(kind) for test in tests)
