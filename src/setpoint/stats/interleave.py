"""Interleaving: two rankings in one list, so that whoever sees it compares them on the spot."""

import math
from collections.abc import Hashable, Sequence

import numpy as np

from setpoint.domain.records import Column
from setpoint.domain.value import value
from setpoint.stats.betting import log_evidence
from setpoint.stats.versus import Versus, paired


@value
class Slot:
    """One place of an interleaved list: what is shown, and whose pick it is, `a` or `b`."""

    item: Hashable
    team: str


def team_draft(a: Sequence[Hashable], b: Sequence[Hashable], *, length: int, seed: int) -> tuple[Slot, ...]:
    """Return one list of two rankings: like captains, both pick their best item that is left, a coin says who begins.

    Parameters
    ----------
    a, b : sequence of hashable
        Rankings, the best item first, without repeats.
    length : int
        Places of the list; fewer where both have no more.
    seed : int
        Of the coin: draw it from the request's key, so that the same request sees the same list.

    References
    ----------
    F. Radlinski, M. Kurup, T. Joachims, "How does clickthrough data reflect retrieval quality?", CIKM 2008.
    """
    coin, shown, picks = np.random.default_rng(seed), dict[Hashable, str](), {"a": 0, "b": 0}
    left = {"a": list(a), "b": list(b)}
    while len(shown) < length:
        left = {team: [item for item in items if item not in shown] for team, items in left.items()}
        able = [team for team in ("a", "b") if left[team]]
        if not able:
            break
        fewest = min(picks[team] for team in able)
        team = str(coin.choice([t for t in able if picks[t] == fewest]))
        shown[left[team][0]] = team
        picks[team] += 1
    return tuple(Slot(item=item, team=team) for item, team in shown.items())


@value
class Preference:
    """Which ranking people's clicks prefer: lists won by either, and the log e-values for b and for a.

    `versus` has the mean of clicks that each team earned a list, the negative of it as what it costs.
    """

    lists: int
    wins_a: int
    wins_b: int
    log_for_a: float
    log_for_b: float
    versus: Versus | None

    def better(self, alpha: float = 0.05) -> str:
        """Return `a` or `b` where one is surely preferred, at an error of `alpha` however often one looks."""
        bar = math.log(2 / alpha)
        return "a" if self.log_for_a >= bar else "b" if self.log_for_b >= bar else ""


def preference(clicks_a: Column, clicks_b: Column, alpha: float = 0.05) -> Preference:
    """Return which team's items are clicked more, list by list; may be watched after every list.

    Of each list the team with more clicks wins, ties tell nothing: under no preference both are as likely to win, and
    a gambler on either gets nowhere. With a look at every 20th list an equal ranking is preferred in 1.3 % of 400
    simulated runs of 1,000 lists at 5 %; a sign test looked at as often prefers one in 30 %.

    Parameters
    ----------
    clicks_a, clicks_b : ndarray of shape (n_lists,), float64
        Clicks on the items of each team, lists in time order.
    """
    wins = np.sign(clicks_b.astype(np.float64) - clicks_a.astype(np.float64))
    told = wins[wins != 0]
    return Preference(
        lists=len(wins),
        wins_a=int((told < 0).sum()),
        wins_b=int((told > 0).sum()),
        log_for_a=log_evidence(-told, mean=0.0, low=-1.0),
        log_for_b=log_evidence(told, mean=0.0, low=-1.0),
        versus=paired(-clicks_a.astype(np.float64), -clicks_b.astype(np.float64), alpha),
    )
