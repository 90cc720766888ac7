"""Champion against candidate on the same rows, for any metric: how much better, and how sure."""

import math
from collections.abc import Iterable

import numpy as np

from setpoint.config.metrics import CATALOGUE, SHARES
from setpoint.deploy.gate.case import Answers, Case, FloatArray, Side
from setpoint.domain.objective import Objective
from setpoint.domain.rollout import GateCheck, Holds
from setpoint.stats.quality import Measured, Terms, distance, mean, measure_any, undefined

LOSS = "loss"
TOLERATED = 0.05  # of the champion's value, of a metric without an upper end; and of a loss
TOLERATED_SHARE = 0.02  # of a metric that is a share, in its own unit


def measured(case: Case, side: Side, objective: Objective) -> Measured:
    """Measure an objective's metric for one version, on the rows that both answered, as it is bounded."""
    rows = case.both
    held = side.held.take(rows)
    y = _outcomes(case.truth[rows], held)
    return distance(
        objective.metric, measure_any(objective.metric, y, held.score, held.classes, _terms(objective, side))
    )


def improvement(case: Case, objective: Objective) -> Measured:
    """Return how much better the candidate is (positive: better), with the influence of each row on the difference."""
    old, new = measured(case, case.champion, objective), measured(case, case.candidate, objective)
    if not (old.known and new.known) or len(old.psi) != len(new.psi):
        return undefined(len(old.psi), old.why or new.why or "it has no value")
    sign = 1.0 if higher_is_better(objective) else -1.0
    return Measured(value=sign * (new.value - old.value), psi=sign * (new.psi - old.psi))


def loss_gain(case: Case) -> Measured:
    """Return the mean gain in loss."""
    gains = case.gains
    return mean(gains) if len(gains) else undefined(0, "no row was answered by both")


def gain_of(case: Case) -> tuple[str, Measured, float]:
    """Return what has to get better (what triggered the training, else the loss), how much it does, and its margin."""
    objective = next((o for o in case.objectives if o.name == case.trigger), None)
    if objective is not None and objective.metric in CATALOGUE:
        found = improvement(case, objective)
        if found.known:
            return objective.name, found, margin(objective, measured(case, case.champion, objective).value)
    return LOSS, loss_gain(case), TOLERATED * float(case.champion.held.losses[case.both].mean())


def surely_better(case: Case) -> bool:
    """Whether what has to get better does, at the level of this look."""
    return case.enough and gain_of(case)[1].bounds(case.turn.alpha)[0] > 0


def no_better(case: Case) -> bool:
    """Whether the candidate's loss is no lower than the champion's: then it is asked why."""
    return case.enough and float(case.gains.mean()) <= 0


def margin(objective: Objective, champion: float) -> float:
    """Return what a metric may be worse by."""
    return TOLERATED_SHARE if objective.metric in SHARES else TOLERATED * abs(champion)


def higher_is_better(objective: Objective) -> bool:
    """Whether more of a metric, as it is bounded, is better."""
    known = CATALOGUE.get(objective.metric)
    return objective.higher_is_better if known is None else known.better == "higher"


def passed(name: str, words: str, **numbers: float) -> GateCheck:
    """Return a check that holds."""
    return GateCheck(name=name, holds=Holds.PASS, words=words, numbers=finite(numbers.items()))


def failed(name: str, reason: str, words: str, **numbers: float) -> GateCheck:
    """Return a check that does not hold."""
    return GateCheck(name=name, holds=Holds.FAIL, words=words, reason=reason, numbers=finite(numbers.items()))


def waiting(name: str, needs: int, words: str, **numbers: float) -> GateCheck:
    """Return a check that cannot be decided yet."""
    return GateCheck(name=name, holds=Holds.WAIT, words=words, needs=needs, numbers=finite(numbers.items()))


def not_applicable(name: str, words: str, **numbers: float) -> GateCheck:
    """Return a check that says nothing here."""
    return GateCheck(name=name, holds=Holds.NOT_APPLICABLE, words=words, numbers=finite(numbers.items()))


def finite(numbers: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Keep the numbers that can be stored."""
    return {name: float(value) for name, value in numbers if math.isfinite(value)}


def association(score: FloatArray, truth: FloatArray) -> Measured:
    """Return the correlation of scores and truth, with the influence of each row."""
    n = len(score)
    if n < 3 or not np.ptp(score) or not np.ptp(truth):
        return undefined(n, "one of the two does not vary")
    a, b = (score - score.mean()) / score.std(), (truth - truth.mean()) / truth.std()
    value = float((a * b).mean())
    psi = a * b - value * (np.square(a) + np.square(b)) / 2
    return Measured(value=value, psi=np.asarray(psi - psi.mean(), np.float64))


def agreement(answers: Answers, truth: FloatArray) -> FloatArray:
    """Return per row what should go with `truth`: the score, or of several classes the probability of the true one."""
    if answers.classes is None:
        return answers.score
    return np.asarray(answers.classes.certainty, np.float64)


def _outcomes(truth: FloatArray, held: Answers) -> FloatArray:
    return truth if held.classes is None else np.asarray(held.classes.right, np.float64)


def _terms(objective: Objective, side: Side) -> Terms:
    plain, gain = Terms(), objective.gain
    return Terms(
        threshold=side.threshold,
        top=plain.top if objective.top is None else objective.top,
        quantile=plain.quantile if objective.quantile is None else objective.quantile,
        season=plain.season if objective.season is None else objective.season,
        gain=plain.gain if gain is None else (gain.tp, gain.fp, gain.fn, gain.tn),
    )


def why_not_asked(case: Case) -> str:
    """Return in words why a version was not asked what the candidate alone has learnt."""
    if case.learnt is None:
        return "it is not on record which rows the candidate learnt from"
    if not case.learnt.new.any():
        return "its training set has no row that the champion has not learnt"
    return "its training rows could not be asked again"
