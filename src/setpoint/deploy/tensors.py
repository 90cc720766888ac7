"""Which columns of the reference fill which tensor of a model."""

from collections.abc import Iterable, Mapping, Sequence
from math import prod

import pyarrow as pa
import pyarrow.compute as pc

from setpoint.deploy.lists import MOST
from setpoint.domain.schema import DType, Feature, Kind, Tensor
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput

WHOLE = ("int", "uint", "bool")  # how the types that hold nothing but whole numbers begin
TEXT = "string"


def filled(tensors: Sequence[Tensor], reference: pa.Table, beside: Iterable[str | None]) -> tuple[Tensor, ...]:
    """Return the tensors with their features, which are columns of the reference.

    A tensor takes the columns that are called after it: the one of its name, if a row of it has one element; `name_0`,
    `name_1`, … or `name0`, `name1`, … otherwise, as a column of lists is spread. One alone also takes the only columns
    that were numbered so, if they are as many as it needs. What is left over is shared out in the order of the table,
    texts to tensors of text, and must be as much as is needed.

    Parameters
    ----------
    tensors : sequence of Tensor
        The model's own, without features.
    reference : pa.Table
        Its lists are spread (see `lists.spread`).
    beside : iterable of str or None
        Columns that the model does not see.

    Raises
    ------
    InvalidInput
        If a size is not known, or the columns do not fit; the text says what each tensor needs.
    """
    for tensor in tensors:
        _check_size(tensor)
    hidden = set(beside)
    columns = {name: _is_text(reference.schema.field(name).type)
               for name in reference.column_names if name not in hidden}  # fmt: skip
    named = {t.name: _named(t, columns) for t in tensors}
    if len(tensors) == 1 and not named[tensors[0].name]:
        named[tensors[0].name] = _numbered(tensors[0], columns)
    taken = {name for names in named.values() for name in names}
    for text in (False, True):
        rest = [name for name, is_text in columns.items() if is_text is text and name not in taken]
        named |= _shared(
            [t for t in tensors if (t.dtype == TEXT) is text and not named[t.name]], rest, tensors, columns
        )
    return tuple(replace(t, features=tuple(named[t.name])) for t in tensors)


def fitted(features: Sequence[Feature], tensors: Sequence[Tensor], reference: pa.Table) -> tuple[Feature, ...]:
    """Return the features as their tensors can hold them: whole numbers stay whole.

    Raises
    ------
    InvalidInput
        If a tensor of texts would hold numbers, one of numbers texts, or one of whole numbers nulls or fractions.
    """
    of = {name: t for t in tensors for name in t.features}
    return tuple(_fitted(f, of[f.name], reference) for f in features)


def _check_size(tensor: Tensor) -> None:
    if not all(size > 0 for size in tensor.shape):
        asked = ["any" if size < 1 else size for size in tensor.shape]
        raise InvalidInput(
            f"the model's input {tensor.name!r} has rows of shape {asked}, whose size is not known before a request "
            "comes; export or save the model with a fixed size (pad or crop sequences and images to it)"
        )
    if prod(tensor.shape) > MOST:
        raise InvalidInput(
            f"the model's input {tensor.name!r} has {prod(tensor.shape):,} values a row, shape {list(tensor.shape)}; "
            f"each is recorded and watched for itself, and at most {MOST:,} are. Let the model take something smaller"
        )


def _named(tensor: Tensor, columns: Mapping[str, bool]) -> list[str]:
    """Return the columns that are called after a tensor, if all it needs are there."""
    size = prod(tensor.shape)
    if size == 1 and tensor.name in columns:
        return [tensor.name]
    return next((names for mark in ("_", "") if (names := _numbers(tensor.name + mark, size, columns))), [])


def _numbered(tensor: Tensor, columns: Mapping[str, bool]) -> list[str]:
    """Return the only run of numbered columns that is as long as a tensor."""
    size = prod(tensor.shape)
    stems = [name.removesuffix("0") for name in columns if name.endswith("0") and not name[-2:-1].isdigit()]
    runs = [names for stem in stems if (names := _numbers(stem, size, columns)) and f"{stem}{size}" not in columns]
    return runs[0] if len(runs) == 1 else []


def _numbers(stem: str, size: int, columns: Mapping[str, bool]) -> list[str]:
    names = [f"{stem}{i}" for i in range(size)]
    return names if all(name in columns for name in names) else []


def _shared(
    wanting: Sequence[Tensor], rest: Sequence[str], tensors: Sequence[Tensor], columns: Mapping[str, bool]
) -> dict[str, list[str]]:
    """Share out columns in their order to the tensors that found none of their own."""
    sizes = [prod(t.shape) for t in wanting]
    if wanting and sum(sizes) != len(rest):
        raise InvalidInput(_misfit(wanting, rest, tensors, columns))
    shared, at = {}, 0
    for tensor, size in zip(wanting, sizes, strict=True):
        shared[tensor.name] = list(rest[at : at + size])
        at += size
    return shared


def _misfit(
    wanting: Sequence[Tensor], rest: Sequence[str], tensors: Sequence[Tensor], columns: Mapping[str, bool]
) -> str:
    needs = "; ".join(_need(t) for t in tensors)
    unmet = " and ".join(repr(t.name) for t in wanting)
    what = "texts" if wanting[0].dtype == TEXT else "numbers"
    texts = [name for name, is_text in columns.items() if is_text]
    numbers = [name for name, is_text in columns.items() if not is_text]
    return (
        f"the model takes {needs}. For {unmet} {sum(prod(t.shape) for t in wanting):,} columns of {what} are needed, "
        f"and {len(rest):,} are left. The reference offers {len(numbers):,} columns of numbers ({_listed(numbers)}) "
        f"and {len(texts):,} of texts ({_listed(texts)}). Call a column of lists after the input, or its columns "
        f"{wanting[0].name}_0, {wanting[0].name}_1, …"
    )


def _need(tensor: Tensor) -> str:
    size = prod(tensor.shape)
    values = f"{size:,} value{'s' if size > 1 else ''} a row"
    return f"{tensor.name!r} ({tensor.dtype}, shape {list(tensor.shape)}: {values})"


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:6])
    return ", ".join([*shown, "…", names[-1]] if len(names) > 6 else shown) or "none"


def _fitted(feature: Feature, tensor: Tensor, reference: pa.Table) -> Feature:
    text = feature.kind is Kind.CATEGORICAL
    where = f"the model's input {tensor.name!r} takes {tensor.dtype}, and column {feature.name!r} of the reference"
    if text is not (tensor.dtype == TEXT):
        raise InvalidInput(f"{where} holds {'texts' if text else 'numbers'}; give it a column that fits")
    if not tensor.dtype.startswith(WHOLE):
        return feature
    if feature.nullable:
        raise InvalidInput(f"{where} lacks values; whole numbers have none that stands for a missing one, so fill them")
    if feature.dtype is not DType.FLOAT:
        return feature
    column = reference.column(feature.name)
    if not pc.all(pc.equal(column, pc.round(column))).as_py():
        raise InvalidInput(f"{where} holds fractions; they would be cut off")
    return replace(feature, dtype=DType.INT)


def _is_text(kind: pa.DataType) -> bool:
    bare = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(bare) or pa.types.is_large_string(bare) or pa.types.is_string_view(bare))
