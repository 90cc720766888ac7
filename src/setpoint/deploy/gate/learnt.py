"""What a candidate learnt: facts of its training set, and both versions' answers to it."""

from collections.abc import Callable, Mapping, Set

import numpy as np

from setpoint.deploy.gate.case import Answers, BoolArray, FloatArray, Learnt
from setpoint.domain.erased import NOBODY, ErasedIds, erased_rows
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema

MOST_SCORED = 3_000  # rows of the training set that both versions are asked: the latest new ones
MOST_BEFORE = 1_000  # of the champion's own set
Keys = np.ndarray[tuple[int], np.dtype[np.uint64]]


def learnt_from(
    inputs: Columns,
    truth: FloatArray,
    *,
    champion: tuple[Columns, FloatArray] | None,
    held_out: Columns,
    holdout_since: np.datetime64,
    time: Column | None = None,
    ids: Column | None = None,
    champion_time: Column | None = None,
    held_out_ids: Set[str] = frozenset(),
    logged: Mapping[str, float] | None = None,
    erased: ErasedIds = NOBODY,
) -> Learnt:
    """Return the facts of a training set.

    Parameters
    ----------
    inputs, truth : columns and ndarray of shape (n,)
        The set in its own order, see `reference.features_of` and `target_of`.
    champion : tuple of columns and ndarray, optional
        Inputs and truth of the champion's own set, in its order.
    held_out : columns
        Inputs of the held-out rows.
    time, ids, champion_time : ndarray, optional
        When rows came, and their ids, where the tables have them.
    held_out_ids : set of str
        Ids of the held-out rows.
    logged : mapping of str to float, optional
        Truth in the log by id.
    erased : ErasedIds
        All ids that were erased from the log.
    """
    keys = row_keys(inputs)
    new = np.ones(len(truth), bool) if champion is None else ~np.isin(keys, row_keys(champion[0]))
    names = np.zeros(0, object) if ids is None else ids.astype(str)
    inside = _held_out(keys, new, row_keys(held_out))
    if time is not None:
        inside |= time >= holdout_since
    if ids is not None:
        inside |= np.isin(names, list(held_out_ids))
    return Learnt(
        truth=truth,
        inputs=inputs,
        new=new,
        scored=np.flatnonzero(new & np.isfinite(truth))[-MOST_SCORED:],
        logged=np.array([(logged or {}).get(i, np.nan) for i in names.tolist()], np.float64),
        time=time,
        champion_until=None if champion_time is None or not len(champion_time) else champion_time.max(),
        before=None if champion is None else _latest(*champion),
        held_out=int((inside & new).sum()),
        erased=0 if ids is None else erased_rows(ids, erased),
    )


def answered(
    ask: Callable[[Columns], Columns],
    learnt: Learnt | None,
    schema: Schema,
    answers_of: Callable[[Columns, Column, Schema], Answers],
) -> Answers | None:
    """Return a version's answers to the training set's newest rows that the champion has not learnt from."""
    if learnt is None or not len(learnt.scored):
        return None
    rows = learnt.scored
    return answers_of(ask({name: column[rows] for name, column in learnt.inputs.items()}), learnt.truth[rows], schema)


def _latest(inputs: Columns, truth: FloatArray) -> tuple[Columns, FloatArray]:
    return {name: column[-MOST_BEFORE:] for name, column in inputs.items()}, truth[-MOST_BEFORE:]


def row_keys(inputs: Columns) -> Keys:
    """Return a number for the content of each row, shape (n,): equal rows have equal ones."""
    keys = np.zeros(len(next(iter(inputs.values()))), np.uint64)
    with np.errstate(over="ignore"):
        for name in sorted(inputs):
            keys = keys * np.uint64(1_000_003) + _codes(inputs[name])
            keys ^= keys >> np.uint64(29)
    return keys


def _codes(column: Column) -> Keys:
    if column.dtype == object:
        return np.array([hash(str(v)) & (2**63 - 1) for v in column.tolist()], np.uint64)
    numbers = column.astype(np.float64) + 0.0
    return np.where(np.isnan(numbers), np.nan, numbers).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def _held_out(keys: Keys, new: BoolArray, held: Keys) -> BoolArray:
    """Return which rows of the set are held out, too, unless rows are so alike that chance makes twins."""
    twins = 1 - len(np.unique(keys[new])) / max(int(new.sum()), 1)
    inside = np.isin(keys, held) & new
    common = float(np.isin(held, keys[new]).mean()) if len(held) else 0.0
    return inside if common > 0.02 + 5 * twins else np.zeros(len(keys), bool)
