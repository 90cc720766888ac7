"""A CSV body with a header, to checked rows."""

import csv
import io
import re
from collections.abc import Callable
from math import isfinite, isnan
from typing import Any

from setpoint.domain.schema import DType
from setpoint.serve.asked import Asked
from setpoint.serve.decode import Malformed
from setpoint.serve.form import Form
from setpoint.serve.invocations import from_table

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
WHOLE = re.compile(r"[+-]?[0-9]{1,4000}")
TRUTH = {"true": True, "false": False}


def decode_csv(body: bytes, form: Form) -> Asked:
    """Return the rows of a CSV table; an empty field is a missing value, a column without a name is left out.

    Raises
    ------
    Malformed
        If the body is no UTF-8 text, or no CSV.
    InvalidRequest
        If it does not fit the schema.
    """
    try:
        lines = [row for row in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as e:
        raise Malformed(
            f"the body is not CSV, as its content-type says: {e}; expected UTF-8 text, commas and double quotes"
        ) from e
    if not lines:
        raise Malformed("the body is empty; expected CSV: a line with the names of the fields, then a line a row")
    names, *rows = lines
    if names[0] == "":  # pandas' index
        names, rows = names[1:], [row[1:] for row in rows]
    readers = [_reader(name, form) for name in names]
    table = [[read(text) for read, text in zip(readers, row, strict=False)] + row[len(names) :] for row in rows]
    return Asked(from_table(names, table, form, strict=False))


def _reader(name: str, form: Form) -> Callable[[str], Any]:
    """Return what makes a value of the text of a field; text it cannot read stays text, for the check to name it."""
    for feature in form.schema.features:
        if feature.name == name:
            return _text if feature.dtype is DType.STRING else _truth if feature.dtype is DType.BOOL else _number
    return _number if name == form.schema.time else _text


def _text(text: str) -> str | None:
    return text or None


def _truth(text: str) -> Any:
    known = TRUTH.get(text.strip().lower())
    return _number(text) if known is None else known


def _number(text: str) -> Any:
    bare = text.strip()
    if bare.lower() in MISSING:
        return None
    if "_" in bare:
        return text
    try:
        return int(bare) if WHOLE.fullmatch(bare) else _finite(float(bare), text)
    except ValueError:
        return text


def _finite(number: float, text: str) -> Any:
    return number if isfinite(number) else None if isnan(number) else text
