"""Should the loop be switched on for this table? Yes, no, or not enough evidence; and why."""

import math
from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from setpoint.domain.records import Column
from setpoint.domain.update import Cost
from setpoint.domain.value import value
from setpoint.stats.paired import Interval
from setpoint.stats.stretch import stretch_interval

LEVEL = 0.95  # of the two-sided interval of the gain
FEWEST = 100  # rows whose outcome is on record
DRAWS = 6  # promotions; fewer coins show the same side more often than one time in twenty


class Answer(StrEnum):
    """What to do."""

    YES = "yes"
    NO = "no"
    UNSURE = "not enough evidence"


@value
class Verdict:
    """The answer for one policy against `never`.

    `gain` is per row in the loss's unit, `share` its part of the loss of `never`, `worth` the least share that counts.
    `rows` is how many rows with outcomes would be needed about, where there were too few.
    """

    answer: Answer
    policy: str
    gain: Interval | None
    share: float | None
    worth: float
    why: tuple[str, ...]
    rows: int | None = None


@value
class Race:
    """What a verdict is reached on: a policy's account beside that of `never`.

    `gain` None: fewer than 8 rows have an outcome. `loss` is the mean loss a row of `never`, `moved` whether any answer
    was another one, `promotions` and `repairs` what could have moved them.
    """

    policy: str
    gain: Interval | None
    loss: float
    moved: bool
    trainings: int
    promotions: int
    repairs: int
    seconds: float
    worth: float
    cost: Cost | None = None


def gain_of(ours: Column, theirs: Column, starts: Sequence[int] = (), weight: Column | None = None) -> Interval | None:
    """Return how much less a policy lost per row than another on the same rows, with a 95 % interval.

    Parameters
    ----------
    ours, theirs : ndarray of shape (n,), float64
        Losses in time order; NaN where the outcome is not on record.
    starts : sequence of int
        Rows at which another version began to serve in one of the policies.
    weight : ndarray of shape (n,), float64, optional
        How many rows each recorded one stands for; the mean is the weighted one (Hájek), its interval that of the
        linearised differences.

    Returns
    -------
    Interval or None
        None below 8 rows with an outcome.
    """
    known = np.isfinite(ours) & np.isfinite(theirs)
    if known.sum() < 8:
        return None
    gains, starts = (theirs - ours)[known], [int(known[:start].sum()) for start in starts]
    if weight is None:
        return stretch_interval(gains, starts, level=LEVEL)
    w = weight[known] / weight[known].mean()
    mean = float(np.average(gains, weights=w))
    around = stretch_interval(w * (gains - mean), starts, level=LEVEL)
    return Interval(mean=mean, low=mean + around.low, high=mean + around.high, rows=len(gains))


def judge(race: Race) -> Verdict:
    """Answer from what was measured, in the order in which it would be asked.

    Yes where the whole interval of the gain is above zero and its middle is worth it; no where nothing changed, or
    where a gain that is worth it is excluded; else there is not enough evidence.
    """
    gain, share = race.gain, None
    if gain is not None and race.loss:
        share = gain.mean / race.loss
    answer, why, rows = _answer(race)
    return Verdict(
        answer=answer,
        policy=race.policy,
        gain=gain,
        share=share,
        worth=race.worth,
        why=tuple(filter(None, (*why, _spent(race)))),
        rows=rows,
    )


def _answer(race: Race) -> tuple[Answer, tuple[str, ...], int | None]:
    gain = race.gain
    if gain is None or gain.rows < FEWEST:
        known = gain.rows if gain else 0
        return Answer.UNSURE, (f"the outcome of {known} rows is on record; {FEWEST} are the least to tell",), FEWEST
    if not race.moved:
        tried = "none of the versions that were trained served" if race.trainings else "nothing called for a training"
        return Answer.NO, (f"not one answer would have been different: {tried}",), None
    loss = race.loss or 1.0
    least = race.worth * loss
    words = f"it loses {_percent(gain.mean / loss)} {'less' if gain.mean >= 0 else 'more'} than doing nothing"
    low, high = (_percent(bound / loss, signed=True) for bound in (gain.low, gain.high))
    sure = f"95 % interval of the gain {low} to {high}"
    if gain.low > 0 and gain.mean >= least:
        pays, money = _pays(race)
        return (Answer.YES if pays else Answer.NO), (f"{words} ({sure})", money, _few(race) if pays else ""), None
    if gain.high < least:
        excluded = f"a gain of {_percent(race.worth)}, the least that counts, is excluded"
        return Answer.NO, (f"{words} ({sure}): {excluded}",), None
    but = "that may be less than counts" if gain.low > 0 else "that may be chance"
    return Answer.UNSURE, (f"{words}, but {but} ({sure})",), _needed(gain, least)


def _pays(race: Race) -> tuple[bool, str]:
    """Whether what was won is worth what the trainings cost, where both are stated in money."""
    if race.cost is None or race.gain is None:
        return True, ""
    won, spent = race.gain.mean * race.gain.rows * race.cost.loss, race.trainings * race.cost.training
    words = f"it won {won:,.4g} and its trainings cost {spent:,.4g}, as `update: cost` counts"
    return won > spent, words


def _few(race: Race) -> str:
    """Say that few versions made the difference: the interval knows the luck of rows, not that of trainings."""
    if not 0 < race.promotions < DRAWS:
        return ""
    return f"it hangs on {_counted(race.promotions, 'promotion')}: that other trainings would win as much is not shown"


def _needed(gain: Interval, least: float) -> int:
    """Return about how many rows tell the gain from none, or from the least that counts, whichever is further off."""
    half = max((gain.high - gain.low) / 2, 1e-300)
    apart = max(abs(gain.mean), abs(gain.mean - least), half / 100)
    return math.ceil(gain.rows * (half / apart) ** 2)


def _spent(race: Race) -> str:
    if not (race.trainings or race.repairs):
        return ""
    parts = [
        f"{_counted(race.trainings, 'training')} in {race.seconds:,.0f} s",
        _counted(race.promotions, "promotion"),
        _counted(race.repairs, "repair"),
    ]
    alone = "; the answers were changed by repairs alone" if race.moved and not race.promotions else ""
    return f"it took {', '.join(parts)}{alone}"


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _percent(share: float, *, signed: bool = False) -> str:
    written = f"{100 * share:+.3g} %" if signed else f"{100 * abs(share):.3g} %"
    return written.replace("-", "−")
