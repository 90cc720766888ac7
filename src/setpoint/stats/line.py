"""A line through a model's raw answers, fitted to what was true: damped, so that few rows change little."""

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.calibration import FLATTEST, FURTHEST, STEEPEST, Calibration, FloatArray
from setpoint.domain.records import Column
from setpoint.domain.schema import Task
from setpoint.stats.losses import SURE
from setpoint.stats.newton import least

PSEUDO_ROWS = 50.0  # of a regression, on which nothing is to be changed
MOST_STRETCH = 0.5  # of a regression, either way
RIDGE_SHIFT, RIDGE_SLOPE = 2.0, 25.0  # of classes; a logit of two is the difference of two shifts, and damped by 1
Rows = NDArray[np.int64]


def fit(task: Task, raw: FloatArray, truth: Column, weight: Column | None = None) -> Calibration:
    """Fit a damped line to raw answers and what was true; with few rows they stay what they are.

    Parameters
    ----------
    raw : ndarray of shape (n,), or (n, n_classes) of a task of several classes
        What the model answered, before any calibration.
    truth : ndarray of shape (n,), float64
        Values of a regression, or places of classes.
    weight : ndarray of shape (n,), float64, optional
        Of each row; by default 1.
    """
    known = np.isfinite(truth) & np.isfinite(raw if raw.ndim == 1 else raw.sum(axis=1))
    raw, truth = raw[known].astype(np.float64), truth[known].astype(np.float64)
    weight = np.ones(len(truth)) if weight is None else weight[known].astype(np.float64)
    if task is Task.REGRESSION:
        return _line(raw, truth, weight)
    columns = np.stack([1 - raw, raw], axis=1) if task is Task.BINARY else raw
    shift, slope = _logits(np.log(np.clip(columns, SURE, 1.0)), truth.astype(np.intp), weight)
    return Calibration(shift=(shift[1] - shift[0],) if task is Task.BINARY else tuple(shift), slope=slope)


def _line(raw: FloatArray, truth: FloatArray, weight: FloatArray) -> Calibration:
    """Least squares around the mean prediction, with pseudo-rows at it that ask for no change."""
    total = float(weight.sum())
    if not total:
        return Calibration()
    centre = float(weight @ raw) / total
    missed, around = truth - raw, raw - centre
    variance = float(weight @ np.square(around)) / total
    stretch = float(weight @ (missed * around)) / (variance * (total + PSEUDO_ROWS)) if variance else 0.0
    shift = float(weight @ missed) / (total + PSEUDO_ROWS)
    return Calibration(shift=(shift,), slope=1 + float(np.clip(stretch, -MOST_STRETCH, MOST_STRETCH)), centre=centre)


def _logits(logs: FloatArray, truth: Rows, weight: FloatArray) -> tuple[list[float], float]:
    """Return the shift of each class and the slope that make the damped log loss least (Platt scaling, Guo 2017)."""
    logs, classes = np.ascontiguousarray(logs.T), logs.shape[1]  # class by class: sums over few classes are quick
    of_truth = float(weight @ logs[truth, np.arange(len(truth))])
    totals = np.append(np.bincount(truth, weight, classes), of_truth)
    ridge = np.append(np.full(classes, RIDGE_SHIFT), RIDGE_SLOPE)
    start = np.append(np.zeros(classes), 1.0)
    low, high = np.append(np.full(classes, -FURTHEST), FLATTEST), np.append(np.full(classes, FURTHEST), STEEPEST)

    def loss(line: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        value, slope, curve = _log_partition(logs, weight, line)
        off = line - start
        damped = float(ridge @ np.square(off)) / 2
        return value - float(totals @ line) + damped, slope - totals + ridge * off, curve + np.diag(ridge)

    found = least(loss, start, low, high)
    return found[:-1].tolist(), float(found[-1])


def _log_partition(logs: FloatArray, weight: FloatArray, line: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Return the sum over rows of log Σ exp(shift + slope · logs), with gradient and Hessian in shifts and slope.

    They are the means and covariances of the rows' classes and of the logarithms that these have.
    """
    z = line[:-1, None] + line[-1] * logs
    top = z.max(axis=0)
    p = np.exp(z - top)
    total = p.sum(axis=0)
    p /= total
    weighed, p_logs = p * weight, p * logs
    mean = p_logs.sum(axis=0)
    slope = np.append(weighed.sum(axis=1), weight @ mean)
    curve = np.diag(slope)
    curve[:-1, :-1] -= weighed @ p.T
    curve[:-1, -1] = curve[-1, :-1] = p_logs @ weight - weighed @ mean
    curve[-1, -1] = weight @ ((p_logs * logs).sum(axis=0) - np.square(mean))
    return float(weight @ (top + np.log(total))), slope, curve
