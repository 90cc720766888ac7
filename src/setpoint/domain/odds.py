"""Which rows are likelier repaired than as they are sent: told row by row, given the other columns."""

from collections.abc import Iterator
from math import isfinite

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


def misfits(odds: Odds, feature: str, swap: str | None) -> Iterator[str]:
    """Yield why a rule does not fit a repair; whether it reads numbers is not looked at here."""
    if {t.feature for t in odds.ties} & {feature, swap}:
        yield f"what tells broken rows of {feature!r} reads a repaired column twice"
    if not all(map(isfinite, (odds.base, odds.level, *(n for t in odds.ties for n in (t.weight, t.usual))))):
        yield f"what tells broken rows of {feature!r} is no finite number"
