"""A feed of outcomes that is broken: flipped, constant, or in another unit."""

from collections.abc import Iterator

import numpy as np

from setpoint.domain.incident import Cause
from setpoint.maintain.labels.account import Told, since
from setpoint.maintain.labels.rows import Labels, likelihood, mixed
from setpoint.maintain.loss import Floats

SHARES = (0.1, 0.25, 0.5, 0.9, 1.0)  # of the outcomes that may be broken
FACTORS = (0.001, 0.01, 0.1, 10.0, 100.0, 1_000.0)  # by which a number may be off


def broken(labels: Labels) -> Iterator[Told]:
    """Yield the accounts of a broken feed: outcomes flipped, constant, or in another unit, in the order they came."""
    order = np.argsort(labels.known, kind="stable")
    for share in SHARES:
        for words, then in spoils(labels):
            gain = mixed(labels.base, then, share) - labels.base
            said = f"{words} in about {share:.0%} of those"
            yield since(labels, Cause.OUTCOMES, gain, order, 1 + (share < 1), labels.known, said)


def spoiled(labels: Labels, rows: np.ndarray) -> Iterator[float]:
    """Yield how much likelier some rows are under each way of spoiling a share of them (nats, paid for)."""
    for share in SHARES:
        for _, then in spoils(labels):
            gain = (mixed(labels.base, then, share) - labels.base)[rows]
            yield float(gain.sum()) * labels.worth - 0.5 * (1 + (share < 1)) * float(np.log(len(rows)))


def spoils(labels: Labels) -> Iterator[tuple[str, Floats]]:
    """Yield ways in which an outcome may be spoiled, with the log likelihood of each outcome if it was."""
    if labels.binary:
        yield "outcomes are the opposite of what is true", likelihood(labels, -labels.answer)
        for level in (0.0, 1.0):
            yield f"outcomes are {level:.0f} whatever is true", np.where(labels.y == level, -1e-3, -20.0)
        return
    for factor in FACTORS:
        words = f"outcomes are {factor:g} times what they were"
        yield words, likelihood(labels, labels.answer, labels.y / factor) - np.log(factor)
    values, count = np.unique(labels.y, return_counts=True)
    most = float(values[np.argmax(count)])
    usual = ((labels.before == most).sum() + 0.5) / (len(labels.before) + 1)  # of healthy outcomes have this very value
    hit = labels.base - np.log(usual)
    yield f"outcomes are {most:g} whatever is true", np.where(labels.y == most, hit, labels.base - 20.0)
