"""Where it shows: callers, versions and segments whose rows show it more often than others do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from setpoint.domain.records import Records
from setpoint.domain.schema import Schema
from setpoint.domain.segments import Split
from setpoint.maintain.loss import losses_of
from setpoint.maintain.onset import signs

FEWEST = 12  # rows of a part, and of the others
APART = 0.1  # by which the shares differ at least
SURE = 4.0  # standard errors
MOST = 8
BAD = 0.95  # quantile of healthy losses beyond which an answer shows it, where no column is blamed


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A part of the rows, the share of them that shows it, and that of the other rows."""

    kind: str
    name: str
    rows: int
    share: float
    others: float


def places_of(
    column: str, before: Records, since: Records, schema: Schema, segments: Mapping[str, Split], told: pa.Table
) -> tuple[Place, ...]:
    """Return the parts that show it surely more often than the other rows, the clearest first.

    Parameters
    ----------
    column : str
        What is blamed; empty: rows that lost much show it.
    told : pyarrow.Table
        Rows of the log since, with `id` and `caller`.
    """
    if not column:
        before, since = before.labelled, since.labelled
    if len(before) < FEWEST or len(since) < FEWEST:
        return ()
    if column:
        shown = signs(before.inputs[column], since.inputs[column])
    else:
        shown = losses_of(since, schema.task) > np.quantile(losses_of(before, schema.task), BAD)
    found = [
        place
        for kind, names in _parts(column, since, segments, told)
        for name in dict.fromkeys(names)
        if name and (place := _place(kind, name, np.array([n == name for n in names]), shown))
    ]
    return tuple(sorted(found, key=lambda p: p.others - p.share)[:MOST])


def _parts(
    column: str, rows: Records, segments: Mapping[str, Split], told: pa.Table
) -> Iterator[tuple[str, list[str]]]:
    """Yield of each kind of part the name of the one that each row is in."""
    callers = dict(zip(told["id"].to_pylist(), told["caller"].to_pylist(), strict=True))
    yield "caller", [callers.get(i) or "" for i in rows.id]
    yield "version", [str(v) for v in rows.version]
    for by, split in segments.items():
        if by != column and by in rows.inputs:
            names = split.names(by)
            yield "segment", [names[code] for code in split.codes(rows.inputs[by])]


def _place(kind: str, name: str, inside: NDArray[np.bool_], shown: NDArray[np.bool_]) -> Place | None:
    n, m = int(inside.sum()), int((~inside).sum())
    if n < FEWEST or m < FEWEST:
        return None
    share, others, both = float(shown[inside].mean()), float(shown[~inside].mean()), float(shown.mean())
    error = float(np.sqrt(both * (1 - both) * (1 / n + 1 / m)))
    if share - others < APART or share - others < SURE * error:
        return None
    return Place(kind=kind, name=name, rows=n, share=share, others=others)
