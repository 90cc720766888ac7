"""The data contract: learnt from a reference table, and checked on another one."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from setpoint.domain.data_contract import Breach, ColumnTerms, DataContract, Rule
from setpoint.domain.records import Column
from setpoint.domain.where import names_in
from setpoint.errors import InvalidInput
from setpoint.monitor.limits import WIDENED
from setpoint.monitor.rule_search import found_rules
from setpoint.monitor.rules import Judge, with_shares
from setpoint.stats.intervals import share_high, share_low

NULLS_FLOOR = 0.02  # beyond what the reference has, of a column that has any
MOST_LEVELS = 50  # of a text whose values are a closed set
FEWEST_ROWS = 100  # from which order and uniqueness tell something
COLLISIONS = 10.0  # expected of as many draws, without which uniqueness is chance
SURE = 0.01  # error of a breach of what the reference itself does now and then
EXAMPLES = 5
TAIL, TAILS = 0.05, 8.0

if TYPE_CHECKING:
    import pandas as pd

Mask = NDArray[np.bool_]
TIME = "timestamp"


def contract_of(
    table: "pa.Table | pd.DataFrame",
    *,
    given: Sequence[str] = (),
    hidden: Sequence[str] = (),
    alone: Collection[str] = (),
    seed: int = 0,
) -> DataContract:
    """Learn the terms of every column, and the rules between them.

    Parameters
    ----------
    table : pyarrow.Table or pandas.DataFrame
        Rows in time order.
    given : sequence of str
        Rules that a person wrote: conditions, see `setpoint.domain.where`.
    hidden : sequence of str
        Columns whose values must not be told: of them only the type and the share of nulls are kept.
    alone : collection of str
        Columns of which no rule is looked for, such as the pixels of an image.
    seed : int
        Of the shuffles that a rule must not survive.

    Raises
    ------
    InvalidInput
        If the table has no rows or a column that is no number, text, bool or time; or a rule is no condition on the
        columns, naming the nearest one.
    """
    table = _arrow(table, "learn a contract from")
    dtypes = {name: dtype_of(table[name], name) for name in table.column_names}
    columns = {name: column_of(table[name], dtype) for name, dtype in dtypes.items()}
    told = {name: column for name, column in columns.items() if name not in hidden}
    times = [name for name, dtype in dtypes.items() if dtype == TIME]
    rules = [Rule(kind="given", text=text, columns=names_in(text, list(told))) for text in given]
    related = {name: column for name, column in told.items() if name not in alone}
    return DataContract(
        rows=table.num_rows,
        columns=tuple(_terms(name, dtypes[name], columns[name], name in told) for name in columns),
        rules=(*with_shares(rules, told), *with_shares(found_rules(related, seed, times), told)),
    )


def _arrow(table: Any, what_for: str) -> pa.Table:
    arrow = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
    if not arrow.num_rows:
        raise InvalidInput(f"the table has no rows; there is nothing to {what_for}")
    return arrow


def dtype_of(values: pa.ChunkedArray, name: str) -> str:
    """Return the type of a column as a contract calls it."""
    kind, t = values.type, pa.types
    if t.is_dictionary(kind):
        kind = kind.value_type
    if t.is_boolean(kind):
        return "bool"
    if t.is_integer(kind):
        return "int64"
    if t.is_floating(kind) or t.is_decimal(kind):
        return "float64"
    if t.is_timestamp(kind) or t.is_date(kind):
        return TIME
    if t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind) or t.is_null(kind):
        return "string"
    raise InvalidInput(f"column {name!r} holds {kind}; a contract is about numbers, texts, bools and times")


def column_of(values: pa.ChunkedArray, dtype: str) -> Column:
    """Return a column as float64 with NaN for null (times in microseconds), or as texts and None."""
    if dtype == "string":
        return np.array(values.cast(pa.string()).to_pylist(), object)
    if dtype == TIME:
        values = pc.cast(values, pa.timestamp("us", tz=getattr(values.type, "tz", None))).cast(pa.int64())
    if dtype == "bool":
        values = values.cast(pa.int8())
    return np.asarray(pc.cast(values, pa.float64(), safe=False).to_numpy(), np.float64)


def _terms(name: str, dtype: str, column: Column, told: bool) -> ColumnTerms:
    null = _null(column)
    nulls, rows = int(null.sum()), len(column)
    most = min(share_high(nulls, rows, SURE) + NULLS_FLOOR, 1.0) if nulls else 0.0
    bare = ColumnTerms(name=name, dtype=dtype, nulls=nulls / max(rows, 1), most_nulls=most)
    filled = column[~null]
    if not told or not len(filled):
        return bare
    low, high = _span(filled) if dtype in ("int64", "float64") else (None, None)
    return ColumnTerms(
        name=name,
        dtype=dtype,
        nulls=bare.nulls,
        most_nulls=most,
        low=low,
        high=high,
        levels=_levels(filled) if dtype == "string" else (),
        unique=_unique(filled, dtype),
        increasing=dtype != "string" and dtype != "bool" and not nulls and _rises(filled),
    )


def _null(column: Column) -> Mask:
    return np.array([v is None for v in column], bool) if column.dtype == object else np.isnan(column)


def _span(filled: Column) -> tuple[float | None, float | None]:
    """Return the range of the values, widened on each side; what is never negative stays so.

    A quarter of the range, and at least what an exponential tail as heavy as the one seen would need: `TAILS` times
    the mean excess over the outer twentieth is passed by e^−`TAILS` of tables as long.
    """
    finite = filled[np.isfinite(filled)]
    if not len(finite):
        return None, None
    low, high = float(finite.min()), float(finite.max())
    if {low, high} <= {0.0, 1.0} and set(finite) <= {0.0, 1.0}:
        return low, high
    with np.errstate(over="ignore"):
        wider = low - _margin(-finite, low, high), high + _margin(finite, low, high)
    lowest, highest = max(wider[0], 0.0) if low >= 0 else wider[0], min(wider[1], 0.0) if high <= 0 else wider[1]
    return (lowest, highest) if np.isfinite([lowest, highest]).all() else (None, None)


def _margin(values: Column, low: float, high: float) -> float:
    start = np.quantile(values, 1 - TAIL)
    excess = values[values > start] - start
    return max(WIDENED * (high - low), TAILS * float(excess.mean()) if len(excess) else 0.0)


def _levels(filled: Column) -> tuple[str, ...]:
    """Return the values of a text that are a closed set: few, and the later half brings none that is new."""
    levels = set(filled)
    closed = len(levels) <= MOST_LEVELS and len(filled) >= FEWEST_ROWS and set(filled[: len(filled) // 2]) == levels
    return tuple(sorted(levels)) if closed else ()


def _unique(filled: Column, dtype: str) -> bool:
    """Whether values never repeat, and chance does not explain it."""
    if (
        len(filled) < FEWEST_ROWS
        or dtype not in ("string", "int64")
        or len(np.unique(filled.astype(str))) < len(filled)
    ):
        return False
    if dtype == "string":
        return not any(" " in text for text in filled)  # free text seldom repeats either
    span = float(filled.max() - filled.min()) + 1
    return len(filled) ** 2 / (2 * span) >= COLLISIONS


def _rises(filled: Column) -> bool:
    return len(filled) >= FEWEST_ROWS and bool((filled[1:] >= filled[:-1]).all()) and len(np.unique(filled)) > 2


def breaches(contract: DataContract, table: "pa.Table | pd.DataFrame") -> tuple[Breach, ...]:
    """Return what a table breaks of a contract: terms of columns, then rules.

    Raises
    ------
    InvalidInput
        If the table has no rows.
    """
    table = _arrow(table, "check")
    found, columns = [], {}
    for terms in contract.columns:
        if terms.name not in table.column_names:
            found.append(Breach(subject=terms.name, what="the table lacks the column", share=1.0, limit=0.0, rows=0))
            continue
        dtype = dtype_of(table[terms.name], terms.name)
        if not _fits(dtype, terms.dtype):
            text = f"holds {dtype}, expected {terms.dtype}"
            found.append(Breach(subject=terms.name, what=text, share=1.0, limit=0.0, rows=table.num_rows))
            continue
        columns[terms.name] = column_of(table[terms.name], dtype)
        found += _broken_terms(terms, columns[terms.name])
    return (*found, *_broken_rules(contract, columns))


def _fits(dtype: str, expected: str) -> bool:
    """Whether a type can stand for another: whole numbers with nulls are often kept as floats."""
    return dtype == expected or {dtype, expected} <= {"int64", "float64", "bool"}


def _broken_terms(terms: ColumnTerms, column: Column) -> Iterator[Breach]:
    null = _null(column)
    tests: Mapping[str, tuple[Mask, float]] = {"is null": (null, terms.most_nulls)}
    if terms.dtype in ("int64", "float64") and terms.low is not None and terms.high is not None:
        reach = f"lies outside {terms.low:.6g} to {terms.high:.6g}"
        tests = {**tests, reach: ((column < terms.low) | (column > terms.high), 0.0)}
    if terms.dtype == "int64":
        tests = {**tests, "is no whole number": (~null & (column != np.round(column)), 0.0)}
    if terms.levels:
        tests = {**tests, f"is none of {', '.join(terms.levels[:8])}": (~null & ~_among(column, terms.levels), 0.0)}
    if terms.unique:
        tests = {**tests, "repeats": (~null & _repeated(column), 0.0)}
    if terms.increasing:
        tests = {**tests, "falls": (np.concatenate([[False], column[1:] < column[:-1]]), 0.0)}
    for what, (hits, limit) in tests.items():
        yield from _breach(terms.name, what, hits, np.ones(len(column), bool), limit)


def _among(column: Column, levels: Sequence[str]) -> Mask:
    known = set(levels)
    return np.array([v in known for v in column], bool)


def _repeated(column: Column) -> Mask:
    _, first = np.unique(column.astype(str), return_index=True)
    out = np.ones(len(column), bool)
    out[first] = False
    return out


def _broken_rules(contract: DataContract, columns: Mapping[str, Column]) -> Iterator[Breach]:
    judge = Judge(columns) if columns else None
    for rule in contract.rules:
        if judge is not None and set(rule.columns) <= set(columns):
            judged = judge(rule)
            what = f"breaks the rule, where {rule.among}" if rule.among else "breaks the rule"
            yield from _breach(rule.text, what, judged.broken, judged.counted, rule.broken)


def _breach(subject: str, what: str, hits: Mask, counted: Mask, limit: float) -> Iterator[Breach]:
    number, rows = int(hits.sum()), int(counted.sum())
    if number and share_low(number, rows, SURE) > limit:
        examples = tuple(np.flatnonzero(hits)[:EXAMPLES].tolist())
        yield Breach(subject=subject, what=what, share=number / rows, limit=limit, rows=rows, examples=examples)
