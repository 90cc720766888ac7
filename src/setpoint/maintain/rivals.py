"""Causes that explain the same rows, of which each alone would be certain: told apart by how well the rows fit them."""

from collections.abc import Sequence

from setpoint.domain.value import replace
from setpoint.maintain.explanation import CERTAIN, Explanation


def told_apart(found: Sequence[Explanation]) -> list[Explanation]:
    """Return explanations as what is left of them beside the one that the rows fit best.

    Each is capped at what it can be trusted to say against `unknown`, so two that explain the same rows both seem
    certain: another unit of a column and its exchange with one of larger numbers, or either of two columns that follow
    each other. One does not stand beside the best where they share a column, or where that alone makes all rows
    healthy; then it falls short by as much as the rows fit it worse.
    """
    rated = [(e.nats, e) for e in found if e.nats is not None and e.support > 0]
    if not rated:
        return list(found)
    most, best = max(rated, key=lambda pair: pair[0])
    return [_beside(e, best, most) if e is not best else e for e in found]


def _beside(one: Explanation, best: Explanation, most: float) -> Explanation:
    if one.nats is None or not (best.whole or _share_a_column(one, best)):
        return one
    return replace(one, support=min(one.support, CERTAIN - min(most - one.nats, CERTAIN)))


def _share_a_column(one: Explanation, other: Explanation) -> bool:
    return not set(one.subject.split(", ")).isdisjoint(other.subject.split(", "))
