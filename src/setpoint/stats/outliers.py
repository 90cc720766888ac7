"""How far rows lie from what is usual, columns taken together."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]
Column = NDArray[np.generic]

SHRINK = 0.05  # of the covariance towards independence
OUTER = 0.05  # share of rows that shape a tail


@dataclass(frozen=True, slots=True)
class Usual:
    """Where each column's values lie, and how they go together: normal scores and their inverse covariance.

    `marks` are sorted values (numbers), or the share of rows whose level is no more frequent, by level (texts).
    """

    marks: Mapping[str, FloatArray | dict[str, float]]
    precision: FloatArray

    @classmethod
    def of(cls, columns: Mapping[str, Column]) -> "Usual":
        """Learn from rows that are usual; columns of shape (n,), float64 or texts and None."""
        marks = {name: _marks(column) for name, column in columns.items()}
        z = cls(marks, np.eye(len(marks))).scores(columns)
        covariance = z.T @ z / max(len(z), 1)
        spread = np.sqrt(np.diag(covariance).clip(1e-6))
        shrunk = (1 - SHRINK) * covariance + SHRINK * np.diag(spread**2)
        return cls(marks, np.asarray(np.linalg.inv(shrunk), np.float64))

    def scores(self, columns: Mapping[str, Column]) -> FloatArray:
        """Return normal scores, shape (n, n_columns); nulls are in the middle, beyond the ends they go on in a line."""
        return np.column_stack([_scores(columns[name], marks) for name, marks in self.marks.items()])

    def distance(self, columns: Mapping[str, Column]) -> FloatArray:
        """Return the Mahalanobis distance of each row's scores, shape (n,)."""
        z = self.scores(columns)
        return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", z, self.precision, z)), np.float64)


def _marks(column: Column) -> FloatArray | dict[str, float]:
    if column.dtype != object:
        values = column.astype(np.float64)
        return np.sort(values[np.isfinite(values)])
    levels, counts = np.unique([v for v in column if v is not None] or [""], return_counts=True)
    order = np.argsort(counts)
    shares = np.cumsum(counts[order]) / counts.sum()
    return dict(zip(levels[order].tolist(), shares.tolist(), strict=True))


def _scores(column: Column, marks: FloatArray | dict[str, float]) -> FloatArray:
    if isinstance(marks, dict):
        rarest = 0.5 * min(marks.values())
        tails = np.array([0.5 if v is None else min(marks.get(v, rarest), 0.5) for v in column])
        return np.asarray(-special.ndtri(tails), np.float64)
    values = column.astype(np.float64)
    if len(marks) < 2 or marks[0] == marks[-1]:
        return np.zeros(len(values))
    low, high = np.searchsorted(marks, values, side="left"), np.searchsorted(marks, values, side="right")
    z = special.ndtri(((low + high) / 2 + 0.5) / (len(marks) + 1))
    for sign, end in ((1.0, marks[-1]), (-1.0, marks[0])):
        beyond = sign * (np.clip(values, -1e300, 1e300) - end)
        steepness = _tail(sign * marks)
        z = np.where(beyond > 0, z + sign * np.minimum(beyond / steepness, 1e6), z)
    return np.where(np.isnan(values), 0.0, z)


def _tail(marks: FloatArray) -> float:
    """Return how much a value grows for a normal score, in the upper tail."""
    ordered = np.sort(marks)
    start = ordered[int((1 - OUTER) * (len(ordered) - 1))]
    reach = -float(special.ndtri(0.5 / (len(ordered) + 1))) + float(special.ndtri(OUTER))
    grown = float(ordered[-1] - start) / max(reach, 0.1)
    return max(grown, float(ordered.std()) / 2, 1e-12)
