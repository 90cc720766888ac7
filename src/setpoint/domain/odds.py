"""Which rows of two exchanged columns are likelier exchanged: told row by row, given the other columns."""

from collections.abc import Callable, Iterator
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Columns
from setpoint.domain.value import value


@value
class Tie:
    """What another column says of the order of two: its weight, from what is usual for it on."""

    feature: str
    weight: float
    usual: float


@value
class Odds:
    """The rule by which a row is likelier with two columns exchanged than as it is sent.

    With x of the first column and y of the second it is where (y − x) · (base + level · (x + y) + what the ties say) is
    below 0. That is how much further from the centre of healthy rows, in the distance of Mahalanobis, the exchange
    takes the row: of a quadratic form in all columns the exchange of two leaves no more. A value of another column that
    is missing stands for what is usual.

    `share` is the share of rows since the fault that are likelier so.

    References
    ----------
    Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics 7 (1936).
    """

    base: float
    level: float
    ties: tuple[Tie, ...] = ()
    share: float = 1.0


def likelier_exchanged(odds: Odds, first: str, second: str) -> Callable[[Columns], NDArray[np.bool_]]:
    """Return what tells which rows are likelier exchanged, shape (n,); a row is judged the same alone as among others.

    No row is of which one of the two columns is missing.
    """
    names = [t.feature for t in odds.ties]
    weight, usual = np.array([(t.weight, t.usual) for t in odds.ties]).reshape(-1, 2).T[:, :, None]

    def told(seen: Columns) -> NDArray[np.bool_]:
        x, y = seen[first], seen[second]
        leads = odds.base + odds.level * (x + y)
        if names:
            says = weight * (np.array([seen[n] for n in names], np.float64) - usual)
            says[np.isnan(says)] = 0.0
            leads = leads + np.add.accumulate(says)[-1]  # in turn: a plain sum rounds by the number of rows
        return np.asarray((y - x) * leads < 0)

    return told


def misfits(odds: Odds, feature: str, swap: str | None) -> Iterator[str]:
    """Yield why a rule does not fit the exchange of two columns; whether it reads numbers is not looked at here."""
    if swap is None:
        yield f"{feature!r} is exchanged with no column, and there is nothing to tell"
    if {t.feature for t in odds.ties} & {feature, swap}:
        yield f"what tells exchanged rows of {feature!r} reads one of the two twice"
    if not all(map(isfinite, (odds.base, odds.level, *(n for t in odds.ties for n in (t.weight, t.usual))))):
        yield f"what tells exchanged rows of {feature!r} is no finite number"
