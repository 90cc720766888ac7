"""The accounts of our updates: what was expected of each, and what it won."""

from dataclasses import dataclass

import numpy as np
from streams import GROUPS


@dataclass(frozen=True)
class Account:
    """One candidate that was made; gains in shares of the loss of the champion that it met."""

    stream: str
    group: str
    delay: int
    unit: int
    promoted: bool
    expected: float
    low: float
    high: float
    realised: float


def accounts(world, replay):
    made = []
    for update in replay.updates:
        receipt = update.receipt
        if receipt is None:
            continue
        stayed = receipt.alternatives.get("stay", receipt.loss)
        shares = [value / stayed for value in (receipt.expected.mean, receipt.expected.low, receipt.expected.high)]
        won = max(-1.0, receipt.realised.mean / stayed)
        s = world.stream
        made.append(Account(s.name, s.group, world.delay, update.unit, update.promoted, *shares, won))
    return made


def told(book):
    """Return how well the expected gains were calibrated, in Markdown: coverage is of their 90 % intervals."""
    lines = ["**Expected and realised gain of the candidates, % of the champion's loss**", ""]
    names = ("Streams", "Candidates", "Expected", "Realised", "Covered, %", "Mean error", "Mean error of expecting 0")
    lines += [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    for group in GROUPS:
        some = [a for a in book if a.group == group]
        if some:
            lines.append(f"| {group} | {len(some)} | {' | '.join(_figures(some))} |")
    return "\n".join(lines)


def _figures(some):
    expected, realised = np.array([a.expected for a in some]), np.array([a.realised for a in some])
    covered = np.mean([a.low <= a.realised <= a.high for a in some])
    errors = np.abs(expected - realised).mean(), np.abs(realised).mean()
    means = [f"{100 * x:.1f}" for x in (expected.mean(), realised.mean())]
    return [*means, f"{100 * covered:.0f}", *(f"{100 * e:.1f}" for e in errors)]
