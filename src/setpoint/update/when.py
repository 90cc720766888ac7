"""Whether a new version should be trained now, on what, and with what to expect."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from setpoint.config import is_quality
from setpoint.domain.calibration import Calibration
from setpoint.domain.finding import Finding
from setpoint.domain.fleet import Deployment, Standing
from setpoint.domain.incident import Cause, IncidentStatus
from setpoint.domain.receipt import Gain
from setpoint.domain.records import Records, moment, stamp
from setpoint.domain.rollout import Verdict
from setpoint.domain.update import Method
from setpoint.domain.value import value

HELD_OUT = 0.5  # of the new rows, the latest
FEWEST_FORCED = 200  # half of them are held out, and must be enough to judge on
FEWEST_OFF = 30  # labelled rows of a window: one bad answer is no reason to train
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
    `method` None: as the file says. `expected` is None where there is nothing to compare with. A recalibration has its
    `line`, and the `proof` of it.
    """

    since: datetime
    holdout_since: datetime
    until: datetime
    new_rows: int
    holdout_rows: int
    reason: str
    expected: Gain | None = None
    method: Method | None = None
    line: Calibration | None = None
    proof: Verdict | None = None


def due(
    labelled: Records,
    *,
    now: datetime,
    cause: str,
    left_out: int = 0,
    expected: Gain | None = None,
    method: Method | None = None,
) -> FitPlan:
    """Return the plan of a training on labelled rows that no training has seen, in time order.

    Parameters
    ----------
    labelled : Records
        The champion's rows that no training could have, whose outcome is known by `now`.
    cause : str
        Why it is made.
    left_out : int
        Rows beside them that an incident makes doubtful.
    """
    held_out = round(HELD_OUT * len(labelled))
    return FitPlan(
        since=moment(labelled.time[0]),
        holdout_since=moment(labelled.time[-held_out]),
        until=now,
        new_rows=len(labelled),
        holdout_rows=held_out,
        reason=f"{cause}; {without(left_out) or 'no data fault is open'}; {len(labelled)} new labelled rows",
        expected=expected,
        method=method,
    )


def held_back(deployment: Deployment, labelled: Records, now: datetime) -> str:
    """Return in words what holds back anything that learns from outcomes; an empty text when nothing does."""
    always = (_under_way(deployment), _data_fault(deployment), _labels_off(labelled, now))
    return next((words for words in always if words), "")


def too_few(labelled: Records, left_out: int = 0) -> str:
    """Return in words what a training that a person asks for lacks; an empty text when nothing."""
    if len(labelled) >= FEWEST_FORCED:
        return ""
    words = f"{len(labelled)} new labelled rows since the last training; {FEWEST_FORCED} are needed"
    return f"{words}; {without(left_out)}" if left_out else words


def without(left_out: int) -> str:
    """Return in words that rows are not learnt; an empty text when all are."""
    return f"{left_out} more are doubtful for an incident, and left out" if left_out else ""


def stated(deployment: Deployment) -> bool:
    """Whether there is a set point for quality; without one, a training is made when it is expected to pay."""
    return any(is_quality(o.metric) for o in deployment.objectives)


def off_set_point(standings: Sequence[Standing], findings: Sequence[Finding]) -> list[str]:
    """Return the quality objectives that do not hold on 30 rows or more, and the quality alarms, in words.

    Both without what a named fault did: no training makes that better.
    """
    missed = [
        f"{s.objective.metric} {s.value:.3g} is off its set point {s.objective.target:.3g}"
        for s in standings
        if is_quality(s.objective.metric) and s.at_set_point is False and s.value is not None and s.rows >= FEWEST_OFF
    ]
    alarms = [
        f"{f.metric} {f.value:.3g} is beyond {f.limit:.3g}" for f in findings if f.monitor == "quality" and f.alarm
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
    same = len(latest) == ONE_VALUE and len(set(latest)) == 1
    if same and len(set(outcome[:-ONE_VALUE])) > 2:  # a continuous target, not a rare class
        return f"the last {ONE_VALUE} outcomes are all {latest[0]:g}: the label feed is frozen"
    return ""
