"""A caller who sends many rows that are nearly one and the same: a probe, a replay, or a client that loops."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.requested import Requested
from setpoint.monitor.repeats import repeated, row_codes
from setpoint.monitor.seen import Seen

FEWEST = 24  # rows of a caller
TIGHT = 0.2  # spread of a caller's rows against that of all, below which they are nearly the same
STRETCHES = 8  # of as many rows, that say how alike rows of a caller naturally are
NATURAL = 0.5  # of the least natural spread
ALIKE = "alike"
EXAMPLES = 3
COMPARED = 2_000  # newest healthy rows that say how far all spread


def callers(seen: Seen) -> Iterator[Finding]:
    """Report each caller whose newest rows are far more alike than any stretch of as many rows of a caller was.

    A row's likeness is told by the spread of each feature among the caller's rows, against that among all rows; the
    median over the features counts. It is an alarm where that is less than half of the least in eight earlier
    stretches at least: a client that always asks the same, as a check of health does, is natural.
    """
    rows, before = seen.asked, seen.asked_before
    if rows is None or before is None:
        return
    scale = scale_of(seen.baseline)
    for caller, found in alike(rows, scale).items():
        mine, natural = rows.take(rows.caller == caller), _natural(before, scale)
        if natural is None:
            continue
        limit = 1 - NATURAL * natural
        twice = int(repeated(row_codes(mine.inputs)).sum())
        yield Finding(
            monitor="callers",
            metric=ALIKE,
            segment=f"caller {caller}",
            since=_moment(mine.arrived.min()),
            until=_moment(mine.arrived.max()),
            rows=len(mine),
            value=1 - found,
            limit=limit,
            alarm=1 - found > limit,
            detail=f"{caller} sent {len(mine):,} of {len(rows):,} rows, nearly one and the same: they spread "
            f"{found:.2f} of what all rows do, natural is {natural:.2f} at least; {twice:,} repeat another one exactly",
            examples=tuple(str(i) for i in mine.id[-EXAMPLES:]),
        )


def alike(rows: Requested, scale: Mapping[str, float]) -> dict[str, float]:
    """Return the callers whose rows are nearly the same, with how far they spread."""
    names, counts = np.unique([c for c in rows.caller.tolist() if c], return_counts=True)
    found = {}
    for caller in names[counts >= FEWEST].tolist():
        mine = rows.caller == caller
        found[caller] = spread({name: column[mine] for name, column in rows.inputs.items()}, scale)
    return {caller: width for caller, width in found.items() if width < TIGHT}


def scale_of(healthy: Records) -> dict[str, float]:
    """Return how far all rows spread, by feature."""
    n = len(healthy)
    return {name: _width(column[max(0, n - COMPARED) :]) for name, column in healthy.inputs.items()}


def spread(inputs: Columns, scale: Mapping[str, float]) -> float:
    """Return how far rows lie apart, against `scale`: the median over the features that vary at all."""
    found = [_width(column) / scale[name] for name, column in inputs.items() if scale.get(name)]
    return float(np.median(found)) if found else 1.0


def _width(column: Column) -> float:
    """Return the standard deviation of numbers, or the chance that two rows have other levels."""
    if column.dtype == object:
        counts = Counter(column.tolist())
        share: NDArray[np.float64] = np.fromiter(counts.values(), np.float64) / len(column)
        return float(1 - np.square(share).sum())
    known = column[~np.isnan(column)]
    return float(known.std()) if len(known) > 1 else 0.0


def _natural(before: Requested, scale: Mapping[str, float]) -> float | None:
    """Return the least spread of earlier rows of one caller in a row; None where too few stretches tell."""
    found: list[float] = []
    for caller in dict.fromkeys(before.caller.tolist()):
        mine = np.flatnonzero(before.caller == caller)
        for at in range(0, len(mine) - FEWEST + 1, FEWEST):
            part = mine[at : at + FEWEST]
            found.append(spread({name: column[part] for name, column in before.inputs.items()}, scale))
    return min(found) if len(found) >= STRETCHES else None


def _moment(us: int) -> datetime:
    return datetime.fromtimestamp(int(us) / 1e6, UTC)
