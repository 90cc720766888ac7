"""`setpoint.rollout`: called, it sets shares by hand; its functions move traffic to a version by steps."""

import getpass

from setpoint.api.place import Place, opened
from setpoint.domain.course import Course
from setpoint.domain.evidence import Forecast
from setpoint.domain.fleet import Deployment
from setpoint.domain.rollout import Rollout
from setpoint.loop.verbs import rollouts

__all__ = ["abort", "approve", "pause", "plan", "resume", "start", "status"]


def start(
    model: str,
    version: str,
    *,
    course: Course | None = None,
    anyway: bool = False,
    by: str | None = None,
    home: Place | None = None,
) -> Rollout:
    """Have traffic move to a version by steps, as the evidence allows; by default those of setpoint.yaml.

    `anyway`: also where it cannot end in time at the present traffic.
    """
    return rollouts.start(opened(home), model, version, by=by or getpass.getuser(), course=course, anyway=anyway)


def status(model: str, *, home: Place | None = None) -> Rollout | None:
    """Return the rollout by steps that is under way, or the last one; None where there was none."""
    (deployment,) = opened(home).deployments(model)
    return next((r for r in reversed(deployment.rollouts) if r.moving), None)


def plan(model: str, *, course: Course | None = None, home: Place | None = None) -> Forecast:
    """Return how long a rollout would take at the present traffic."""
    return rollouts.planned(opened(home), model, course)


def pause(model: str, *, by: str | None = None, home: Place | None = None) -> Rollout:
    """Keep a rollout where it is; the evidence may still send it back."""
    return rollouts.pause(opened(home), model, by=by or getpass.getuser())


def resume(model: str, *, by: str | None = None, home: Place | None = None) -> Rollout:
    """Let a paused rollout go on."""
    return rollouts.resume(opened(home), model, by=by or getpass.getuser())


def abort(model: str, *, by: str | None = None, home: Place | None = None) -> Rollout:
    """End a rollout, wherever it is: the champion answers alone again."""
    return rollouts.abort(opened(home), model, by=by or getpass.getuser())


def approve(model: str, *, now: bool = False, by: str | None = None, home: Place | None = None) -> Deployment:
    """Let a rollout do what it waits for a person for; `now`: promote it, without the steps that are left."""
    return rollouts.approve(opened(home), model, by=by or getpass.getuser(), fast=now)
