"""Rows as JSON spells them: a list of rows, or a column for each field."""

from typing import Any

from setpoint.errors import InvalidRequest
from setpoint.serve.form import Form, Rows
from setpoint.serve.misfit import shown
from setpoint.serve.whole import unfolded_columns, unfolded_rows


def from_rows(key: str, given: Any, form: Form, *, strict: bool) -> Rows:
    """Return rows given as lists in the model's order, or as objects; tensors may stand in them whole.

    Raises
    ------
    InvalidRequest
        If they are no such rows, or do not fit the schema.
    """
    if type(given) is not list:
        raise InvalidRequest(f"{key!r} is a {shown(given)}; expected a list of rows", (f"shape:{key}",))
    if not given:
        raise InvalidRequest(f"{key!r} is empty; expected at least one row", (f"empty:{key}",))
    if form.tensors:
        given = unfolded_rows(given, form.tensors, form.names)
    if type(given[0]) is dict:
        return form.records(given, strict=strict)
    return form.lists(given, strict=strict)


def from_columns(key: str, given: dict[str, Any], form: Form, *, strict: bool) -> Rows:
    """Return rows given as one list a field, flat or of lists of one, or as one list of tensors.

    Raises
    ------
    InvalidRequest
        If the lists differ in length, or do not fit the schema.
    """
    columns: dict[str, list[Any]] = {}
    if form.tensors:
        given = unfolded_columns(given, form.tensors, form.names)
    for name, values in given.items():
        if type(values) is not list:
            raise InvalidRequest(
                f"{key!r}: column {name[:64]!r} is a {shown(values)}; expected a list of values",
                (f"shape:{name[:64]}",),
            )
        boxed = bool(values) and all(type(value) is list and len(value) == 1 for value in values)
        columns[name] = [value[0] for value in values] if boxed else values
    sizes = {name: len(values) for name, values in columns.items()}
    if not any(sizes.values()):
        raise InvalidRequest(f"{key!r} is empty; expected at least one row", (f"empty:{key}",))
    (first, n), *others = sizes.items()
    for name, size in others:
        if size != n:
            raise InvalidRequest(
                f"{key!r}: column {name[:64]!r} has {size} values, column {first[:64]!r} has {n}; expected as "
                "many in each",
                (f"shape:{name[:64]}",),
            )
    return form.by_name(columns, n, strict=strict)
