"""Metrics of a score on the reference rows."""

import numpy as np

from setpoint.config.metrics import CATALOGUE, QUALITY
from setpoint.domain.classes import classes_of
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task
from setpoint.stats.quality import Terms, measure, measure_several

HEADLINE = ("roc_auc", "accuracy", "balanced_accuracy", "log_loss", "mae", "rmse", "r2")  # what a person is told first


def reference_metrics(truth: Column, answers: Columns, schema: Schema, threshold: float) -> dict[str, float]:
    """Score answers against the target, shape (n,) (places of classes); rows without a target are left out.

    They are optimistic where the reference holds rows the model was trained on. A metric that is not defined on these
    rows, or needs to be told more, is left out.
    """
    known, score = np.isfinite(truth), answers[schema.score]
    plain = [name for name in QUALITY[schema.task] if not CATALOGUE[name].needs]
    if schema.task is Task.MULTICLASS:
        rows = classes_of(answers, truth, schema).take(known)
        found = {name: measure_several(name, rows, score[known]) for name in plain}
    else:
        found = {name: measure(name, truth[known], score[known], Terms(threshold=threshold)) for name in plain}
    return {name: m.value for name, m in found.items() if m.known}


def headline(metrics: dict[str, float]) -> dict[str, float]:
    """Return the few metrics that a person is told first."""
    return {name: metrics[name] for name in HEADLINE if name in metrics}
