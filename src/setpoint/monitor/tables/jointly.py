"""What the columns of two tables do together: read from a sample of their rows, and compared."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from setpoint.domain.records import Column
from setpoint.monitor.joint import MOST_ROWS, JointChange, joint_change
from setpoint.monitor.tables.reading import Holds, holds
from setpoint.monitor.tables.sources import Source
from setpoint.stats.copula import even

NUMBERS = (Holds.NUMBERS, Holds.BOOLEANS)


def jointly(names: Sequence[str], before: Source, after: Source) -> JointChange:
    """Compare the relations between columns that hold numbers, booleans or texts in both tables."""
    sides: tuple[dict[str, Column], dict[str, Column]] = ({}, {})
    for name in names:
        columns = [source.column(name) for source in (before, after)]
        kinds = [holds(column.type) for column in columns]
        if all(kind in NUMBERS for kind in kinds) or all(kind is Holds.TEXTS for kind in kinds):
            for side, column in zip(sides, columns, strict=True):
                side[name] = _sample(column, numbers=kinds[0] in NUMBERS)
    return joint_change(*sides)


def _sample(column: pa.ChunkedArray, *, numbers: bool) -> Column:
    taken = column.take(pa.array(even(len(column), MOST_ROWS)))
    if numbers:
        return np.array(pc.cast(taken, pa.float64(), safe=False).to_pylist(), np.float64)
    return np.array(taken.to_pylist(), object)


def in_words(change: JointChange) -> str:
    """Say what became of the relations."""
    if change.skipped:
        return f"Relations between columns were not compared: {change.skipped}."
    if not change.changed:
        return "Columns go together as they did."
    pairs = [f"{' and '.join(p.columns)} ({p.before:.2f} → {p.after:.2f})" for p in change.pairs]
    told = (
        f"rank correlations: {', '.join(pairs)}" if pairs else f"most in {', '.join(change.drivers) or 'many columns'}"
    )
    return f"Columns no longer go together as they did: {told}."
