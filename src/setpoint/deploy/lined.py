"""A model that is born with its line: fitted on the newest rows of its set, which it was kept from."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from setpoint.deploy.answers import CLASSES_FILE, SCORES_FILE, table_of
from setpoint.deploy.metrics import reference_metrics
from setpoint.deploy.reference import target_of
from setpoint.domain.calibration import Calibration, FloatArray, apply
from setpoint.domain.records import Column
from setpoint.domain.schema import Schema, Task
from setpoint.domain.training_set import WEIGHT
from setpoint.runtime.columns import Head
from setpoint.stats.line import fit


def born_line(reference: pa.Table, raw: FloatArray, schema: Schema, rows: int) -> Calibration:
    """Return the line that the newest rows of its set ask of a model that did not learn them.

    Parameters
    ----------
    raw : ndarray of shape (n,), or (n, n_classes) of a task of several classes
        What the model answers to the set, in time order.
    rows : int
        How many of the set's last rows it did not learn.
    """
    newest = slice(len(raw) - rows, None)
    weight = reference[WEIGHT].to_numpy()[newest] if WEIGHT in reference.column_names else None
    return fit(schema.task, raw[newest], target_of(reference, schema)[newest], weight)


def line_up(
    work: Path, reference: pa.Table, schema: Schema, threshold: float, rows: int
) -> tuple[Calibration, Column, dict[str, float]]:
    """Put the line that a model is born with behind its answers to the set; return the line, scores and metrics.

    Parameters
    ----------
    work : Path
        The folder of the conversion, with the raw answers; those of several classes are written anew.
    """
    several = schema.task is Task.MULTICLASS
    kept = np.load(work / CLASSES_FILE)[:, 1:] if several else np.load(work / SCORES_FILE)
    raw = kept.astype(np.float64)
    line = born_line(reference, raw, schema, rows)
    answers = Head(schema, threshold)(apply(line, raw, schema.task))
    if several:
        np.save(work / CLASSES_FILE, table_of(answers, schema))
    return line, answers[schema.score], reference_metrics(target_of(reference, schema), answers, schema, threshold)
