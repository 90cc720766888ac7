"""Faults of single columns: what callers send is not what is meant."""

from collections import Counter

import numpy as np

from setpoint.domain.fault import Fault
from setpoint.domain.records import Column, Columns
from setpoint.domain.traffic import Traffic
from setpoint.errors import InvalidInput
from setpoint.faults.scope import Mask

LAG = 24  # rows by which a stale value is too old
BINS = 4  # to which a value is rounded


def sent(fault: Fault, traffic: Traffic, hit: Mask) -> Columns:
    """Return the inputs as they are sent under a fault of one or two columns; each of shape (n,)."""
    inputs, name = dict(traffic.inputs), fault.columns[0]
    if fault.way == "swapped":
        other = fault.columns[1]
        a, b = inputs[name], inputs[other]
        if a.dtype != b.dtype:
            raise InvalidInput(f"{name} and {other} cannot be swapped: one holds numbers, the other texts")
        return {**inputs, name: np.where(hit, b, a), other: np.where(hit, a, b)}
    column = inputs[name]
    if hit.any():
        changed = column.copy()
        changed[hit] = WAYS[fault.way](fault, column, hit)[hit]
        inputs[name] = changed
    return inputs


def _missing(fault: Fault, column: Column, hit: Mask) -> Column:
    return np.full(len(column), None if column.dtype == object else np.nan, column.dtype)


def _affine(fault: Fault, column: Column, hit: Mask) -> Column:
    if column.dtype == object:
        raise InvalidInput(f"{fault.columns[0]} holds texts, which have no unit")
    return fault.scale * column + fault.offset


def _frozen(fault: Fault, column: Column, hit: Mask) -> Column:
    """Return the column standing at the last value before the fault."""
    first = int(np.flatnonzero(hit)[0])
    known = [v for v in column[: first + 1].tolist() if v is not None and v == v]
    return np.full(len(column), known[-1] if known else column[first], column.dtype)


def _renamed(fault: Fault, column: Column, hit: Mask) -> Column:
    """Return the column with the most frequent level written another way."""
    often = Counter(v for v in column[hit].tolist() if v is not None)
    old = often.most_common(1)[0][0] if often else None
    return _texts([_spelled(v) if v == old else v for v in column.tolist()], column)


def _spelled(level: str) -> str:
    """Return a level as another team would write it."""
    other = level.upper().replace(" ", "_")
    return other if other != level else f"{level}_v2"


def _new(fault: Fault, column: Column, hit: Mask) -> Column:
    return _texts(["other (new)"] * len(column), column)


def _recoded(fault: Fault, column: Column, hit: Mask) -> Column:
    """Return the levels as numbers, in their own order."""
    levels = sorted({v for v in column.tolist() if v is not None})
    codes = {level: f"{place + 1:02d}" for place, level in enumerate(levels)}
    return _texts([None if v is None else codes[v] for v in column.tolist()], column)


def _texts(values: list[str | None], column: Column) -> Column:
    if column.dtype != object:
        raise InvalidInput("only a column of texts has levels to rename")
    found = np.empty(len(values), object)
    found[:] = values
    return found


def _stale(fault: Fault, column: Column, hit: Mask) -> Column:
    """Return the values of some rows ago, as a cache that is refreshed too seldom would."""
    return np.concatenate([column[:1].repeat(min(LAG, len(column))), column[:-LAG]])


def _rounded(fault: Fault, column: Column, hit: Mask) -> Column:
    """Return numbers cut down to a few steps; of texts the first letter."""
    if column.dtype == object:
        return _texts([None if v is None else v[:1] for v in column.tolist()], column)
    edges = np.nanquantile(column, np.linspace(0, 1, BINS + 1)[:-1]) if np.isfinite(column).any() else np.zeros(1)
    place = np.clip(np.searchsorted(edges, column, "right") - 1, 0, len(edges) - 1)
    return np.where(np.isnan(column), np.nan, edges[place])


def _zero(fault: Fault, column: Column, hit: Mask) -> Column:
    return np.zeros(len(column)) if column.dtype != object else _texts([""] * len(column), column)


WAYS = {
    "missing": _missing,
    "affine": _affine,
    "frozen": _frozen,
    "renamed": _renamed,
    "new": _new,
    "recoded": _recoded,
    "stale": _stale,
    "rounded": _rounded,
    "zero": _zero,
}
