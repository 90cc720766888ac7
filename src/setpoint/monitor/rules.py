"""Rules between columns, judged: which rows they speak of, and which of those break them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from setpoint.domain.data_contract import DataContract, Rule
from setpoint.domain.finding import Finding
from setpoint.domain.records import Column, Columns, moment
from setpoint.domain.value import replace
from setpoint.domain.where import truth
from setpoint.monitor.limits import number_name
from setpoint.monitor.micro import Micro
from setpoint.monitor.seen import PARTS, Seen
from setpoint.stats.intervals import share_high, share_low

FLOOR = 0.02  # share of rows that nobody minds
COMPARED = 5_000  # newest rows of the baseline that tell what is natural by now
EXAMPLES = 5  # request ids kept

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows that a rule speaks of and could be judged on, and those of them that break it; shape (n,)."""

    counted: Mask
    broken: Mask

    @property
    def rows(self) -> int:
        """Number of rows counted."""
        return int(self.counted.sum())

    @property
    def share(self) -> float:
        """Share of them that break the rule."""
        return float(self.broken.sum() / max(self.rows, 1))


class Judge:
    """Judges rules over the rows of some columns.

    Parameters
    ----------
    columns : Mapping of ndarray, shape (n,)
        float64 with NaN for null, or object holding str and None.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def __call__(self, rule: Rule) -> Judged:
        """Judge one rule.

        Raises
        ------
        InvalidInput
            If its text is no condition on these columns, naming the nearest column.
        """
        if rule.kind == "determines":
            return self._dependency(rule)
        kept = truth(self._table, rule.text)
        counted, broken = _mask(kept.is_valid()), _mask(kept.fill_null(True), negated=True)
        if rule.among:
            spoken = _mask(truth(self._table, rule.among).fill_null(False))
            counted, broken = counted & spoken, broken & spoken
        return Judged(counted, broken)

    @cached_property
    def _table(self) -> pa.Table:
        fields = {name: _arrow(column) for name, column in self._columns.items()}
        return pa.table({"inputs": pa.StructArray.from_arrays(list(fields.values()), names=list(fields))})

    def _dependency(self, rule: Rule) -> Judged:
        of, to = (texts(self._columns[name]) for name in rule.columns)
        expected = np.array([rule.levels.get(v) if v is not None else None for v in of], object)
        counted = np.array([e is not None and v is not None for e, v in zip(expected, to, strict=True)], bool)
        return Judged(counted, counted & (expected != to))


def texts(column: Column) -> Column:
    """Return values as texts, numbers in their shortest form; None for null."""
    if column.dtype == object:
        return column
    distinct, place = np.unique(column, return_inverse=True)
    names = np.array([None if np.isnan(v) else number_name(v) for v in distinct], object)
    return np.asarray(names[place], object)


def _arrow(column: Column) -> pa.Array:
    if column.dtype == object:
        return pa.array(column, pa.string())
    return pa.array(column.astype(np.float64), from_pandas=True)


def _mask(found: pa.Array, *, negated: bool = False) -> Mask:
    plain = np.asarray(found.to_numpy(zero_copy_only=False), bool)
    return ~plain if negated else plain


def with_shares(rules: Sequence[Rule], columns: Columns) -> tuple[Rule, ...]:
    """Return the rules with how many rows of a reference they could be judged on, and the share that broke them."""
    judge = Judge(columns)
    found = [(rule, judge(rule)) for rule in rules]
    return tuple(replace(rule, rows=judged.rows, broken=judged.share) for rule, judged in found)


def broken_rules(seen: Seen, window: Micro) -> Iterator[Finding]:
    """Report rules of the data contract that the micro-window breaks more often than is natural.

    A rule alarms when the lower Clopper–Pearson bound of the share of rows that break it passes the natural share (the
    larger of the reference's and the worst of as many rows in the last weeks) plus a floor of 2 %.
    """
    contract = known_rules(seen.contract, window.recent.inputs)
    if not len(window.recent) or not contract.rules:
        return
    alpha = seen.level(PARTS * len(contract.rules))
    judge = Judge(window.recent.inputs)
    before = window.baseline.take(np.arange(max(0, len(window.baseline) - COMPARED), len(window.baseline)))
    earlier: Judge | None = None
    for rule in contract.rules:
        judged = judge(rule)
        if judged.broken.any():
            earlier = earlier or Judge(before.inputs)
            yield _finding(window, rule, judged, earlier(rule), alpha)


def known_rules(contract: DataContract, columns: Columns) -> DataContract:
    """Return the contract with those rules alone whose columns there are."""
    return replace(contract, rules=tuple(r for r in contract.rules if set(r.columns) <= set(columns)))


def _worst(earlier: Judged, rows: int) -> float:
    """Return the largest share that broke a rule in any stretch of so many rows: such shares have seasons too."""
    count = len(earlier.broken) // rows
    if not count:
        return earlier.share
    cut = len(earlier.broken) - count * rows
    broken, counted = (part[cut:].reshape(count, rows).sum(axis=1) for part in (earlier.broken, earlier.counted))
    return float((broken / np.maximum(counted, 1)).max())


def _finding(window: Micro, rule: Rule, judged: Judged, earlier: Judged, alpha: float) -> Finding:
    hits, rows = int(judged.broken.sum()), judged.rows
    natural = max(rule.broken, _worst(earlier, len(window.recent)))
    low, limit = share_low(hits, rows, alpha), min(natural + FLOOR, 1.0)
    where = f" of those where {rule.among}" if rule.among else ""
    return Finding(
        monitor="data_quality",
        metric="rule",
        column=rule.columns[-1],
        kind=rule.kind,
        since=moment(window.recent.time[0]),
        until=moment(window.recent.time[-1]),
        rows=rows,
        value=judged.share,
        limit=limit,
        alarm=bool(low > limit),
        low=low,
        high=share_high(hits, rows, alpha),
        detail=f"{judged.share:.1%} of {rows} rows{where} break {rule.text!r}; natural {natural:.1%}",
        examples=tuple(str(i) for i in window.recent.id[judged.broken][:EXAMPLES]),
    )
