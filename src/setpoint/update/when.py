"""Whether a new version should be trained now, on what, and with what to expect."""

from datetime import datetime

import numpy as np

from setpoint.config import duration, is_quality
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Cause, IncidentStatus
from setpoint.domain.receipt import Gain
from setpoint.domain.records import Records, moment, stamp
from setpoint.domain.schema import Task
from setpoint.domain.value import value
from setpoint.stats.losses import class_losses, losses
from setpoint.update.advice import Move, Situation, advise, considered_at
from setpoint.update.gain import Signs, expected_gain, learnt
from setpoint.update.schedule import MOST_DOUBLINGS, failed_trainings, failures, next_training, struck

HELD_OUT = 0.5  # of the new rows, the latest
FEWEST_FORCED = 200  # half of them are held out, and must be enough to judge on
STRAY = 0.05  # of the outcomes may be dated before their prediction: one came again, or late
ONE_VALUE = 50  # latest outcomes that are all the same: the feed is broken
SPOILS = (
    *(Cause.NULL, Cause.UNIT, Cause.RENAMED, Cause.FROZEN, Cause.SWAPPED, Cause.SKEW),
    *(Cause.RELEASE, Cause.ARTEFACT, Cause.OUTCOMES, Cause.ATTACK),
)
NOT_MENDED = (IncidentStatus.OPEN, IncidentStatus.WAITING, IncidentStatus.MENDING)


@value
class FitPlan:
    """What to train on, what to judge on, and why.

    The gate's candidate learns rows before `holdout_since` and is judged on those from there to `until`; a version
    that passed may be refitted up to `until`. `since` is the time of the first row that no training has seen.
    `window_rows` are the latest rows before `holdout_since` to learn from; None: as many as the reference has.
    `expected` is None where there is nothing to compare with.
    """

    since: datetime
    holdout_since: datetime
    until: datetime
    new_rows: int
    holdout_rows: int
    reason: str
    window_rows: int | None = None
    expected: Gain | None = None
    estimated: str = ""


@value
class Champion:
    """What a training is weighed against.

    `rows` are those trained on so far, `proven` its loss per row where it was proven, at the gate or on the reference
    (None: nowhere); `lined`: its answers are recalibrated, so that a training has less to win.
    """

    task: Task
    rows: int
    proven: float | None
    lined: bool = False


def due(
    deployment: Deployment,
    labelled: Records,
    champion: Champion,
    *,
    now: datetime,
    forced: bool = False,
    unreadable: str = "",
) -> FitPlan | None:
    """Return the plan of a training if one is due, else None: `why_not` says why.

    Parameters
    ----------
    labelled : Records
        The champion's rows since the last fit's frontier whose outcome is known by `now`, in time order.
    forced : bool
        Asked for by a person: only what would spoil a training or collide with another change still holds it back.
    unreadable : str
        Why the inputs on record cannot be learnt from, if so.
    """
    if unreadable or why_not(deployment, labelled, champion, now=now, forced=forced):
        return None
    held_out = round(HELD_OUT * len(labelled))
    _, gain, estimated = _expected(deployment, labelled, champion)
    return FitPlan(
        since=moment(labelled.time[0]),
        holdout_since=moment(labelled.time[-held_out]),
        until=now,
        new_rows=len(labelled),
        holdout_rows=held_out,
        reason=f"{_cause(deployment, now, forced=forced)}; no data fault is open; {len(labelled)} new labelled rows",
        expected=gain,
        estimated=estimated,
    )


def why_not(
    deployment: Deployment, labelled: Records, champion: Champion, *, now: datetime, forced: bool = False
) -> str:
    """Return in words what holds a training back; an empty text when nothing does. Parameters as for `due`."""
    always = (_under_way(deployment), _data_fault(deployment), _labels_off(labelled, now))
    forced = forced or struck(deployment, now)
    rows_needed = FEWEST_FORCED if forced else needed_rows(deployment, champion.rows)
    enough = "" if len(labelled) >= rows_needed else _too_few(deployment, len(labelled), rows_needed, forced=forced)
    content = "" if forced or _off_set_point(deployment) or not _stated(deployment) else _content(deployment)
    held = next((words for words in (*always, content, enough) if words), "")
    return held if held or forced else _not_worth_it(deployment, labelled, champion)


def _not_worth_it(deployment: Deployment, labelled: Records, champion: Champion) -> str:
    loss, gain, _ = _expected(deployment, labelled, champion)
    advice = advise(
        Situation(
            urgent=_stated(deployment),
            new_rows=len(labelled),
            learnt_rows=champion.rows,
            loss=loss,
            expected=gain,
            updates=deployment.updates,
            rows_per_day=_rows_per_day(labelled),
        )
    )
    return "" if advice.move is Move.RETRAIN else f"{advice.move}: {advice.why}"


def needed_rows(deployment: Deployment, learnt_rows: int) -> int:
    """Return the new labelled rows that justify a training.

    Doubled by each candidate since the last promotion that was no better on average, for training seems not to be the
    remedy, and by each training in a row that failed. A candidate that was better but not surely so costs nothing: the
    next has more rows to be sure on.
    """
    once = considered_at(learnt_rows, urgent=_stated(deployment))
    return once << min(_lost(deployment), MOST_DOUBLINGS)


def _lost(deployment: Deployment) -> int:
    return failures(deployment) + len(failed_trainings(deployment))


def _content(deployment: Deployment) -> str:
    clock = next_training(deployment)
    return "quality holds its set point" + (f"; the next training is due on {clock:%Y-%m-%d %H:%M}" if clock else "")


def _cause(deployment: Deployment, now: datetime, *, forced: bool) -> str:
    if forced:
        return "asked for by a person"
    if off := _off_set_point(deployment):
        return "; ".join(off)
    if struck(deployment, now):
        return f"due by `update: every`, {duration(deployment.updates.every_s or 0.0)}"
    return "expected to pay"


def _stated(deployment: Deployment) -> bool:
    """Whether there is a set point for quality; without one, a training is made when it is expected to pay."""
    return any(is_quality(o.metric) for o in deployment.objectives)


def _rows_per_day(labelled: Records) -> float | None:
    days = (labelled.time[-1] - labelled.time[0]) / np.timedelta64(1, "D")
    return float(len(labelled) / days) if days > 0 else None


def _off_set_point(deployment: Deployment) -> list[str]:
    """Return the quality objectives that do not hold, and the quality alarms, in words."""
    missed = [
        f"{s.objective.metric} {s.value:.3g} is off its set point {s.objective.target:.3g}"
        for s in deployment.standings
        if is_quality(s.objective.metric) and s.at_set_point is False and s.value is not None
    ]
    alarms = [
        f"{f.metric} {f.value:.3g} is beyond {f.limit:.3g}"
        for f in deployment.findings
        if f.monitor == "quality" and f.alarm
    ]
    return missed or alarms


def _under_way(deployment: Deployment) -> str:
    running = next((r for r in deployment.rollouts if r.running), None)
    if running is not None:
        return f"the rollout of {running.candidate.version} is under way"
    return "a training is under way" if deployment.training is not None else ""


def _data_fault(deployment: Deployment) -> str:
    """Return the open fault that would be learnt; one held under a repair is repaired in the training set too."""
    for incident in deployment.incidents:
        cause = incident.causes[0].cause if incident.causes else None
        if incident.status in NOT_MENDED and cause in SPOILS:
            return f"incident {incident.id} ({cause}: {incident.subject}) comes first"
    return ""


def _labels_off(labelled: Records, now: datetime) -> str:
    """Return what is wrong with the outcomes, if anything."""
    truth, outcome = labelled.truth, labelled.outcome
    if len(labelled) and np.mean(labelled.known < labelled.time) > STRAY:
        return "outcomes are dated before what they are the outcome of: the label feed is wrong"
    if np.any(labelled.known > stamp(now)):
        return "outcomes are dated in the future: the label feed is wrong"
    if np.any(~np.isfinite(truth.astype(np.float64))):
        return "some outcomes are no finite numbers: the label feed is wrong"
    latest = outcome[-ONE_VALUE:]
    varied = len(set(outcome[:-ONE_VALUE])) > 2  # a continuous target, not a rare class
    if len(latest) == ONE_VALUE and varied and len(set(latest)) == 1:
        return f"the last {ONE_VALUE} outcomes are all {latest[0]:g}: the label feed is frozen"
    return ""


def _too_few(deployment: Deployment, have: int, need: int, *, forced: bool) -> str:
    words = f"{have} new labelled rows since the last training; {need} are needed"
    return words if forced else words + _after_losses(deployment)


def _after_losses(deployment: Deployment) -> str:
    lost, failed = failures(deployment), len(failed_trainings(deployment))
    said = (
        f"{lost} candidate{'s' * (lost > 1)} no better than the champion" if lost else "",
        f"{failed} training{'s' * (failed > 1)} that failed" if failed else "",
    )
    return f" after {' and '.join(filter(None, said))}" if lost or failed else ""


def _expected(deployment: Deployment, labelled: Records, champion: Champion) -> tuple[float, Gain | None, str]:
    """Return the recent loss per row, what retraining should win of it, and how that was estimated."""
    recent = labelled.take(np.arange(-round(HELD_OUT * len(labelled)), 0))
    several = recent.classes
    each = losses(champion.task, recent.score, recent.outcome) if several is None else class_losses(several)
    loss = float(np.nanmean(each))
    if champion.proven is None:
        return loss, None, "not estimated: the champion has no proven loss"
    receipts = [r.receipt for r in deployment.rollouts if r.receipt is not None]
    decay = (loss - champion.proven) / loss if loss > 0 else 0.0
    words = f"recent loss {loss:.3g} on {len(recent)} rows, proven loss {champion.proven:.3g}, {len(receipts)} receipts"
    return loss, expected_gain(Signs(decay=decay, lined=champion.lined), loss, learnt(receipts)), words
