"""Outcomes that came since an incident began, and what healthy rows make of the answers to them."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.schema import Schema, Task
from setpoint.maintain.case import as_seen, latest
from setpoint.maintain.loss import Floats, independent_rows
from setpoint.maintain.stretch import joined

FEWEST = 30  # labelled rows
BINS = 10
MIDDLE = (0.16, 0.84)  # quantiles of errors that lie a spread to either side
TAIL = 4.0  # degrees of freedom of errors


@dataclass(frozen=True, slots=True)
class Labels:
    """Outcomes that arrived since the incident began.

    `base` is the log likelihood of each outcome under the healthy model, shape (n,); `worth` the independent rows for
    each row.
    """

    y: Floats
    answer: Floats  # log odds of the healthy, recalibrated probability, or the number answered
    spread: Floats  # of the healthy error about a number; ones for probabilities
    time: Column
    known: Column
    inputs: Columns
    base: Floats
    worth: float
    binary: bool
    before: Floats  # healthy outcomes
    own: Floats  # healthy errors in spreads
    own_spread: Floats  # and their spreads
    place: Column  # bin of each answer, by the quantiles of healthy ones
    own_place: Column  # and of each healthy answer
    alike: bool  # a version gave these answers that gave healthy ones


def labels_of(schema: Schema, healthy: Records, suspect: Records, maps: tuple[FeatureMap, ...] = ()) -> Labels | None:
    """Return the outcomes that came since the incident began, with what healthy rows make of their answers."""
    task = schema.task
    before, after = latest(healthy.labelled), latest(suspect.labelled)
    if task is Task.MULTICLASS or len(before) < FEWEST or len(after) < FEWEST:
        return None
    late = before.known >= suspect.time[0]
    sound = before.take(~late)
    if len(sound) < FEWEST:
        return None
    rows = joined(before.take(late), after)
    fit = probabilities if task is Task.BINARY else errors
    answer, spread, own, own_spread = fit(sound, rows)
    cuts = np.unique(np.quantile(sound.score.astype(np.float64), np.linspace(0, 1, BINS + 1)[1:-1]))
    own_place, place = (np.searchsorted(cuts, part.score.astype(np.float64)) for part in (sound, rows))
    y = rows.outcome.astype(np.float64)
    labels = Labels(
        y, answer, spread, rows.time, rows.known, as_seen(rows, maps), np.zeros(0),
        independent_rows(own) / len(own), task is Task.BINARY, sound.outcome.astype(np.float64), own, own_spread,
        place, own_place, set(rows.version) <= set(sound.version),
    )  # fmt: skip
    return replace(labels, base=likelihood(labels, answer))


def probabilities(sound: Records, rows: Records) -> tuple[Floats, Floats, Floats, Floats]:
    """Return recalibrated log odds of rows, ones, the healthy errors (for their dependence), and ones."""
    score, y = sound.score.astype(np.float64), sound.outcome.astype(np.float64)
    cuts = np.unique(np.quantile(score, np.linspace(0, 1, BINS + 1)[1:-1]))
    at = np.searchsorted(cuts, score)
    count = np.bincount(at, minlength=len(cuts) + 1)
    mean = (np.bincount(at, y, len(count)) + y.mean()) / (count + 1)
    odds = special.logit(np.clip(mean, 0.005, 0.995))
    return (
        odds[np.searchsorted(cuts, rows.score.astype(np.float64))],
        np.ones(len(rows)),
        np.asarray(y - mean[at], np.float64),
        np.ones(len(sound)),
    )


def errors(sound: Records, rows: Records) -> tuple[Floats, Floats, Floats, Floats]:
    """Return bias-free answers of rows, the healthy spread of errors at such answers, healthy errors, their spreads."""
    score = sound.score.astype(np.float64)
    error = sound.outcome.astype(np.float64) - score
    cuts = np.unique(np.quantile(score, (0.2, 0.4, 0.6, 0.8)))
    at = np.searchsorted(cuts, score)
    some = [error[at == k] if (at == k).sum() >= BINS else error for k in range(len(cuts) + 1)]
    bias = np.array([np.median(part) for part in some])
    spread = np.array([float(np.diff(np.quantile(part, MIDDLE))[0]) / 2 for part in some])
    spread = np.maximum(spread, 0.05 * (np.std(error) or 1.0))  # most errors may be none at all
    new = rows.score.astype(np.float64)
    where = np.searchsorted(cuts, new)
    return new + bias[where], spread[where], (error - bias[at]) / spread[at], spread[at]


def likelihood(labels: Labels, answer: Floats, y: Floats | None = None) -> Floats:
    """Return the log likelihood of each outcome given an answer, shape (n,)."""
    y = labels.y if y is None else y
    if labels.binary:
        found: Floats = y * special.log_expit(answer) + (1 - y) * special.log_expit(-answer)
        return found
    return tailed((y - answer) / labels.spread) - np.log(labels.spread)


def tailed(z: Floats) -> Floats:
    """Return the log density of standardised errors, Student's t up to a constant, shape (n,)."""
    return np.asarray(-0.5 * (TAIL + 1) * np.log1p(np.square(z) / TAIL))


def mixed(sound: Floats, spoiled: Floats, share: float) -> Floats:
    """Return the log likelihood of outcomes of which a share is spoiled."""
    return np.asarray(np.logaddexp(sound + np.log1p(-min(share, 1 - 1e-9)), spoiled + np.log(share)))
