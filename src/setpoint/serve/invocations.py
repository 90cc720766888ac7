"""Bodies of MLflow's scoring protocol (`/invocations`), to checked rows: four JSON layouts, and CSV."""

from collections import Counter
from math import isnan
from typing import Any

from setpoint.errors import InvalidRequest
from setpoint.serve.asked import Asked
from setpoint.serve.decode import lacks, parse
from setpoint.serve.form import Form, Rows
from setpoint.serve.layouts import from_columns, from_rows
from setpoint.serve.misfit import listed, shown
from setpoint.serve.whole import unfolded_columns

KEYS = ("dataframe_split", "dataframe_records", "instances", "inputs")
DEPTH = 4  # of the document, its table, a row, a list of one


def decode_invocation(body: bytes, form: Form) -> Asked:
    """Return the rows of `{"dataframe_split": …}` or one of the other keys; `params` mean nothing here.

    NaN is taken for a missing value, for pandas writes it so, and MLflow's client sends what pandas writes.

    Raises
    ------
    Malformed
        If the body is not JSON.
    InvalidRequest
        If it does not fit the schema.
    """
    document, strict = parse(body)
    document = _without_nan(document, DEPTH) if strict else document
    given = [key for key in KEYS if type(document) is dict and key in document]
    if not given:
        raise lacks("dataframe_split", document, f"one of {', '.join(KEYS)}")
    if len(given) > 1:
        raise InvalidRequest(f"the body has {' and '.join(map(repr, given))}; expected one of them", ("extra:body",))
    (key,) = given
    return Asked(_rows(key, document[key], form, strict))


def _rows(key: str, given: Any, form: Form, strict: bool) -> Rows:
    if key == "dataframe_split":
        return _split(given, form, strict)
    if key != "dataframe_records" and type(given) is dict:
        return from_columns(key, given, form, strict=strict)
    return from_rows(key, given, form, strict=strict)


def _split(given: Any, form: Form, strict: bool) -> Rows:
    """Return the rows of a table as pandas splits it; without names the values are in the model's order."""
    if type(given) is not dict or "data" not in given:
        raise InvalidRequest(
            f'\'dataframe_split\' is {shown(given)}; expected {{"columns": […], "data": [[…], …]}}',
            ("shape:dataframe_split",),
        )
    rows, names = given["data"], given.get("columns")
    if names is None or (type(names) is list and names == list(range(len(names)))):
        return from_rows("data", rows, form, strict=strict)
    return from_table(names, rows, form, strict=strict)


def from_table(names: Any, rows: Any, form: Form, *, strict: bool) -> Rows:
    """Return the rows of a table with a header.

    Raises
    ------
    InvalidRequest
        If it is no table, or does not fit the schema.
    """
    if type(names) is not list or not all(type(name) is str for name in names):
        raise InvalidRequest(f"'columns' is {shown(names)}; expected a list of names", ("shape:columns",))
    twice = [name[:64] for name, times in Counter(names).items() if times > 1]
    if twice:
        raise InvalidRequest(f"'columns' has {listed(twice)} twice; expected each name once", (f"extra:{twice[0]}",))
    if type(rows) is not list or not rows:
        raise InvalidRequest(f"'data' is {shown(rows)}; expected a list of at least one row", ("empty:data",))
    for i, row in enumerate(rows):
        if type(row) is not list or len(row) != len(names):
            came = f"{len(row)} values" if type(row) is list else f"a {shown(row)}"
            raise InvalidRequest(f"row {i} is {came}; expected {len(names)} values: {listed(names)}", ("shape:row",))
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    if form.tensors:
        columns = unfolded_columns(columns, form.tensors, form.names)
    return form.by_name(columns, len(rows), strict=strict)


def _without_nan(value: Any, depth: int) -> Any:
    if type(value) is float:
        return None if isnan(value) else value
    if type(value) is list and depth:
        return [_without_nan(part, depth - 1) for part in value]
    if type(value) is dict and depth:
        return {name: _without_nan(part, depth - 1) for name, part in value.items()}
    return value
