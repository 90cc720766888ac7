"""How large errors are, by cell of the prediction, learnt from labelled blocks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpoint.stats.calibration import BLOCKS

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LossCells:
    """Labelled rows and sums of |error|, its square and fourth power: shape (n_blocks, n_cells).

    Cells are the bins that profiles count the prediction in; `edges` has shape (n_cells - 1,).
    """

    edges: FloatArray
    rows: FloatArray
    absolute: FloatArray
    squares: FloatArray
    fourth: FloatArray


def loss_cells_of(score: FloatArray, outcome: FloatArray, edges: FloatArray, blocks: int = BLOCKS) -> LossCells:
    """Count labelled rows in time order; arrays of shape (n,), `edges` the cut points of the prediction's profile."""
    size, count = len(edges) + 1, min(blocks, max(len(score), 1))
    flat = np.arange(len(score)) * count // max(len(score), 1) * size + np.searchsorted(edges, score, side="left")
    error = np.abs(outcome - score)
    with np.errstate(over="ignore"):  # a sum that is infinite says so
        rows, absolute, squares, fourth = (
            np.bincount(flat, error**power, minlength=count * size).reshape(count, size).astype(np.float64)
            for power in (0, 1, 2, 4)
        )
    return LossCells(edges=edges, rows=rows, absolute=absolute, squares=squares, fourth=fourth)
