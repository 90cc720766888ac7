"""The metrics an objective can name, by name, under what the objective and the version say."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from setpoint.config.metrics import CATALOGUE
from setpoint.stats.quality import decisions, probabilities, ranks, regression
from setpoint.stats.quality.measured import FloatArray, Measured, undefined

Metric = Callable[[FloatArray, FloatArray], Measured]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What metrics need to know beside the rows.

    `threshold` is that of the decision, `top` a fraction of the rows, `quantile` the one that is forecast, `season` a
    number of rows, `gain` what a true positive, false positive, false negative and true negative bring.
    """

    threshold: float = 0.5
    top: float = 0.1
    quantile: float = 0.5
    season: int = 1
    gain: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 1.0)


PLAIN: dict[str, Metric] = {
    "roc_auc": ranks.roc_auc,
    "average_precision": ranks.average_precision,
    "log_loss": probabilities.log_loss,
    "brier": probabilities.brier,
    "calibration_error": probabilities.calibration_error,
    "calibration_in_the_large": probabilities.calibration_in_the_large,
    "calibration_slope": probabilities.calibration_slope,
    "mae": regression.mae,
    "rmse": regression.rmse,
    "median_absolute_error": regression.median_absolute_error,
    "mape": regression.mape,
    "smape": regression.smape,
    "wape": regression.wape,
    "rmsle": regression.rmsle,
    "r2": regression.r2,
    "bias": regression.bias,
}
DECISIONS: dict[str, Callable[[FloatArray, FloatArray, float], Measured]] = {
    "accuracy": decisions.accuracy,
    "balanced_accuracy": decisions.balanced_accuracy,
    "precision": decisions.precision,
    "recall": decisions.recall,
    "specificity": decisions.specificity,
    "f1": decisions.f1,
    "matthews": decisions.matthews,
}


def metric_of(name: str, terms: Terms) -> Metric:
    """Return a metric by its name; KeyError if there is none."""
    if name in PLAIN:
        return PLAIN[name]
    if name in DECISIONS:
        return partial(_at_threshold, DECISIONS[name], terms.threshold)
    return {
        "value_per_decision": partial(decisions.value_per_decision, threshold=terms.threshold, gain=terms.gain),
        "precision_at_top": partial(ranks.precision_at_top, top=terms.top),
        "lift_at_top": partial(ranks.lift_at_top, top=terms.top),
        "pinball": partial(regression.pinball, quantile=terms.quantile),
        "mase": partial(regression.mase, season=terms.season),
    }[name]


def _at_threshold(
    metric: Callable[[FloatArray, FloatArray, float], Measured], threshold: float, y: FloatArray, score: FloatArray
) -> Measured:
    return metric(y, score, threshold)


def measure(name: str, y: FloatArray, score: FloatArray, terms: Terms | None = None) -> Measured:
    """Measure rows that have both an outcome and a score.

    Parameters
    ----------
    name : str
        One of `setpoint.config.metrics.CATALOGUE`.
    y, score : ndarray of shape (n,), float64
        Outcomes (1.0 and 0.0 of a binary task) and predictions, in time order.
    """
    if not len(y):
        return undefined(0, "there are no rows with an outcome")
    if not np.isfinite(y).all() or not np.isfinite(score).all():
        return undefined(len(y), "some outcomes or scores are no finite numbers")
    with np.errstate(over="ignore", invalid="ignore"):
        found = metric_of(name, terms or Terms())(y, score)
    return found if found.known or found.why else undefined(len(y), "the numbers are too large to compute with")


def distance(name: str, found: Measured) -> Measured:
    """Return a metric as its objective bounds it: of one that should be near a value, how far it is from there."""
    metric = CATALOGUE.get(name)
    if metric is None or metric.better != "near" or not found.known:
        return found
    off = found.value - metric.ideal
    return Measured(value=abs(off), psi=found.psi if off >= 0 else -found.psi, grain=found.grain)
