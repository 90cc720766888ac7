"""Rows that a converted model may take otherwise than its framework does: each a reference row with one odd value."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Feature, Schema

BASES = 4  # reference rows that each odd value is put into
MOST_ROWS = 4_000  # of one kind; of very many features some are left out, evenly
FAR = 10.0  # times the range of the reference, beyond its ends
DENORMAL, LEAST = 1e-310, 1e-40  # below the normal numbers of float64, and of float32
UNSEEN = ("never seen before", "☃", " ")
HUGE = 1e300  # beyond float32


@dataclass(frozen=True, slots=True, kw_only=True)
class Stress:
    """Rows of one kind.

    Attributes
    ----------
    kind : str
        `nulls`, `extremes`, `unseen categories`, `empty texts`, `denormals`, `infinities` or `beyond float32`.
    columns : mapping of str to ndarray of shape (n,)
    odd : tuple of length n
        The feature that is odd in each row, and its value there.
    spared : str
        Why a converted model need not answer such rows as its framework does; empty: it must.
    """

    kind: str
    columns: Columns
    odd: tuple[tuple[str, Any], ...]
    spared: str


def stresses(columns: Columns, schema: Schema) -> Iterator[Stress]:
    """Yield the kinds that the schema has columns for.

    Parameters
    ----------
    columns : mapping of str to ndarray of shape (n,)
        Rows of the reference: float64 with NaN for null, or object holding str and None.
    schema : Schema
    """
    for kind, spared, odd_values in KINDS:
        odd = [(f.name, value) for f in schema.features for value in odd_values(f)]
        if odd and len(columns[schema.names[0]]):
            yield _stress(kind, spared, odd, columns)


def _stress(kind: str, spared: str, odd: list[tuple[str, Any]], columns: Columns) -> Stress:
    if len(odd) > MOST_ROWS:
        odd = [odd[at] for at in np.linspace(0, len(odd) - 1, MOST_ROWS).astype(int)]
    count = len(columns[odd[0][0]])
    bases = np.linspace(0, count - 1, min(BASES, count, MOST_ROWS // len(odd))).astype(np.intp)
    rows = np.tile(bases, len(odd))
    each = tuple(case for case in odd for _ in bases)
    changed: dict[str, Column] = {name: column[rows] for name, column in columns.items()}
    for row, (name, value) in enumerate(each):
        changed[name][row] = value
    return Stress(kind=kind, columns=changed, odd=each, spared=spared)


def _nulls(feature: Feature) -> tuple[float | None, ...]:
    return ((None if feature.dtype is DType.STRING else np.nan),) if feature.nullable else ()


def _extremes(feature: Feature) -> tuple[float, ...]:
    """Return the ends of the reference and points far beyond, of the feature's own type."""
    if feature.dtype not in (DType.FLOAT, DType.INT) or feature.low is None or feature.high is None:
        return ()
    reach = FAR * max(feature.high - feature.low, 1.0)
    ends = (feature.low, feature.high, feature.low - reach, feature.high + reach)
    return tuple(map(round, ends)) if feature.dtype is DType.INT else ends


def _each(dtype: DType, *values: Any) -> Callable[[Feature], tuple[Any, ...]]:
    return lambda feature: values if feature.dtype is dtype else ()


KINDS: tuple[tuple[str, str, Callable[[Feature], tuple[Any, ...]]], ...] = (
    ("nulls", "", _nulls),
    ("extremes", "", _extremes),
    ("unseen categories", "", _each(DType.STRING, *UNSEEN)),
    ("empty texts", "", _each(DType.STRING, "")),
    ("denormals", "", _each(DType.FLOAT, DENORMAL, LEAST, -LEAST, -0.0)),
    ("infinities", "such values are refused when they are served", _each(DType.FLOAT, np.inf, -np.inf)),
    ("beyond float32", "a float32 holds no such values", _each(DType.FLOAT, HUGE, -HUGE)),
)
