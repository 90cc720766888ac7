"""What a user's own function says of inputs that no bin fits: columns beside the features, checked and named."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from setpoint.domain.records import Column, Columns

MOST_COLUMNS = 100
PLAIN = (str, bool, int, float, np.number, np.bool_)


def checked(result: Any, rows: int) -> tuple[dict[str, Column], list[str]]:
    """Return the sound columns of a function's result, and in words what is wrong with the others.

    Parameters
    ----------
    result : Any
        Sound is a mapping or a data frame of columns of `rows` numbers, flags, texts or times; None and NaN are nulls.
    rows : int
    """
    items: Callable[[], Iterable[tuple[Any, Any]]] | None = getattr(result, "items", None)
    if not callable(items):
        return {}, [f"returned {type(result).__name__}; a mapping or data frame of columns was expected"]
    columns, errors = {}, []
    for name, values in list(items())[:MOST_COLUMNS]:
        try:
            columns[str(name)] = _column(values, rows)
        except (TypeError, ValueError) as e:
            errors.append(f"{name}: {e}")
    return columns, errors


def _column(values: Any, rows: int) -> Column:
    column = np.asarray(values)
    if column.shape != (rows,):
        raise ValueError(f"has shape {column.shape}; one value for each of {rows} rows was expected")
    if column.dtype.kind in "buif":
        return column.astype(np.float64)
    if column.dtype.kind == "M":
        return _objects([None if np.isnat(v) else str(np.datetime_as_string(v, unit="us")) for v in column])
    plain = [None if _missing(v) else v for v in column.tolist()]
    wrong = next((v for v in plain if v is not None and not isinstance(v, PLAIN)), None)
    if wrong is not None:
        raise TypeError(f"holds {type(wrong).__name__}; numbers or texts were expected")
    if any(isinstance(v, str) for v in plain):
        return _objects([None if v is None else str(v) for v in plain])
    return np.array([np.nan if v is None else v for v in plain], np.float64)


def _missing(value: Any) -> bool:
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )


def _objects(values: Sequence[str | None]) -> Column:
    column = np.empty(len(values), object)
    column[:] = values
    return column


def joined(parts: Sequence[tuple[Columns, int]]) -> dict[str, Column]:
    """Return stretches of described columns, each with its number of rows, as one; what a stretch lacks is null."""
    names = dict.fromkeys(name for columns, _ in parts for name in columns)
    return {name: _joined([(columns.get(name), rows) for columns, rows in parts]) for name in names}


def _joined(parts: Sequence[tuple[Column | None, int]]) -> Column:
    if any(part is not None and part.dtype == object for part, _ in parts):
        return np.concatenate([_as_texts(part, rows) for part, rows in parts])
    return np.concatenate([np.full(rows, np.nan) if part is None else part for part, rows in parts])


def _as_texts(part: Column | None, rows: int) -> Column:
    if part is None:
        return np.full(rows, None, object)
    return part if part.dtype == object else _objects([None if v != v else f"{v:g}" for v in part.tolist()])


def prefixed(function: str, columns: Mapping[str, Column]) -> dict[str, Column]:
    """Return columns under the names they are profiled by: those of `file.py:describe` begin with `describe.`."""
    return {f"{function.rpartition(':')[2]}.{name}": column for name, column in columns.items()}
