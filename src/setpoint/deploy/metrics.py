"""Metrics of a score on the reference rows."""

import numpy as np

from setpoint.domain.records import Column
from setpoint.domain.schema import Task
from setpoint.stats.quality import METRICS

QUALITY = {Task.REGRESSION: ("mae", "rmse", "r2"), Task.BINARY: ("roc_auc", "accuracy", "log_loss")}


def reference_metrics(truth: Column, score: Column, task: Task) -> dict[str, float]:
    """Score predictions of shape (n,) against the target (0.0 and 1.0 for classes); rows without a target are left out.

    They are optimistic where the reference holds rows the model was trained on. A metric that is not defined on these
    rows is left out.
    """
    known = np.isfinite(truth)
    if not known.any():
        return {}
    found = {name: METRICS[name](truth[known], score[known])[0] for name in QUALITY[task]}
    return {name: value for name, value in found.items() if np.isfinite(value)}
