"""The loss of single predictions, one per row."""

import numpy as np

from setpoint.domain.classes import Classes, classes_of
from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.schema import Schema, Task

ABSOLUTE, LOG_LOSS, ERROR_RATE = "mean absolute error", "log loss", "error rate"
SURE = 1e-6  # a probability nearer to 0 or 1 is taken as this near


def losses(task: Task, score: Column, outcome: Column) -> Column:
    """Return the loss of each row: absolute error, or log loss in nats.

    Parameters
    ----------
    score : ndarray of shape (n,), float64
        Predictions, or probabilities of the second class; NaN where there was no answer.
    outcome : ndarray of shape (n,), float64
        The truth; 1.0 and 0.0 for a binary task.

    Returns
    -------
    ndarray of shape (n,), float64
        NaN where the score or the outcome is missing.
    """
    score, outcome = score.astype(np.float64), outcome.astype(np.float64)
    if task is Task.REGRESSION:
        distance: Column = np.abs(score - outcome)
        return distance
    near = np.clip(score, SURE, 1 - SURE)
    loss: Column = -(outcome * np.log(near) + (1 - outcome) * np.log(1 - near))
    return loss


def losses_of(rows: Records, schema: Schema) -> Column:
    """Return the loss of each recorded answer; NaN where it has no outcome."""
    if rows.classes is not None:
        return class_losses(rows.classes)
    return losses(schema.task, rows.score, rows.outcome)


def answer_losses(outputs: Columns, truth: Column, schema: Schema) -> Column:
    """Return the loss of each of a version's answers to rows whose truth (see `Records.truth`) is known."""
    if schema.task is Task.MULTICLASS:
        return class_losses(classes_of(outputs, truth, schema))
    return losses(schema.task, outputs[schema.score], truth)


def constant_losses(known: Column, truth: Column, schema: Schema) -> Column:
    """Return the losses of the best constant answer: the mean of known targets, or of several classes their shares."""
    if schema.task is not Task.MULTICLASS:
        return losses(schema.task, np.full(len(truth), float(np.mean(known))), truth)
    known, n = known[np.isfinite(known)], len(truth)
    shares = np.bincount(known.astype(np.intp), minlength=len(schema.classes)) / len(known)
    said = np.tile(shares, (n, 1)) if schema.probabilities else np.empty((n, 0))
    return class_losses(Classes(decided=np.full(n, float(shares.argmax())), truth=truth, probabilities=said))


def class_losses(rows: Classes) -> Column:
    """Return the log loss of the true class in nats, shape (n,); where only labels are recorded, 1.0 for a wrong one.

    The log loss of "was the label right" would not do to compare versions: one that is unsure and wrong pays little.
    """
    said = rows.certainty
    loss: Column = -np.log(np.clip(said, SURE, 1.0)) if rows.probabilities.shape[1] else 1.0 - said
    return loss


def loss_name(schema: Schema) -> str:
    """Return what the mean of the losses is called."""
    if schema.task is Task.REGRESSION:
        return ABSOLUTE
    return LOG_LOSS if schema.task is Task.BINARY or schema.probabilities else ERROR_RATE
