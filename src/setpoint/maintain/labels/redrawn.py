"""Another mix of outcomes, of rows that are each as they were: the answers to them moved along."""

from collections.abc import Iterator

import numpy as np

from setpoint.domain.incident import Cause
from setpoint.maintain.labels.account import Told, since
from setpoint.maintain.labels.rows import BINS, Labels
from setpoint.maintain.loss import Floats

LEVELS = 4  # quantiles of a number between which its mix is told


def redrawn(labels: Labels) -> Iterator[Told]:
    """Yield the account of label shift: outcomes come in other shares, and of each the answers are what they were.

    Where p(answer | outcome) stays, an outcome is as much likelier, with its answer, as its share has grown. Outcomes
    that are spoiled on their way, and a relation that changed, leave the answers as they were; so what the answers add
    counts, but only where the outcomes given their answers say the same, and the versions are those of before.
    """
    order = np.argsort(labels.time, kind="stable")
    level, own = levels_of(labels)
    half = order[len(order) // 2 :]
    given, added = ratios(labels, level, own, half)
    total = np.cumsum((given + added)[order][::-1])[::-1]
    rows = order[int(np.argmax(total)) :]
    given, added = ratios(labels, level, own, rows)
    parameters = max(own.max(initial=0), 1)
    words = "outcomes come in other shares, and the answers to them moved along"
    alone = since(labels, Cause.PRIOR, given, order, parameters, labels.time, words)
    both = since(labels, Cause.PRIOR, given + added, order, parameters, labels.time, words)
    yield both if alone.gain > 0 and labels.alike else alone


def levels_of(labels: Labels) -> tuple[np.ndarray, np.ndarray]:
    """Return the place of each outcome, and of each healthy one: its class, or between which quantiles it lies."""
    if labels.binary:
        return labels.y.astype(np.int64), labels.before.astype(np.int64)
    cuts = np.unique(np.quantile(labels.before, np.linspace(0, 1, LEVELS + 1)[1:-1]))
    return np.searchsorted(cuts, labels.y), np.searchsorted(cuts, labels.before)


def ratios(labels: Labels, level: np.ndarray, own: np.ndarray, rows: np.ndarray) -> tuple[Floats, Floats]:
    """Return the log likelihood ratios of outcomes given answers, and of answers, with the mix of some rows."""
    count = int(max(own.max(initial=0), level.max(initial=0))) + 1
    before = (np.bincount(own, minlength=count) + 0.5) / (len(own) + 0.5 * count)
    now = (np.bincount(level[rows], minlength=count) + 0.5) / (len(rows) + 0.5 * count)
    weight = now / before
    table = np.zeros((BINS, count))
    np.add.at(table, (labels.own_place, own), 1.0)
    table += before  # one row as all are
    table /= table.sum(axis=1, keepdims=True)
    answers = np.log(table @ weight)[labels.place]
    return np.log(weight)[level] - answers, answers
