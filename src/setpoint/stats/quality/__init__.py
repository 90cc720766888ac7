"""Quality metrics with the influence of each row, so that one formula bounds them all."""

from setpoint.stats.quality.catalogue import Terms, distance, measure, metric_of
from setpoint.stats.quality.measured import Measured, mean, undefined
from setpoint.stats.quality.probabilities import row_log_loss

__all__ = ["Measured", "Terms", "distance", "mean", "measure", "metric_of", "row_log_loss", "undefined"]
