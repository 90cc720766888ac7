"""Whether labels relate to the score as they did: concept, not only inputs or the share of labels, has changed."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import special

from setpoint.monitor.changes.values import Change, Effect, Noise
from setpoint.monitor.tables.dependence import neighbours, stretch
from setpoint.monitor.tables.reading import Holds, flags, holds, texts_of
from setpoint.monitor.tables.sources import Source

BINS = 10  # of the score, by its deciles in the reference
FLOOR = 0.05  # of a probability, or of the reference's deviations of the error
STEPS = 40  # halvings that find an offset of the log odds

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labels and scores of the rows that have both, shape (n,)."""

    label: FloatArray
    score: FloatArray


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
    if tables is None or min(len(t.label) for t in tables) < BINS**2:
        return None
    reference, current = tables
    cuts = np.unique(np.quantile(reference.score, np.linspace(0, 1, BINS + 1)[1:-1]))
    binary = set(np.unique(reference.label)) <= {0.0, 1.0}
    a, b = (_residuals(t, reference, binary) for t in (reference, current))
    found = _largest(cuts, (reference, a), (current, b), alpha, moved=binary and prior)
    if not found.sure:
        return None
    unit = "in the label's share" if binary else "deviations in the error"
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


def _residuals(table: Labelled, reference: Labelled, binary: bool) -> FloatArray:
    """Return labels, or errors of a number in deviations of the reference's errors."""
    if binary:
        return table.label
    error = reference.label - reference.score
    return (table.label - table.score) / (error.std() or 1.0)


def _largest(
    cuts: FloatArray,
    reference: tuple[Labelled, FloatArray],
    current: tuple[Labelled, FloatArray],
    alpha: float,
    *,
    moved: bool,
) -> Effect:
    """Return the difference of a bin's means that is surest to pass the floor."""
    (t, a), (u, b) = reference, current
    i, j = np.searchsorted(cuts, t.score), np.searchsorted(cuts, u.score)
    count = len(cuts) + 1
    (m, mean, var), (n, now, now_var) = (_moments(values, at, count) for values, at in ((a, i), (b, j)))
    phi = max(neighbours((values - means[at])[stretch(len(at))]) for values, means, at in ((a, mean, i), (b, now, j)))
    expected = _offset(mean, now, n) if moved else mean
    some = (n > 1) & (m > 1)
    width = Noise(alpha=alpha / count).z * np.sqrt(phi * (var / np.maximum(m, 1) + now_var / np.maximum(n, 1)))
    low = np.where(some, np.abs(now - expected) - width, -np.inf)
    at = int(np.argmax(low))
    return Effect(name="concept", size=float(abs(now[at] - expected[at])), low=float(low[at]), floor=FLOOR)


def _moments(values: FloatArray, at: NDArray[np.int64], count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    rows = np.bincount(at, minlength=count).astype(np.float64)
    some = np.maximum(rows, 1)
    mean = np.bincount(at, values, count) / some
    return rows, mean, np.maximum(np.bincount(at, np.square(values - mean[at]), count) / some, 1 / np.square(some + 1))


def _offset(mean: FloatArray, now: FloatArray, rows: FloatArray) -> FloatArray:
    """Return the reference's shares with one offset of the log odds, so that the current table's total is met."""
    odds = special.logit(np.clip(mean, 1e-6, 1 - 1e-6))
    low, high = -20.0, 20.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        more = rows @ special.expit(odds + middle) < rows @ now
        low, high = (middle, high) if more else (low, middle)
    return np.asarray(special.expit(odds + low), np.float64)
