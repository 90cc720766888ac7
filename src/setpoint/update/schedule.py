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

    It counts from the last training. A time that nobody was there to see is caught up with once, not once for each
    that was missed. Each candidate since the last promotion that was no better, and each training in a row that failed,
    doubles the time, at most three times.
    """
    every_s = deployment.updates.every_s
    if every_s is None:
        return None
    last = deployment.last_fit or deployment.releases[0].at
    return last + timedelta(seconds=every_s * 2 ** doublings(deployment))


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
