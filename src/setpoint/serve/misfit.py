"""What is wrong with a value or a row, in words that let the caller mend it."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from setpoint.domain.schema import DType, Feature
from setpoint.errors import InvalidRequest

EXPECTED = {
    DType.FLOAT: "a number",
    DType.INT: "a whole number",
    DType.BOOL: "true or false",
    DType.STRING: "a string",
}
TYPES: dict[DType, frozenset[type]] = {
    DType.FLOAT: frozenset({float, int}),
    DType.INT: frozenset({int}),
    DType.BOOL: frozenset({bool}),
    DType.STRING: frozenset({str}),
}
TOLD, NEAR = 6, 64  # fields that an error tells of, and names that are compared: both are the caller's to choose
MAX_INT, MIN_INT = 2**63 - 1, -(2**63)
_WORDS: dict[type, str] = {str: "string", bool: "boolean", list: "list", dict: "object", int: "number", float: "number"}


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the end of a message: the known word nearest to this one, or nothing."""
    near = _closest(word, known)
    return f" (did you mean {near!r}?)" if near else ""


def _closest(word: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), None)


def shown(value: object) -> str:
    """Return a value as it goes into a message: its JSON type and a short form."""
    if value is None:
        return "null"
    text = repr(value)
    return f"{_WORDS.get(type(value), type(value).__name__)} {text if len(text) <= 40 else text[:37] + '…'}"


def kind_of(value: object) -> str:
    """Return what a value is, without the value."""
    return "null" if value is None else _WORDS.get(type(value), type(value).__name__)


def listed(names: Sequence[str]) -> str:
    """Return the first 40 names, and how many there are."""
    return ", ".join(names[:40]) + (f", … ({len(names)} in all)" if len(names) > 40 else "")


def broken_rule(feature: Feature, value: object) -> str | None:
    """Return the rule that a value breaks (`null`, `nan` or `type`), or None."""
    if value is None:
        return None if feature.nullable else "null"
    if type(value) is float and not isfinite(value):
        return "nan"
    if type(value) is int and not MIN_INT <= value <= MAX_INT:
        return "type"
    if type(value) in TYPES[feature.dtype]:
        return None
    match feature.dtype, value:
        case DType.INT, float(number) if number.is_integer() and MIN_INT <= number <= MAX_INT:
            return None
        case DType.BOOL, int(number) | float(number) if number in (0, 1):
            return None
    return "type"


def bad_value(rule: str, feature: Feature, value: object, row: int, expected: str = "") -> InvalidRequest:
    """Return the error for one value: which row and field, what came, what was expected (by default, the type)."""
    where = f"row {row}, field {feature.name!r}"
    expected = expected or EXPECTED[feature.dtype]
    match rule:
        case "null":
            text = f"{where}: null; expected {expected}, for the reference has no missing value here"
        case "nan":
            hint = "; send null for a missing value" if feature.nullable else ""
            text = f"{where}: {value}; expected {expected} (JSON has neither NaN nor Infinity){hint}"
        case _:
            wide = " within 64 bits" if type(value) is int and not MIN_INT <= value <= MAX_INT else ""
            text = f"{where}: {shown(value)}; expected {expected}{wide}"
    return InvalidRequest(text, (f"{rule}:{feature.name}",), f"{where}: {kind_of(value)}; expected {expected}")


def bad_fields(where: str, given: Mapping[str, Any], names: Sequence[str], beside: Sequence[str]) -> InvalidRequest:
    """Return the error for missing and unknown fields: all of them, each with the nearest name."""
    missing = [name for name in names if name not in given]
    known = {*names, *beside}
    extra = [str(name)[:64] for name in given if name not in known]
    texts = []
    for name in missing[:TOLD]:
        near = _closest(name, extra[:NEAR])
        texts.append(f"field {name!r} is missing" + (f" (nearest given: {near!r})" if near else ""))
    texts += [f"{name!r} is no field{nearest(name, missing or names)}" for name in extra[: TOLD - len(texts)]]
    more = ", …" if len(missing) + len(extra) > TOLD else ""
    expected = f"Expected fields: {listed(names)}"
    counts = [f"{listed(missing)}: missing"] * bool(missing) + [f"{len(extra)} unknown fields"] * bool(extra)
    return InvalidRequest(
        f"{where}: {', '.join(texts)}{more}. {expected}",
        (*(f"missing:{name}" for name in missing), *(f"extra:{name}" for name in extra[:16])),
        f"{where}: {'; '.join(counts)}. {expected}",
    )


def bad_width(row: int, width: int, names: Sequence[str]) -> InvalidRequest:
    """Return the error for a row of the wrong length."""
    text = f"row {row} has {width} values; expected {len(names)}: {listed(names)}"
    return InvalidRequest(text, (f"shape:{width}",), text)


def broken_number(given: object) -> bool:
    """Whether a value is no finite number of at most 64 bits."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        return True
    return not (MIN_INT <= given <= MAX_INT if isinstance(given, int) else isfinite(given))
