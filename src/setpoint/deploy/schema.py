"""Infer a schema from the reference table and what the model itself says."""

import difflib
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from setpoint.deploy.labels import classes_of_target
from setpoint.deploy.lists import MOST
from setpoint.deploy.spelling import spelled
from setpoint.deploy.tensors import filled, fitted
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task, Tensor, same_but_for_case
from setpoint.errors import InvalidInput

MIN_ROWS = 30
MAX_LEVELS = 1_000


def infer_schema(
    reference: pa.Table,
    *,
    target: str,
    task: Task,
    time: str | None = None,
    id: str | None = None,
    model_features: Sequence[str] | None = None,
    width: int | None = None,
    classes: Sequence[str | int | bool] = (),
    tensors: Sequence[Tensor] = (),
    n_classes: int | None = None,
    own_output: str | None = None,
) -> Schema:
    """Describe the inputs in the model's own order, and the target.

    Parameters
    ----------
    reference : pyarrow.Table
    target, time, id : str
        Column names; the model sees none of them.
    task : Task
    model_features : sequence of str, optional
        What the model calls its inputs; else every other column of the reference is one, in table order.
    width : int, optional
        How many inputs the model takes, checked when it has no names for them.
    classes : sequence, optional
        The model's own class labels: negative first of two, in its own order of several.
    tensors : sequence of Tensor, optional
        The model's inputs, where they are no matrix; columns are found for them.
    n_classes : int, optional
        How many classes a model tells apart that has no labels for them: they are those of the target, in order.
    own_output : str, optional
        What the model calls the output that predicts the target.

    Raises
    ------
    InvalidInput
        If the table has too few rows, lacks a column, or a column or the target does not fit.
    """
    _check_columns(reference, {"target": target, "time": time, "id": id})
    if reference.num_rows < MIN_ROWS:
        raise InvalidInput(f"the reference has {reference.num_rows} rows; at least {MIN_ROWS} are needed")
    beside = {target, time, id}
    tensors = filled(tensors, reference, beside)
    said = spelled(model_features or (), reference.column_names)
    own = [name for tensor in tensors for name in tensor.features] or said
    names = list(own or [n for n in reference.column_names if n not in beside])
    _check_features(reference, names, target, None if own else width)
    features = tuple(feature_of(name, reference.column(name)) for name in names)
    return Schema(
        features=fitted(features, tensors, reference) if tensors else features,
        target=target,
        task=task,
        classes=_numeric_target(reference, target)
        if task is Task.REGRESSION
        else classes_of_target(reference.column(target), target, task, classes, n_classes),
        time=time,
        id=id,
        tensors=tensors,
        own_output=own_output,
    )


def feature_of(name: str, values: pa.ChunkedArray) -> Feature:
    """Describe one column: type, nulls, range or levels."""
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    nullable = values.null_count > 0
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        levels = pc.unique(values.cast(pa.string())).drop_null().to_pylist()
        return Feature(
            name=name,
            kind=Kind.CATEGORICAL,
            dtype=DType.STRING,
            nullable=nullable,
            levels=tuple(sorted(levels)) if len(levels) <= MAX_LEVELS else (),
        )
    dtype = _numeric_type(name, kind, values)
    if dtype is DType.BOOL:
        return Feature(name=name, kind=Kind.NUMERIC, dtype=dtype, nullable=nullable, low=0.0, high=1.0)
    numbers = pc.cast(values, pa.float64(), safe=False)
    whole = numbers.filter(pc.is_finite(numbers).fill_null(False))
    ends = pc.min_max(whole).as_py()
    holes = nullable or bool(pc.any(pc.is_nan(numbers)).as_py())
    return Feature(name=name, kind=Kind.NUMERIC, dtype=dtype, nullable=holes, low=ends["min"], high=ends["max"])


def _numeric_type(name: str, kind: pa.DataType, values: pa.ChunkedArray) -> DType:
    if pa.types.is_boolean(kind):
        return DType.BOOL
    if pa.types.is_integer(kind):
        return DType.INT
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return DType.FLOAT
    if pa.types.is_null(kind):
        raise InvalidInput(f"column {name!r} of the reference is empty: every value is null")
    if pa.types.is_nested(kind):
        raise InvalidInput(
            f"column {name!r} of the reference holds {kind} that cannot be spread to a column a value: one is missing, "
            f"they differ in length, or they hold more than {MOST:,} values. Pad or crop them, or leave the column out"
        )
    example = next((v for v in values.to_pylist() if v is not None), None)
    raise InvalidInput(
        f"column {name!r} of the reference holds {kind} (such as {example!s}); features are numbers, texts or bools. "
        "If it is the time of the row, name it under `time:`"
    )


def _check_columns(reference: pa.Table, asked: dict[str, str | None]) -> None:
    have = reference.column_names
    for key, name in asked.items():
        if name is not None and name not in have:
            raise InvalidInput(
                f"the reference has no column {name!r} (`{key}:`){nearest(name, have)}; it has {', '.join(have)}"
            )


def _check_features(reference: pa.Table, names: Sequence[str], target: str, width: int | None) -> None:
    have = reference.column_names
    _check_names(names)
    if target in names:
        raise InvalidInput(
            f"the model takes the target {target!r} as an input; `target:` must be a column it does not see"
        )
    missing = [n for n in names if n not in have]
    if missing:
        raise InvalidInput(
            f"the model takes {len(names)} inputs, and the reference lacks {', '.join(map(repr, missing))}"
            f"{nearest(missing[0], have)}; it has {', '.join(have)}"
        )
    if width is not None and width != len(names):
        raise InvalidInput(
            f"the model takes {width} inputs without names, and the reference offers {len(names)}: {', '.join(names)}. "
            "Keep in the reference only the model's inputs in its own order, the target, `time:` and `id:`"
        )


def _check_names(names: Sequence[str]) -> None:
    """Refuse names that the tables of the record log cannot hold."""
    broken = next((n for n in names if "\0" in n), None)
    if broken is not None:
        raise InvalidInput(
            f"the name of feature {broken!r} holds a NUL character, at which the tables of the record log would cut it "
            "off; rename it in the data, and train the model on it"
        )
    alike = same_but_for_case(names)
    if alike is not None:
        raise InvalidInput(
            f"features {alike[0]!r} and {alike[1]!r} are equal but for case, and the tables of the record log cannot "
            "tell them apart; rename one in the data, and train the model on it"
        )


def _numeric_target(reference: pa.Table, target: str) -> tuple[()]:
    kind = reference.schema.field(target).type
    if not (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    ):
        example = next((v for v in reference.column(target).to_pylist() if v is not None), None)
        raise InvalidInput(f"task regression needs a numeric target; {target!r} holds {kind}, such as {example!r}")
    return ()


def suspects(schema: Schema) -> str:
    """Name what the reference holds that a model often cannot take: `. In the reference, …`, or nothing."""
    texts = [
        f"{f.name!r} holds text such as {f.levels[0]!r}"
        for f in schema.features
        if f.kind is Kind.CATEGORICAL and f.levels
    ]
    holes = [f"{f.name!r} holds nulls" for f in schema.features if f.nullable]
    found = [*texts, *holes]
    return f". In the reference, {'; '.join(found[:4])}" if found else ""


def nearest(word: str, known: Sequence[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""
