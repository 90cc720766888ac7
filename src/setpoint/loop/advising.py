"""What is best done about a model's answers now, from one look at it: the question that every look asks."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from setpoint.config import duration, is_quality
from setpoint.deploy.verdict import short
from setpoint.domain.calibration import Calibration
from setpoint.domain.envelope import LOOP
from setpoint.domain.fleet import Deployment, Standing
from setpoint.domain.receipt import Gain, Receipt
from setpoint.domain.rollout import Decision, Verdict
from setpoint.domain.update import DERIVED, Advised
from setpoint.loop.looks.look import Look
from setpoint.loop.looks.situation import unit_rows
from setpoint.loop.looks.spans import sees_spoiled
from setpoint.update.advice import Advice, Move, Situation, advise, measured
from setpoint.update.gain import Signs, expected_gain, learnt
from setpoint.update.line import Line
from setpoint.update.schedule import doublings, next_training, struck
from setpoint.update.when import FEWEST_FORCED, FEWEST_OFF, FitPlan, due, held_back, off_set_point, stated

RAW = Calibration()
DAY = np.timedelta64(1, "D")
Z = 1.645  # standard errors to either end of a two-sided 90 % interval


def advice_of(deployment: Deployment, look: Look) -> Advice:
    """Return the answer to "when should this model be retrained?", and to whether something cheaper would do."""
    situation = _situation(deployment, look)
    if not situation.held_back and not situation.asked:
        if stated(deployment) and not _off(deployment, look):
            return Advice(move=Move.WAIT, why=_content(deployment, look), expected=situation.expected)
        before = deployment.advised
        lined = before is not None and before.move == Move.RECALIBRATE  # a training may be due all the same
        if look.prospect is None and not stated(deployment) and not lined:
            return Advice(move=Move.WAIT, why=before.why if before else "too few outcomes are known to think it over")
    return advise(situation)


def advised(advice: Advice, look: Look) -> Advised:
    """Return an answer as it is remembered."""
    return Advised(at=look.now, move=str(advice.move), why=advice.why, rows=advice.rows, expected=advice.expected)


def plan_of(advice: Advice, deployment: Deployment, look: Look) -> FitPlan | None:
    """Return what to train, where the advice is to train or to recalibrate."""
    if advice.move is Move.RECALIBRATE:
        return _recalibration(advice, look)
    if advice.move is not Move.RETRAIN:
        return None
    rows = look.unlearnt.between(deployment.new_since, None)
    clock = (
        f"due by `update: every`, {duration(deployment.updates.every_s or 0.0)}" if struck(deployment, look.now) else ""
    )
    cause = "; ".join(_off(deployment, look)) or clock or advice.why
    return due(rows, now=look.now, cause=cause, left_out=look.left_out, expected=advice.expected)


def proven_loss(deployment: Deployment, look: Look) -> float | None:
    """Return the champion's loss where it was proven: in its rollout, else on the reference."""
    champion = look.champion
    for rollout in reversed(deployment.rollouts):
        if rollout.candidate.version == champion.version and rollout.candidate.gate is not None:
            return rollout.candidate.gate.candidate_loss
    return champion.reference_metrics.get("mae", champion.reference_metrics.get("log_loss"))


def _off(deployment: Deployment, look: Look) -> list[str]:
    return off_set_point(
        look.to_train_for(deployment), [f for f in deployment.findings if not sees_spoiled(f, deployment)]
    )


def _situation(deployment: Deployment, look: Look) -> Situation:
    rows, seen = look.unlearnt.between(deployment.new_since, None), look.prospect
    untried = rows.between(deployment.tried, None)  # after a training that came to nothing the next one needs more rows
    asked = struck(deployment, look.now) and len(rows) >= FEWEST_FORCED
    line = seen.line if seen else None
    own = look.history.between(_serving_since(deployment), None)
    return Situation(
        held_back=look.unreadable or held_back(deployment, rows, look.now),
        asked=asked,
        urgent=stated(deployment),
        new_rows=len(untried),
        learnt_rows=look.champion.lineage.rows,
        doublings=doublings(deployment),
        own_rows=measured(len(own.labelled), len(own)),
        settled_rows=unit_rows(look.champion),
        loss=_loss(deployment, look),
        expected=expectation(deployment, look),
        line=line.calibration if line else None,
        line_moves=seen.moves if seen else 0.0,
        former=seen.former if seen else None,
        updates=deployment.updates,
        rows_per_day=_rows_per_day(look),
    )


def _serving_since(deployment: Deployment) -> datetime:
    """Return since when the champion's model serves, whatever lines it has had: where lines move often, it would never
    be old enough for a training.
    """
    methods = {r.candidate.version: r.candidate.method for r in deployment.rollouts}
    released = list(deployment.releases)
    while len(released) > 1 and methods.get(released[-1].version) in DERIVED:
        released.pop()
    return released[-1].at


def _content(deployment: Deployment, look: Look) -> str:
    clock = next_training(deployment)
    words = _quality(look.to_train_for(deployment))
    return words + (f"; the next training is due on {clock:%Y-%m-%d %H:%M}" if clock else "")


def _quality(standings: Sequence[Standing]) -> str:
    """Say how the quality objectives stand, where none is surely off."""
    found = [s for s in standings if is_quality(s.objective.metric)]
    if off := next((s for s in found if s.at_set_point is False), None):
        words = f"{off.objective.metric} {short(off.value or 0.0)} is off its set point {off.objective.target:.3g}"
        return f"{words}, on {off.rows} labelled rows; {FEWEST_OFF} are needed"
    if found and all(s.at_set_point for s in found):
        return "quality holds its set point"
    return "it is not known yet whether quality holds its set point"


def _clock(deployment: Deployment, look: Look) -> str:
    every_s = deployment.updates.every_s
    return f"due by `update: every`, {duration(every_s)}" if every_s and struck(deployment, look.now) else ""


def _loss(deployment: Deployment, look: Look) -> float:
    """Return the loss of the latest answers; where none is known, what was proven."""
    recent = look.prospect.loss if look.prospect else math.nan
    return recent if math.isfinite(recent) else (proven_loss(deployment, look) or 0.0)


def expectation(deployment: Deployment, look: Look) -> Gain | None:
    """Return what a training should win per row; None where there is nothing to tell it from."""
    seen, proven = look.prospect, proven_loss(deployment, look)
    if seen is None or proven is None or not math.isfinite(seen.loss) or seen.loss <= 0:
        return deployment.advised.expected if deployment.advised else None
    signs = Signs(decay=(seen.loss - proven) / seen.loss, lined=look.champion.calibration is not None)
    return expected_gain(signs, seen.loss, learnt(_receipts(deployment)))


def _receipts(deployment: Deployment) -> Iterator[Receipt]:
    """Yield what trainings brought; a version that a person brought tells nothing of them."""
    ours = (r for r in deployment.rollouts if r.moving is None or r.moving.by == LOOP)
    return (r.receipt for r in ours if r.receipt is not None and r.candidate.method not in DERIVED)


def _rows_per_day(look: Look) -> float | None:
    """Return how many rows a day are answered."""
    if len(look.history) < 2:
        return None
    days = (look.history.time[-1] - look.history.time[0]) / DAY
    return len(look.history) / days if days > 0 else None


def _recalibration(advice: Advice, look: Look) -> FitPlan:
    """Return the plan of a version with another line through its answers; what it would have saved is its proof."""
    seen = look.prospect
    assert seen is not None
    return FitPlan(
        since=look.now,
        holdout_since=look.now,
        until=look.now,
        new_rows=0,
        holdout_rows=0,
        reason=advice.why,
        line=advice.line or RAW,
        proof=_proof(seen.line, seen.loss, advice.why),
    )


def _proof(line: Line | None, loss: float, why: str) -> Verdict:
    if line is None:
        return Verdict(
            decision=Decision.ACCEPT, rows=0, champion_loss=loss, candidate_loss=loss, gain=0.0, low=0.0, high=0.0,
            checks=(why,),
        )  # fmt: skip
    found, half = line.evidence.prompt, Z * line.evidence.prompt.se
    words = f"fitted anew before each of the last {found.rows} outcomes it would have saved {short(found.gain)} a row"
    return Verdict(
        decision=Decision.ACCEPT,
        rows=found.rows,
        champion_loss=loss,
        candidate_loss=max(0.0, loss - found.gain),
        gain=found.gain,
        low=found.gain - half,
        high=found.gain + half,
        checks=(why, words),
    )
