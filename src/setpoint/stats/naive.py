"""Answers that need no model: the last outcome known, the constant, the constant of the segment."""

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.classes import Classes
from setpoint.domain.records import Column
from setpoint.domain.schema import Schema, Task
from setpoint.stats.losses import class_losses, losses

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
FEWEST = 30  # rows of a segment that a mean of its own rests on


def last_known(time: Column, known: Column, asked: Column) -> IntArray:
    """Return the place of the latest row whose outcome was known when each was asked; −1 where none was.

    Parameters
    ----------
    time, known : ndarray of shape (n,), datetime64
        When rows came, and when their outcomes were known.
    asked : ndarray of shape (m,), datetime64
    """
    order = np.argsort(known, kind="stable")
    latest = np.full(len(order) + 1, -1, np.int64)
    best = -1
    for at, row in enumerate(order.tolist(), start=1):
        best = row if best < 0 or time[row] >= time[best] else best
        latest[at] = best
    found: IntArray = latest[np.searchsorted(known[order], asked, side="right")]
    return found


def same_as_last(last: Column, truth: Column, before: tuple[Column, Column], schema: Schema) -> Column:
    """Return the losses of 'the same as the last outcome known'.

    Of classes it is said as how often each followed the last one known, learnt from rows before, one of each added.

    Parameters
    ----------
    last, truth : ndarray of shape (n,), float64
        The last outcome known when each row was asked (NaN: none), and what was true.
    before : tuple of two ndarrays of shape (m,), float64
        The same two of rows that could be learnt from.

    Returns
    -------
    ndarray of shape (n,), float64
        NaN where nothing was known.
    """
    if schema.task is Task.REGRESSION:
        return losses(schema.task, last, truth)
    kinds = max(2, len(schema.classes))
    rates = _rates(*before, kinds)
    said = np.full((len(truth), kinds), np.nan)
    known = np.isfinite(last)
    said[known] = rates[last[known].astype(np.intp)]
    return _class_losses(said, truth, schema)


def segment_means(codes: IntArray, truth: Column, learnt: tuple[IntArray, Column], schema: Schema) -> Column:
    """Return the losses of the constant of each row's segment; the constant of all where it has too few rows.

    Parameters
    ----------
    codes : ndarray of shape (n,), int64
        Segment of each row.
    learnt : tuple of two ndarrays of shape (m,)
        Segments and truth of rows that could be learnt from.
    """
    own, y = learnt
    size = int(max(codes.max(initial=0), own.max(initial=0))) + 1
    count = np.bincount(own, minlength=size)
    if schema.task is Task.REGRESSION:
        sums = np.bincount(own, y, minlength=size)
        means = np.where(count >= FEWEST, sums / np.maximum(count, 1), y.mean())
        return losses(schema.task, means[codes], truth)
    kinds = max(2, len(schema.classes))
    tally = np.zeros((size, kinds))
    np.add.at(tally, (own, y.astype(np.intp)), 1.0)
    overall = tally.sum(axis=0) / max(len(y), 1)
    shares = np.where(count[:, None] >= FEWEST, tally / np.maximum(count[:, None], 1), overall)
    return _class_losses(shares[codes], truth, schema)


def _rates(last: Column, truth: Column, kinds: int) -> FloatArray:
    tally = np.ones((kinds, kinds))
    both = np.isfinite(last) & np.isfinite(truth)
    np.add.at(tally, (last[both].astype(np.intp), truth[both].astype(np.intp)), 1.0)
    return np.asarray(tally / tally.sum(axis=1, keepdims=True), np.float64)


def _class_losses(said: FloatArray, truth: Column, schema: Schema) -> Column:
    if schema.task is Task.BINARY:
        return losses(schema.task, said[:, 1], truth)
    decided = np.where(np.isnan(said[:, 0]), np.nan, np.nan_to_num(said).argmax(axis=1))
    probabilities = said if schema.probabilities else np.empty((len(said), 0))
    return class_losses(Classes(decided=decided, truth=truth, probabilities=probabilities))
