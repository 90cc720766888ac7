"""Metrics of a score on the reference rows."""

import numpy as np

from setpoint.config.metrics import CATALOGUE, QUALITY
from setpoint.domain.records import Column
from setpoint.domain.schema import Task
from setpoint.stats.quality import measure

HEADLINE = ("roc_auc", "accuracy", "log_loss", "mae", "rmse", "r2")  # what a person is told first


def reference_metrics(truth: Column, score: Column, task: Task) -> dict[str, float]:
    """Score predictions of shape (n,) against the target (0.0 and 1.0 for classes); rows without a target are left out.

    They are optimistic where the reference holds rows the model was trained on. A metric that is not defined on these
    rows, or needs to be told more, is left out.
    """
    known = np.isfinite(truth)
    plain = [name for name in QUALITY[task] if not CATALOGUE[name].needs]
    found = {name: measure(name, truth[known], score[known]) for name in plain}
    return {name: m.value for name, m in found.items() if m.known}


def headline(metrics: dict[str, float]) -> dict[str, float]:
    """Return the few metrics that a person is told first."""
    return {name: metrics[name] for name in HEADLINE if name in metrics}
