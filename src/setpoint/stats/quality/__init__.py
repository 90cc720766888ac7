"""Quality metrics with the influence of each row, so that one formula bounds them all."""

from setpoint.stats.quality.catalogue import Terms, distance, measure, metric_of
from setpoint.stats.quality.measured import Measured, mean, undefined
from setpoint.stats.quality.probabilities import row_log_loss
from setpoint.stats.quality.several import measure_any, measure_several

__all__ = [
    "Measured",
    "Terms",
    "distance",
    "mean",
    "measure",
    "measure_any",
    "measure_several",
    "metric_of",
    "row_log_loss",
    "undefined",
]
