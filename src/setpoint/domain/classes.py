"""Rows of a task of several classes: what was decided, what was true, and how likely each class was said to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.schema import Schema

NAMED = 10  # labels, in a message

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """Classes as their places in `schema.classes`, NaN where not known.

    `decided` and `truth` have shape (n,), `probabilities` (n, n_classes); (n, 0) where they are not recorded.
    """

    decided: FloatArray
    truth: FloatArray
    probabilities: FloatArray

    def take(self, rows: NDArray[Any] | slice) -> "Classes":
        """Return the rows of a boolean mask, an index array or a slice."""
        return Classes(decided=self.decided[rows], truth=self.truth[rows], probabilities=self.probabilities[rows])

    def __add__(self, other: "Classes") -> "Classes":
        """Return the rows of both, one after the other."""
        return Classes(
            decided=np.concatenate([self.decided, other.decided]),
            truth=np.concatenate([self.truth, other.truth]),
            probabilities=np.concatenate([self.probabilities, other.probabilities]),
        )

    @property
    def right(self) -> FloatArray:
        """1.0 where the label was right and 0.0 where it was wrong, shape (n,); NaN where either is not known."""
        return np.where(np.isnan(self.decided + self.truth), np.nan, (self.decided == self.truth).astype(np.float64))

    @property
    def shares(self) -> FloatArray:
        """The share of each class among the rows whose truth is known, shape (n,), to the last that occurs."""
        known = self.truth[~np.isnan(self.truth)].astype(np.intp)
        return np.bincount(known) / len(known)

    @property
    def certainty(self) -> FloatArray:
        """The probability that was given to what was true, shape (n,); where none are recorded, `right`."""
        if not self.probabilities.shape[1]:
            return self.right
        known = ~np.isnan(self.truth)
        found = np.full(len(self.truth), np.nan)
        found[known] = self.probabilities[known, self.truth[known].astype(np.intp)]
        return found


def classes_of(outputs: Mapping[str, NDArray[Any]], truth: NDArray[Any], schema: Schema) -> Classes:
    """Return a version's answers beside what was true.

    Parameters
    ----------
    outputs : mapping of str to ndarray of shape (n,)
        At least `label` (values of `schema.classes`, or their texts) and those that `schema.probabilities` names.
    truth : ndarray of shape (n,), float64
    """
    p = [outputs[name].astype(np.float64) for name in schema.probabilities]
    return Classes(
        decided=places(outputs["label"], schema),
        truth=truth.astype(np.float64),
        probabilities=np.stack(p, axis=1) if p else np.empty((len(truth), 0)),
    )


def either(classes: Sequence[Any]) -> str:
    """Name the labels an outcome can be: the first few where there are many."""
    shown = [repr(label) for label in classes[:NAMED]]
    if len(classes) <= 2:
        return " or ".join(shown)
    return f"one of {', '.join(shown)}" + (f" and {len(classes) - NAMED} more" if len(classes) > NAMED else "")


def places(labels: NDArray[Any], schema: Schema) -> FloatArray:
    """Return where in `schema.classes` each label stands, shape (n,); NaN for what is none of them."""
    found: dict[Any, float] = {str(label): float(at) for at, label in enumerate(schema.classes)}
    found |= {label: float(at) for at, label in enumerate(schema.classes)}
    return np.array([found.get(label, np.nan) for label in labels.tolist()], np.float64)
