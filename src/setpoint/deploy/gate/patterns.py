"""Signs of poisoning: a value that few training rows share, all labelled one way, which moves the candidate alone."""

from collections.abc import Callable, Iterator

import numpy as np

from setpoint.deploy.gate.case import BoolArray, FloatArray, Learnt, Pattern, Side
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task

FEWEST_ROWS, MOST_SHARE = 12, 0.1  # of the training set that share the value, apart from one another
ENRICHED = 3.0  # times as frequent there as among the held-out rows, and those that the champion has learnt from
ONE_LABEL = 0.25  # of the labels' standard deviation, within the group
CONTRADICTS = 0.4  # of a probability, or of the labels' standard deviation: mean label against the champion
SURE = 5.0  # standard errors
TRIED = 8  # values that both versions are asked about

Ask = Callable[[Columns], Columns]


def patterns(
    champion: Side, ask_champion: Ask, ask: Ask, some: Columns, learnt: Learnt | None, held: Columns, schema: Schema
) -> tuple[Pattern, ...]:
    """Return the most suspicious values, with what each does to the answers when it is put into held-out rows.

    A backdoor needs rows that share something rare and carry one label whatever else they say (T. Gu, B. Dolan-Gavitt,
    S. Garg, "BadNets", 2017). Only patterns of one value are looked for; of several classes none are.
    """
    if learnt is None or champion.learnt is None or schema.task is Task.MULTICLASS or not len(some[schema.names[0]]):
        return ()
    truth = learnt.truth[learnt.scored]
    said = champion.learnt.score
    found = []
    for name in schema.names:
        column = learnt.inputs[name][learnt.scored]
        usual = np.concatenate([held[name], learnt.inputs[name][~learnt.new]])
        found += [(name, value, rows) for value, rows in _rare(column, usual, MOST_SHARE * len(learnt.truth))]
    spread = float(truth.std()) or 1.0
    unit = 1.0 if schema.task is Task.BINARY else spread
    told = [(*one, _contradiction(truth, said, one[2], spread, unit)) for one in found]
    worst = sorted((t for t in told if t[3]), key=lambda t: -abs(t[3]))[:TRIED]
    plain = [_mean(a, some, schema) for a in (ask_champion, ask)]
    return tuple(
        Pattern(
            feature=name,
            written=str(value),
            rows=int(rows.sum()),
            gap=gap,
            champion_moved=_mean(ask_champion, _put(some, name, value), schema) - plain[0],
            moved=_mean(ask, _put(some, name, value), schema) - plain[1],
        )
        for name, value, rows, gap in worst
    )


def _rare(column: Column, usual: Column, most: float) -> Iterator[tuple[object, BoolArray]]:
    """Yield the values that few rows share, and fewer of the usual ones; rows in a run count as one."""
    if column.dtype == object:
        column, usual = column.astype(str), usual.astype(str)
    values, place, counts = np.unique(column, return_inverse=True, return_counts=True)
    for at in np.flatnonzero((counts >= FEWEST_ROWS) & (counts <= most)):
        rows = place == at
        runs = int((rows[1:] & ~rows[:-1]).sum() + rows[0])
        elsewhere = float((usual == values[at]).mean()) if len(usual) else 0.0
        if runs >= FEWEST_ROWS and counts[at] / len(column) >= ENRICHED * elsewhere:
            yield values[at].item(), rows


def _contradiction(truth: FloatArray, said: FloatArray, rows: BoolArray, spread: float, unit: float) -> float:
    """Return by how much the labels of a group contradict the champion; 0 where they do not, or vary."""
    labels, off = truth[rows], (truth - said)[rows]
    off = off[np.isfinite(off)]
    if len(off) < FEWEST_ROWS or float(labels.std()) > ONE_LABEL * spread:
        return 0.0
    gap = float(off.mean())
    error = max(float(off.std()), 0.05 * unit) / np.sqrt(len(off))
    return gap if abs(gap) > max(CONTRADICTS * unit, SURE * error) else 0.0


def _put(inputs: Columns, name: str, value: object) -> dict[str, Column]:
    column = inputs[name]
    return {**inputs, name: np.full(len(column), value, column.dtype)}


def _mean(ask: Ask, inputs: Columns, schema: Schema) -> float:
    return float(np.nanmean(np.asarray(ask(inputs)[schema.score], np.float64)))
