"""Which rows are likelier repaired than as they are sent: told row by row, given the other columns."""

from collections.abc import Iterator
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column, Columns
from setpoint.domain.value import value


@value
class Tie:
    """What another column says: its weight, from what is usual for it on."""

    feature: str
    weight: float
    usual: float


@value
class Odds:
    """The rule by which a row is likelier repaired than as it is sent.

    Where x is sent and y would stand in its place (mapped, or of the column that it is exchanged with) it is where
    (y − x) · (base + level · (x + y) + what the ties say) is below 0. That is how much further from the centre of
    healthy rows, in the distance of Mahalanobis, the repair takes the row: of a quadratic form in all columns it leaves
    no more. A value of another column that is missing stands for what is usual.

    `share` is the share of rows since the fault that are likelier so.

    References
    ----------
    Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics 7 (1936).
    """

    base: float
    level: float
    ties: tuple[Tie, ...] = ()
    share: float = 1.0


def likelier(odds: Odds, sent: Column, repaired: Column, seen: Columns) -> NDArray[np.bool_]:
    """Return which rows are likelier repaired, shape (n,); a row is judged the same alone as among others.

    No row is of which either value is missing.
    """
    leads = odds.base + odds.level * (sent + repaired)
    if odds.ties:
        weight, usual = np.array([(t.weight, t.usual) for t in odds.ties]).T[:, :, None]
        says = weight * (np.array([seen[t.feature] for t in odds.ties], np.float64) - usual)
        says[np.isnan(says)] = 0.0
        leads = leads + np.add.accumulate(says)[-1]  # in turn: a plain sum rounds by the number of rows
    return np.asarray((repaired - sent) * leads < 0)


def misfits(odds: Odds, feature: str, swap: str | None) -> Iterator[str]:
    """Yield why a rule does not fit a repair; whether it reads numbers is not looked at here."""
    if {t.feature for t in odds.ties} & {feature, swap}:
        yield f"what tells broken rows of {feature!r} reads a repaired column twice"
    if not all(map(isfinite, (odds.base, odds.level, *(n for t in odds.ties for n in (t.weight, t.usual))))):
        yield f"what tells broken rows of {feature!r} is no finite number"
