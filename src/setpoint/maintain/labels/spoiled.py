"""A feed of outcomes that is broken: joined to other requests, flipped, constant, or in another unit."""

from collections.abc import Iterator

import numpy as np
from scipy import special

from setpoint.domain.incident import Cause
from setpoint.maintain.labels.account import Told, since
from setpoint.maintain.labels.rows import MIDDLE, Labels, likelihood, mixed, tailed
from setpoint.maintain.loss import Floats

SHARES = (0.1, 0.25, 0.5, 0.9, 1.0)  # of the outcomes that may be broken
JOINED = "outcomes are those of other requests"
NEARLY_ALL = 0.9
PARTS = 20  # quantiles between which healthy outcomes are as dense
TAIL = float(np.log(0.375))  # constant of Student's t with 4 degrees of freedom, which `tailed` leaves out
FACTORS = (0.001, 0.01, 0.1, 10.0, 100.0, 1_000.0)  # by which a number may be off


def broken(labels: Labels) -> Iterator[Told]:
    """Yield the accounts of a broken feed: outcomes flipped, constant, or in another unit, in the order they came."""
    order = np.argsort(labels.known, kind="stable")
    for share in SHARES:
        for words, then in spoils(labels, share):
            gain = mixed(labels.base, then, share) - labels.base
            said = f"{words} in about {share:.0%} of those"
            yield since(labels, Cause.OUTCOMES, gain, order, 1 + (share < 1), labels.known, said)


def spoiled(labels: Labels, rows: np.ndarray) -> Iterator[float]:
    """Yield how much likelier some rows are under each way of spoiling a share of them (nats, paid for)."""
    for share in SHARES:
        for _, then in spoils(labels, share):
            gain = (mixed(labels.base, then, share) - labels.base)[rows]
            yield float(gain.sum()) * labels.worth - 0.5 * (1 + (share < 1)) * float(np.log(len(rows)))


def spoils(labels: Labels, share: float) -> Iterator[tuple[str, Floats]]:
    """Yield ways in which a share of the outcomes may be spoiled, with the log likelihood of each outcome if it was.

    A join goes wrong for nearly all of them: a few that fit no answer may be anything.
    """
    if labels.binary:
        usual = float(special.logit(np.clip(labels.before.mean(), 0.005, 0.995)))
        if share >= NEARLY_ALL:
            yield JOINED, likelihood(labels, np.full(len(labels.y), usual))
        yield "outcomes are the opposite of what is true", likelihood(labels, -labels.answer)
        for level in (0.0, 1.0):
            yield f"outcomes are {level:.0f} whatever is true", np.where(labels.y == level, -1e-3, -20.0)
        return
    if share >= NEARLY_ALL:
        yield JOINED, marginal(labels)
    for factor in FACTORS:
        words = f"outcomes are {factor:g} times what they were"
        yield words, likelihood(labels, labels.answer, labels.y / factor) - np.log(factor)
    values, count = np.unique(labels.y, return_counts=True)
    most = float(values[np.argmax(count)])
    usual = ((labels.before == most).sum() + 0.5) / (len(labels.before) + 1)  # of healthy outcomes have this very value
    hit = labels.base - np.log(usual)
    yield f"outcomes are {most:g} whatever is true", np.where(labels.y == most, hit, labels.base - 20.0)


def marginal(labels: Labels) -> Floats:
    """Return the log likelihood of numbers that have nothing to do with their answers: those of healthy outcomes."""
    known = labels.before
    centre, spread = float(np.median(known)), float(np.diff(np.quantile(known, MIDDLE))[0]) / 2 or 1.0
    wide = tailed((labels.y - centre) / spread) - np.log(spread)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, PARTS + 1)))
    if len(edges) < PARTS / 2:  # a few values make up most of them
        return np.asarray(wide)
    share = np.histogram(known, edges)[0] / len(known)
    place = np.clip(np.searchsorted(edges, labels.y, "right") - 1, 0, len(share) - 1)
    dense = np.log(np.maximum(share[place] / np.diff(edges)[place], 1e-300)) - TAIL
    inside = (labels.y >= edges[0]) & (labels.y <= edges[-1])
    return mixed(np.where(inside, dense, -np.inf), wide, 0.1)
