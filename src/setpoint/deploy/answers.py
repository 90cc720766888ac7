"""A model's answers to its reference, kept beside them: what monitors and proposals compare with the outcomes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from setpoint.deploy.reference import target_of
from setpoint.domain.classes import Classes, places
from setpoint.domain.records import Columns
from setpoint.domain.schema import Schema, Task

SCORES_FILE = "scores.npy"  # the model's own scores of the reference rows, float64 (n,)
CLASSES_FILE = "classes.npy"  # of several classes: what `table_of` returns

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Outcomes `y` and answers `score` of n rows, as records have them; `classes` where there are several."""

    y: FloatArray
    score: FloatArray
    classes: Classes | None = None

    def take(self, rows: NDArray[np.generic]) -> "Judged":
        """Return the rows of a boolean mask or an index array."""
        classes = None if self.classes is None else self.classes.take(rows)
        return Judged(y=self.y[rows], score=self.score[rows], classes=classes)

    @property
    def known(self) -> "Judged":
        """The rows that have both an outcome and an answer."""
        return self.take(np.isfinite(self.y) & np.isfinite(self.score))


def table_of(answers: Columns, schema: Schema) -> NDArray[np.float32]:
    """Return the place of each row's label, and beside it the probabilities that are recorded, shape (n, 1 + m)."""
    columns = [places(answers["label"], schema), *(answers[name] for name in schema.probabilities)]
    return np.stack(columns, axis=1).astype(np.float32)


def labels_of(folder: Path, schema: Schema) -> dict[str, NDArray[Any]]:
    """Return the labels answered to the reference as a column of texts, where they are counted (`schema.label`)."""
    if schema.label is None:
        return {}
    spelt = np.array([str(label) for label in schema.classes], object)
    return {schema.label: spelt[np.load(folder / CLASSES_FILE)[:, 0].astype(np.intp)]}


def judged(truth: FloatArray, score: FloatArray, table: NDArray[np.float32] | None) -> Judged:
    """Return answers beside what was true, `truth` as the target has it: of several classes y says whether it was met.

    Parameters
    ----------
    table : ndarray of shape (n, 1 + m), optional
        Of several classes what `table_of` returned.
    """
    if table is None:
        return Judged(y=truth, score=score)
    wide = table.astype(np.float64)
    classes = Classes(decided=wide[:, 0], truth=truth, probabilities=wide[:, 1:])
    return Judged(y=classes.right, score=score, classes=classes)


def judged_reference(folder: Path, table: pa.Table, schema: Schema) -> Judged:
    """Return the answers kept in a bundle beside the target in its reference."""
    several = np.load(folder / CLASSES_FILE) if schema.task is Task.MULTICLASS else None
    return judged(target_of(table, schema), np.load(folder / SCORES_FILE).astype(np.float64), several)
