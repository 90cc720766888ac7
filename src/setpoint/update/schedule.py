"""The clock of `update: every`: when the next training is due; candidates that were no better slow it down."""

import itertools
from datetime import datetime, timedelta

from setpoint.domain.fleet import Decided, Deployment
from setpoint.domain.rollout import Phase

MOST_DOUBLINGS = 3
FAILED = "training failed"
JUDGED = ("shadow", "reject", "promote")


def next_training(deployment: Deployment) -> datetime | None:
    """Return when the clock strikes next; None where there is no clock.

    It counts from the last training that did not come to nothing. A time that nobody was there to see is caught up with
    once, not once for each that was missed. Each candidate since the last promotion that was no better, and each
    training in a row that failed, doubles the time, at most three times. A training that failed, or was cancelled, when
    it was due is not begun again at once, but after half the doubled time; a whole one at least.
    """
    every_s = deployment.updates.every_s
    if every_s is None:
        return None
    doubled, tried = doublings(deployment), deployment.tried
    due = (deployment.last_fit or deployment.releases[0].at) + timedelta(seconds=every_s * 2**doubled)
    if tried is None or tried < due:
        return due
    return tried + timedelta(seconds=every_s * 2 ** max(0, doubled - 1))


def struck(deployment: Deployment, now: datetime) -> bool:
    """Whether the clock says that a training is due."""
    due = next_training(deployment)
    return due is not None and due <= now


def doublings(deployment: Deployment) -> int:
    """Return how often the wait for the next training is doubled, for training has not helped of late.

    Once for each candidate since the last promotion that was no better on average, and for each training in a row that
    failed. A candidate that was better but not surely so costs nothing: the next has more rows to be sure on.
    """
    return min(failures(deployment) + len(failed_trainings(deployment)), MOST_DOUBLINGS)


def failed_trainings(deployment: Deployment) -> list[Decided]:
    """Return the trainings that failed since one last ended with a candidate, the newest first."""
    ended = (d for d in reversed(deployment.decisions) if d.action in (FAILED, *JUDGED))
    return list(itertools.takewhile(lambda d: d.action == FAILED, ended))


def failures(deployment: Deployment) -> int:
    """Return how many candidates since the last promotion were no better than the champion."""
    ended = [r for r in reversed(deployment.rollouts) if not r.running]
    since = itertools.takewhile(lambda r: r.phase is not Phase.PROMOTED, ended)  # an end by a person tells nothing
    verdicts = (r.shadow or r.candidate.gate for r in since)
    return sum(verdict is not None and verdict.gain <= 0 for verdict in verdicts)
