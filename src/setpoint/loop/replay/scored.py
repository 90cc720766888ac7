"""What answers came to, once all outcomes are there: losses, values of decisions, whether the set point was held."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from setpoint.config.metrics import is_quality
from setpoint.domain.classes import Classes, classes_of
from setpoint.domain.objective import Objective, asked_gain
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task
from setpoint.loop.replay.traffic import Traffic
from setpoint.monitor.quality import terms
from setpoint.stats.losses import answer_losses
from setpoint.stats.quality import distance, measure_any


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A policy's answers to all requests beside what turned out to be true, every array of shape (n,).

    `losses` and `values` (what each decision brought; None where no objective says) are NaN where no outcome is on
    record.
    """

    score: Column
    truth: Column
    losses: Column
    values: Column | None
    classes: Classes | None


def scored(traffic: Traffic, outputs: Columns, schema: Schema, objectives: tuple[Objective, ...]) -> Scored:
    """Hold answers against what turned out to be true, known in time or not."""
    classes = classes_of(outputs, traffic.outcome, schema) if schema.task is Task.MULTICLASS else None
    return Scored(
        score=outputs[schema.score].astype(np.float64),
        truth=traffic.outcome.astype(np.float64) if classes is None else classes.right,
        losses=answer_losses(outputs, traffic.outcome, schema),
        values=_values(traffic.outcome, outputs, schema, objectives),
        classes=classes,
    )


def held(
    found: Scored, traffic: Traffic, objectives: tuple[Objective, ...], threshold: float, until: np.datetime64
) -> bool | None:
    """Return whether all quality objectives held over their windows up to a time; None where none can be measured."""
    said = [
        met
        for o in objectives
        if is_quality(o.metric) and o.function is None
        for met in [_held(found, traffic, o, threshold, until)]
        if met is not None
    ]
    return all(said) if said else None


def _held(found: Scored, traffic: Traffic, objective: Objective, threshold: float, until: np.datetime64) -> bool | None:
    since = until - np.timedelta64(timedelta(seconds=objective.window_s))
    lo, hi = np.searchsorted(traffic.time, [since, until])
    known = lo + np.flatnonzero(np.isfinite(found.truth[lo:hi]) & np.isfinite(found.score[lo:hi]))
    if not len(known):
        return None
    classes = None if found.classes is None else found.classes.take(known)
    measured = measure_any(
        objective.metric, found.truth[known], found.score[known], classes, terms(objective, threshold)
    )
    measured = distance(objective.metric, measured)
    return objective.met_by(measured.value) if measured.known else None


def _values(truth: Column, outputs: Columns, schema: Schema, objectives: tuple[Objective, ...]) -> Column | None:
    """Return what each decision brought, in the unit of the objectives' gain."""
    gain = asked_gain(objectives)
    if gain is None or schema.task is not Task.BINARY:
        return None
    said = outputs["label"].astype(str) == str(schema.classes[1])
    brought = np.where(said, np.where(truth == 1, gain.tp, gain.fp), np.where(truth == 1, gain.fn, gain.tn))
    return np.where(np.isnan(truth), np.nan, brought)


def mean_of(numbers: Column, weights: Column | None) -> float | None:
    """Return the mean of what is known, None where nothing is; weighted where rows stand for others."""
    known = np.isfinite(numbers)
    if not known.any():
        return None
    return float(np.average(numbers[known], weights=None if weights is None else weights[known]))
