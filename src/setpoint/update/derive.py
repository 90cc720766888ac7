"""What a version that keeps its parent's model changes: how answers are calibrated, or where they are decided."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.calibration import Calibration, FloatArray, apply
from setpoint.domain.objective import Gain
from setpoint.domain.records import Column
from setpoint.domain.schema import Schema, Task
from setpoint.domain.update import Method
from setpoint.domain.version import ModelVersion
from setpoint.errors import InvalidInput, JobFailed
from setpoint.stats.line import fit
from setpoint.update.threshold import RIGHT_OR_WRONG, choose, prove, trusted
from setpoint.update.walk_forward import UNITS

FEWEST_ROWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Rows that a model has not learnt from, in the order of time, what it answered and what was true.

    `raw` has shape (n,), of several classes (n, n_classes), the others (n,): `time` says when rows were answered, and
    `known` when their outcome was, in the same unit; `row` is a row's number in the training set.
    """

    raw: FloatArray
    truth: FloatArray
    weight: FloatArray
    time: Column
    known: Column
    row: NDArray[np.int64]

    def take(self, rows: NDArray[np.bool_]) -> "Labelled":
        """Return the rows of a mask that have an outcome."""
        rows = rows & np.isfinite(self.truth)
        kept = {name: getattr(self, name)[rows] for name in ("raw", "truth", "weight", "time", "known", "row")}
        return Labelled(**kept)


def changed(
    parent: ModelVersion, rows: Labelled, method: Method, gain: Gain | None = None
) -> tuple[Calibration | None, float]:
    """Return the calibration and the threshold of a version made from its parent.

    Parameters
    ----------
    gain : Gain, optional
        What a decision brings; by default 1 if it is right.

    Raises
    ------
    InvalidInput
        If versions of this task cannot be made so.
    JobFailed
        If there are too few rows, outcomes of one class only, or no threshold that is surely better.
    """
    check(parent.schema, method)
    check_rows(rows, parent.schema, FEWEST_ROWS)
    if method is Method.RECALIBRATE:
        return fit(parent.schema.task, rows.raw, rows.truth, rows.weight), parent.threshold
    return parent.calibration, _threshold(parent, rows, gain or RIGHT_OR_WRONG)


def check(schema: Schema, method: Method) -> None:
    """Refuse a method that a task does not know: a threshold of other than two classes, too many classes to record."""
    if method is Method.THRESHOLD and schema.task is not Task.BINARY:
        raise InvalidInput(f"only a binary task has a decision threshold, and this one is {schema.task}: recalibrate")
    if schema.task is Task.MULTICLASS and not schema.probabilities:
        raise InvalidInput(
            f"the probabilities of {len(schema.classes)} classes are not recorded (of 20 at most they are), so that "
            "they cannot be calibrated: refit"
        )


def check_rows(rows: Labelled, schema: Schema, fewest: int) -> None:
    """Refuse to learn from too few rows, or from outcomes of one class only."""
    if len(rows.truth) < fewest:
        raise JobFailed(
            f"{len(rows.truth)} rows have an outcome and were not learnt from; {fewest} are needed: wait for more"
        )
    if schema.task is not Task.REGRESSION and len(np.unique(rows.truth)) == 1:
        label = schema.classes[int(rows.truth[0])]
        raise JobFailed(f"all {len(rows.truth)} outcomes are {label!r}: is the label feed broken?")


def _threshold(parent: ModelVersion, rows: Labelled, gain: Gain) -> float:
    line, present = parent.calibration, parent.threshold
    score = rows.raw if line is None else apply(line, rows.raw, Task.BINARY)
    found = choose(score, rows.truth, present, gain)
    proof = prove(
        score, rows.truth, rows.time, rows.known, present, unit_rows=max(1, len(score) // (2 * UNITS)), gain=gain
    )
    if found == present or not trusted(proof):
        raise JobFailed(
            f"no threshold is surely better than {present:.4g}: on the last {proof.rows} rows another one would have "
            f"brought {proof.gain:.3g} a decision, at least {proof.low:.3g}"
        )
    return found
