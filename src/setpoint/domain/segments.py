"""Segments: parts of the rows that are counted on their own, such as those of one job or one range of ages."""

import difflib
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Feature, Kind, Schema
from setpoint.domain.texts import Texts, named
from setpoint.domain.value import value
from setpoint.errors import InvalidInput

MOST_LEVELS = 20
MOST_VALUES = 10
QUARTILES = (0.25, 0.5, 0.75)
MISPLACED = 0.01  # share of the rows that may change sides, so that people can read an edge

IntArray = NDArray[np.int64]


@value
class Split:
    """How the rows fall into segments by one column; one of the three is filled.

    Each of the `levels` of a text is a segment, or each of the `values` of a number, and the rest is one called other;
    or the ranges between `edges` are. `flag` values are called false and true.
    """

    levels: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    edges: tuple[float, ...] = ()
    flag: bool = False

    def names(self, column: str) -> tuple[str, ...]:
        """Return the names of the segments: those listed, the rest, and where the column is null."""
        return (*self._names(column), f"{column} is null")

    def _names(self, column: str) -> tuple[str, ...]:
        if self.edges:
            low, high = _written(self.edges[0]), _written(self.edges[-1])
            inner = zip(self.edges[:-1], self.edges[1:], strict=True)
            ranges = [f"{_written(a)}<{column}<={_written(b)}" for a, b in inner]
            return (f"{column}<={low}", *ranges, f"{column}>{high}")
        values = [("true" if v else "false") if self.flag else _written(v) for v in self.values]
        return tuple(f"{column}={v}" for v in (*self.levels, *values, "other"))

    def codes(self, column: Column | Texts) -> IntArray:
        """Return the place in `names` of the segment of each row, shape (n,)."""
        if isinstance(column, Texts):
            place = {level: at for at, level in enumerate(self.levels)}
            rest = len(self.levels)
            known = [place.get(named(v), rest) for v in column.values]
            return np.array([*known, rest + 1], np.int64)[column.codes]
        if column.dtype == object:
            return self.codes(Texts.of(column))
        return self._ranges(column.astype(np.float64))

    def _ranges(self, numbers: NDArray[np.float64]) -> IntArray:
        cuts = np.asarray(self.edges or self.values, np.float64)
        code = np.searchsorted(cuts, numbers, side="left")
        if not self.edges:
            code[~np.isin(numbers, cuts)] = len(cuts)
        code[np.isnan(numbers)] = len(cuts) + 1
        return code


def splits_of(reference: Columns, schema: Schema, segments: Sequence[str]) -> dict[str, Split]:
    """Choose the segments of each named column from the reference.

    A text: its 20 most frequent levels. A flag, or a number of at most 10 values: each of them. Else a number: the
    ranges between the reference's quartiles.

    Raises
    ------
    InvalidInput
        If a name is no feature; see `check`.
    """
    check(segments, schema)
    features = {f.name: f for f in schema.features}
    return {name: _split(reference[name], features[name]) for name in segments}


def check(segments: Sequence[str], schema: Schema) -> None:
    """Refuse segments by what is no feature.

    Raises
    ------
    InvalidInput
        Naming the nearest feature, and all.
    """
    for name in segments:
        if name not in schema.names:
            near = difflib.get_close_matches(name, schema.names, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InvalidInput(
                f"segments: {name!r} is no feature of the model{hint}; its features are {', '.join(schema.names)}"
            )


def _split(column: Column, feature: Feature) -> Split:
    if feature.dtype is DType.BOOL:
        return Split(values=(0.0, 1.0), flag=True)
    if feature.kind is Kind.CATEGORICAL:
        counts = Counter(named(str(v)) for v in column if v is not None)
        most = sorted(counts, key=lambda level: (-counts[level], level))[:MOST_LEVELS]
        return Split(levels=tuple(most))
    numbers = column.astype(np.float64)
    values = np.unique(numbers[np.isfinite(numbers)])
    if len(values) <= MOST_VALUES:
        return Split(values=tuple(values.tolist()))
    finite = numbers[np.isfinite(numbers)]
    edges = np.quantile(finite, QUARTILES, method="inverted_cdf")
    return Split(edges=tuple(sorted({_short(edge, finite) for edge in edges.tolist()})))


def _short(edge: float, numbers: NDArray[np.float64]) -> float:
    """Return the number of the fewest digits that parts the rows as an edge does, but for one row in a hundred."""
    exact = float((numbers <= edge).mean())
    tried = (float(f"{edge:.{digits}g}") for digits in range(1, 17))
    return next((short for short in tried if abs(float((numbers <= short).mean()) - exact) <= MISPLACED), edge)


def _written(number: float) -> str:
    """Write a number so that different ones never look the same."""
    short = f"{number:.6g}"
    return short if float(short) == number else repr(number)
