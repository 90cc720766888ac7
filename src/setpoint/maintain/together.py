"""Columns that broke at the same time broke for the same reason."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from setpoint.domain.incident import Cause
from setpoint.maintain.explanation import CERTAIN, Explanation
from setpoint.maintain.marks import Step
from setpoint.maintain.remedies import Proven

NEAR = 3  # rows between onsets that are one
LEAST = 3.0  # nats below which nothing is said
OVER = 3.0  # nats that a fault which has ended loses: it may have been there, and something else is now


@dataclass(frozen=True, slots=True)
class Broken:
    """A column, the step of its mark, and what is said of it."""

    column: str
    step: Step
    words: str


Mend = Callable[[Broken], Proven | None]


def together(cause: Cause, found: Iterable[Broken], mend: Mend) -> Sequence[Explanation]:
    """Return one explanation for each group of columns that broke within a few rows, the likeliest column first.

    `mend` proves a repair of one column; columns that broke together are for whoever sends them.
    """
    left = sorted((b for b in found if b.step.ratio >= LEAST), key=lambda b: (-b.step.ratio, b.column))
    groups: list[list[Broken]] = []
    for one in left:
        group = next((g for g in groups if abs(g[0].step.onset - one.step.onset) <= NEAR), None)
        groups.append([one]) if group is None else group.append(one)
    return [explained(cause, group, mend) for group in groups]


def explained(cause: Cause, group: list[Broken], mend: Mend) -> Explanation:
    """Return the explanation of columns that broke together; one column alone may have its repair."""
    first = group[0]
    words = [b.words for b in group]
    support = min(first.step.ratio, CERTAIN)
    if not first.step.still:
        words.append("the newest rows are as they should be again")
        support -= OVER
    proof = mend(first) if len(group) == 1 and first.step.still else None
    if proof is not None:
        words.append(proof.repair.proof)
        if not proof.helps:
            words.append("but the re-scored records are not better for it")
    return Explanation(
        cause=cause,
        subject=", ".join(b.column for b in group),
        support=support,
        evidence=tuple(words),
        repair=proof.repair if proof is not None and proof.helps else None,
    )
