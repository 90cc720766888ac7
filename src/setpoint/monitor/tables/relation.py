"""Whether the labels of two tables relate to the score alike."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from setpoint.monitor.changes.values import Change
from setpoint.monitor.relation import FEWEST, Labelled, concept, is_binary
from setpoint.monitor.tables.reading import Holds, flags, holds, texts_of
from setpoint.monitor.tables.sources import Source

FloatArray = NDArray[np.float64]


def relation(
    target: str, prediction: str, before: Source, after: Source, alpha: float, *, prior: bool
) -> Change | None:
    """Return the change of the label's mean at equal score, if it is sure; None too where it cannot be told.

    Parameters
    ----------
    prior : bool
        Whether the share of labels moved. If so, what one offset of the log odds explains is no change of concept.
    """
    tables = _labelled(target, prediction, before, after)
    if tables is None or min(len(t.label) for t in tables) < FEWEST:
        return None
    found = concept(*tables, alpha, prior=prior)
    if not found.sure:
        return None
    unit = "in the label's share" if is_binary(tables[0]) else "deviations in the error"
    detail = f"at equal {prediction} {target} differs by up to {found.size:.2g} {unit}"
    return Change(
        column=target, kind="concept", effect=found.size, low=found.low, floor=found.floor, detail=detail,
        evidence=(found,),
    )  # fmt: skip


def _labelled(target: str, prediction: str, *sources: Source) -> tuple[Labelled, Labelled] | None:
    """Read both columns; labels that are two texts count as 0 and 1 in their order."""
    read = [(source.column(target), source.column(prediction)) for source in sources]
    levels: list[str] = []
    if all(holds(label.type) is Holds.TEXTS for label, _ in read):
        levels = sorted({v for label, _ in read for v in texts_of(label).values})
        if len(levels) != 2:
            return None
    out = [_both(label, score, levels) for label, score in read]
    return (out[0], out[1]) if out[0] and out[1] else None


def _both(label: pa.ChunkedArray, score: pa.ChunkedArray, levels: list[str]) -> Labelled | None:
    numbers = (Holds.NUMBERS, Holds.BOOLEANS)
    if levels:
        texts = texts_of(label)
        y = np.append([float(v == levels[1]) for v in texts.values], np.nan)[texts.codes]
    elif holds(label.type) in numbers:
        y = _floats(label)
    else:
        return None
    if holds(score.type) not in numbers:
        return None
    x = _floats(score)
    known = np.isfinite(x) & np.isfinite(y)
    return Labelled(y[known], x[known])


def _floats(column: pa.ChunkedArray) -> FloatArray:
    """Return numbers with NaN for null."""
    whole = pc.cast(column, pa.float64(), safe=False).combine_chunks()
    numbers = np.frombuffer(whole.buffers()[1], np.float64)[whole.offset :][: len(whole)]
    return np.where(flags(whole.is_null()), np.nan, numbers) if whole.null_count else numbers
