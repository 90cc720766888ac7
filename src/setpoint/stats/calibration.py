"""How often a score is right: rates of the positive class by cell of the score, learnt from labelled blocks."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from setpoint.stats.losses import SURE

BLOCKS = 20  # consecutive stretches of the reference
RIDGE = np.array([1.0, 25.0])  # on the intercept and on slope − 1 of Platt's line
HALF = 0.5  # pseudo-rows a class, at a cell's neighbours' rate

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Labelled rows counted by block of time and cell of the score.

    Cells are the bins that profiles count the score in, the one that holds the decision threshold split in two. Cell k
    holds scores above `edges[k - 1]`, up to and with `edges[k]`. `rows`, `positives` have shape (n_blocks, n_cells);
    the others, shape (n_cells,): the mean score, the mean −log(score) and −log(1 − score), the mean squared score.
    """

    edges: FloatArray
    rows: FloatArray
    positives: FloatArray
    score: FloatArray
    log_score: FloatArray
    log_rest: FloatArray
    square: FloatArray
    decided: NDArray[np.bool_]

    def without(self, block: int) -> "Cells":
        """Return the cells of all blocks but one."""
        return replace(self, rows=np.delete(self.rows, block, 0), positives=np.delete(self.positives, block, 0))

    def of(self, block: int) -> "Cells":
        """Return the cells of one block."""
        return replace(self, rows=self.rows[block : block + 1], positives=self.positives[block : block + 1])


def cells_of(
    score: FloatArray, outcome: FloatArray, edges: FloatArray, threshold: float, blocks: int = BLOCKS
) -> Cells:
    """Count labelled rows.

    Parameters
    ----------
    score : ndarray of shape (n,), float64
        Probability of the second class, in time order.
    outcome : ndarray of shape (n,), float64
        1.0 or 0.0.
    edges : ndarray of shape (n_bins - 1,), float64
        Cut points of the score's profile.
    threshold : float
        A score from here on is decided as the second class.
    """
    cut = np.unique(np.append(edges, np.nextafter(threshold, -np.inf)))
    size, count = len(cut) + 1, min(blocks, max(len(score), 1))
    cell = np.searchsorted(cut, score, side="left")
    block = np.arange(len(score)) * count // max(len(score), 1)
    flat = block * size + cell
    near = np.clip(score, SURE, 1 - SURE)
    total = np.bincount(cell, minlength=size)
    ends = np.concatenate([cut[:1], cut, cut[-1:]])
    middle = np.clip((ends[:-1] + ends[1:]) / 2, SURE, 1 - SURE)

    def mean(values: FloatArray, empty: FloatArray) -> FloatArray:
        sums = np.bincount(cell, values, minlength=size)
        return np.asarray(np.where(total > 0, sums / np.maximum(total, 1), empty), np.float64)

    return Cells(
        edges=cut,
        rows=np.bincount(flat, minlength=count * size).reshape(count, size).astype(np.float64),
        positives=np.bincount(flat, outcome, minlength=count * size).reshape(count, size).astype(np.float64),
        score=mean(near, middle),
        log_score=mean(-np.log(near), -np.log(middle)),
        log_rest=mean(-np.log1p(-near), -np.log1p(-middle)),
        square=mean(np.square(score), np.square(middle)),
        decided=np.append(cut, np.inf) >= threshold,
    )


def as_is(cells: Cells) -> FloatArray:
    """Take the score for the rate."""
    return cells.score


def platt(cells: Cells) -> FloatArray:
    """Fit a line in the logit of the score (Platt 1999), damped: with few rows the score stays as it is."""
    rows, hits = cells.rows.sum(axis=0), cells.positives.sum(axis=0)
    logit = np.log(cells.score / (1 - cells.score))
    x = np.column_stack([np.ones_like(logit), logit])
    line = np.array([0.0, 1.0])
    for _ in range(25):
        rate = 1 / (1 + np.exp(-np.clip(x @ line, -30, 30)))
        slope = x.T @ (hits - rows * rate) - RIDGE * (line - [0.0, 1.0])
        step = np.linalg.solve((x.T * (rows * rate * (1 - rate))) @ x + np.diag(RIDGE), slope)
        line = line + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-8:
            break
    return np.asarray(1 / (1 + np.exp(-np.clip(x @ line, -30, 30))), np.float64)


def isotonic(cells: Cells) -> FloatArray:
    """Fit rates that do not fall as the score rises (Zadrozny, Elkan 2002); empty cells take their neighbours'."""
    from scipy.optimize import isotonic_regression  # a tenth of a second, for those who fit

    rows, hits = cells.rows.sum(axis=0), cells.positives.sum(axis=0)
    if not rows.sum():
        return cells.score
    overall = hits.sum() / rows.sum()
    full = rows > 0
    rates = (hits[full] + HALF * overall) / (rows[full] + HALF)
    fitted = isotonic_regression(rates, weights=rows[full]).x
    return np.asarray(np.interp(cells.score, cells.score[full], fitted), np.float64)


MAPS = {"as is": as_is, "platt": platt, "isotonic": isotonic}


def choose(cells: Cells) -> str:
    """Return the name of the map with the smallest log loss on blocks that it was not learnt from."""
    return min(MAPS, key=lambda name: held_out_loss(cells, name))


def held_out_loss(cells: Cells, name: str, folds: int = 5) -> float:
    """Return the mean log loss of a map in cross-validation over stretches of neighbouring blocks (nats a row)."""
    count = len(cells.rows)
    fold = np.arange(count) * folds // count
    loss = 0.0
    for one in np.unique(fold):
        learnt = replace(cells, rows=cells.rows[fold != one], positives=cells.positives[fold != one])
        rate = np.clip(MAPS[name](learnt), SURE, 1 - SURE)
        rows, hits = cells.rows[fold == one].sum(axis=0), cells.positives[fold == one].sum(axis=0)
        loss -= float(hits @ np.log(rate) + (rows - hits) @ np.log1p(-rate))
    return loss / max(float(cells.rows.sum()), 1.0)
