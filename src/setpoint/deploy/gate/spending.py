"""How often a gate may look at a candidate, what each look may spend, and how many outcomes the next one needs."""

import math

from setpoint.domain.value import replace, value
from setpoint.stats.power import Rule, interval_widths, rows_needed

SPENT = (0.025, 0.0125, 0.0075, 0.005)  # of accepting what is no better, one share a look: 5 % in all
LOOKS = len(SPENT)
POWER = 0.8  # of the next look, if the gain is what it seems
PATIENCE = 10.0  # times the held-out rows there are: more outcomes than that are not waited for
BLOCKS = 20
MORE = 0.5  # of the held-out rows there are: fewer new ones are not worth a look


@value
class Turn:
    """Which look at a candidate this is, from 1, the last one decides; and of how many candidates it is the best.

    `candidates` were compared on the rows that the gate judges on.
    """

    number: int = 1
    candidates: int = 1

    @property
    def alpha(self) -> float:
        """What it may spend (one-sided).

        The shares add up to 5 %, so that a candidate that is no better passes any of the looks in at most 5 % of cases,
        however they hang together (Bonferroni; alpha spending after D. L. DeMets, K. K. G. Lan, 1994). The best of
        several passes where any of them would, so they divide it. Simulated, of two that are equal to the champion and
        have nothing in common the better one passes the first look in 1.2 % of cases, undivided in 3.2 %, and by the
        mean loss in 75 %. To judge it on the half of the rows that the contest did not see keeps the level, too, but a
        gain of three standard errors is then seen in 43 % of cases instead of 77 %.
        """
        return SPENT[min(self.number, LOOKS) - 1] / self.candidates

    @property
    def last(self) -> bool:
        """Whether no other look follows."""
        return self.number >= LOOKS


def outcomes_needed(gain: float, se: float, rows: int, turn: Turn) -> int | None:
    """Return how many more outcomes the next look needs to see a gain of this size; None: more than is waited for.

    Parameters
    ----------
    gain, se : float
        The gain as measured (> 0) and its standard error, on `rows` rows.
    """
    if not (math.isfinite(se) and gain > 0):
        return None
    alpha = replace(turn, number=turn.number + 1).alpha

    def smallest(count: int) -> float:
        error = se * math.sqrt(rows / count)
        return Rule(floor=0.0, sd=error, widths=interval_widths(error, alpha, BLOCKS)).smallest(POWER)

    needed = rows_needed(smallest, gain, fewest=rows)
    if needed is None or needed - rows > PATIENCE * rows:
        return None
    return max(math.ceil(MORE * rows), needed - rows)
