"""What is to be said of the columns of a reference before they are watched: constants, ids, trends, segments."""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.cuts import Counted, Cuts
from setpoint.domain.records import Column, Columns
from setpoint.domain.texts import Texts
from setpoint.monitor.limits import ColumnLimits
from setpoint.monitor.proposed import ColumnNote
from setpoint.stats.blocks import FEWEST
from setpoint.stats.intervals import block_means

SENSITIVE = re.compile(
    r"(?:^|_)(sex|gender|age|race|ethnic\w*|religion|nationality|marital\w*|disab\w*|pregnan\w*|orientation)(?:_|$)",
    re.IGNORECASE,
)
MOST_LEVELS = 12  # of a segment's column
LEVEL_ROWS = 300  # of the reference in a level, so that it can be judged alone
LEVELS_WITH = 2  # at least have so many
MOST_SEGMENTS = 3
FEWEST_ROWS = 100  # in which a column of different values is an id
BLOCKS = 12
TREND = 0.9  # rank correlation of block means with time: among 12 of chance, one in 10,000 passes it

FloatArray = NDArray[np.float64]


def notes_of(name: str, column: Column, cuts: Cuts, limits: ColumnLimits | None) -> Iterator[ColumnNote]:
    """Yield what must be known of a column to read what is said of it."""
    values = coded(column)
    filled = values[~np.isnan(values)]
    if not len(filled):
        yield ColumnNote(column=name, text="every value is null: only that it stays so is watched")
    elif filled.min() == filled.max():
        yield ColumnNote(
            column=name, text="constant: a change of its share of nulls or a new value is all there can be"
        )
    elif cuts.kind == Counted.TEXT and len(np.unique(filled)) == len(filled) >= FEWEST_ROWS:
        yield ColumnNote(
            column=name, text="a different text in each row, as of an id: its lengths and nulls are watched"
        )
    elif cuts.kind == Counted.TEXT:
        yield ColumnNote(column=name, text="free text: its lengths and nulls are watched")
    elif cuts.kind == Counted.DATETIME:
        yield ColumnNote(column=name, text="times go on: only its nulls and oddities are watched")
    elif _counts_up(filled):
        yield ColumnNote(
            column=name, text="another whole number in each row, as of an id or a row number: it will drift"
        )
    elif limits is not None and limits.stepwise:
        yield ColumnNote(column=name, text="stays on one of few values for long: its runs are watched, not its mean")
    elif limits is not None and not limits.movements:
        text = f"fewer than {FEWEST} blocks of 8 rows: how it moves cannot be learnt"
        yield ColumnNote(column=name, text=text)


def _counts_up(filled: FloatArray) -> bool:
    whole = len(filled) >= FEWEST_ROWS and bool((filled == np.round(filled)).all())
    return whole and len(np.unique(filled)) == len(filled)


def coded(column: Column) -> FloatArray:
    """Return a column as numbers: texts by the order in which they appear, NaN for null."""
    if column.dtype != object:
        return column.astype(np.float64)
    codes = Texts.of(column).codes
    return np.where(codes < 0, np.nan, codes.astype(np.float64))


def trending(columns: Columns) -> tuple[str, ...]:
    """Return the numeric columns (in time order) that rise or fall all the way through the reference."""
    return tuple(name for name, column in columns.items() if column.dtype != object and _trends(column))


def _trends(column: Column) -> bool:
    values = column[np.isfinite(column)].astype(np.float64)
    if len(values) < 10 * BLOCKS or values.min() == values.max():
        return False
    means = block_means(values, BLOCKS)
    ranks = np.argsort(np.argsort(means, kind="stable"))
    return len(np.unique(means)) > 1 and abs(float(np.corrcoef(np.arange(BLOCKS), ranks)[0, 1])) > TREND


def segments(columns: Columns) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the columns whose levels are few and full enough to be judged apart, and those with sensitive names."""
    fit = [name for name, column in columns.items() if _splits(column)]
    sensitive = tuple(
        name for name in columns if SENSITIVE.search(name) and (name in fit or columns[name].dtype != object)
    )
    plain = [name for name in fit if name not in sensitive]
    return tuple(plain[:MOST_SEGMENTS]), sensitive


def _splits(column: Column) -> bool:
    if column.dtype != object and len(np.unique(column[:1_000])) > MOST_LEVELS:
        return False
    values = coded(column)
    values = values[~np.isnan(values)]
    counts = np.unique(values, return_counts=True)[1]
    return 2 <= len(counts) <= MOST_LEVELS and int((counts >= LEVEL_ROWS).sum()) >= LEVELS_WITH
