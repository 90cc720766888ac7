"""What a person may ask of rollouts: to begin one, to hold it up, to end it, to let it go on."""

from collections.abc import Callable
from datetime import datetime

from setpoint.config import SetpointFile
from setpoint.domain.canary import approved, begun, held_up, paused, resumed
from setpoint.domain.course import Course
from setpoint.domain.evidence import Forecast
from setpoint.domain.fleet import Deployment
from setpoint.domain.rollout import Candidate, Rollout
from setpoint.domain.value import replace
from setpoint.domain.version import ModelVersion
from setpoint.errors import Conflict
from setpoint.loop.adopting import adopt
from setpoint.loop.changes import decided, find_rollout, settle, with_rollout
from setpoint.loop.moves import moved, on_its_way, served_since, stopped
from setpoint.loop.plan.rollouts import hindrance
from setpoint.loop.release import Progress
from setpoint.loop.setting_out import (
    asked_at_all,
    check_free,
    check_margins,
    check_only,
    check_window,
    foreseen,
    running,
    terms_of,
)
from setpoint.loop.tick import turn
from setpoint.loop.verbs import deploying
from setpoint.loop.verbs.operator import Operator
from setpoint.loop.verbs.stated import rolling


def start(
    operator: Operator, model: str, version: str, *, by: str, course: Course | None = None, anyway: bool = False
) -> Rollout:
    """Have traffic move to a version by steps, as the evidence allows; by default those of setpoint.yaml.

    `anyway`: also where it cannot end in time at the present traffic; then a person is asked at the end of it.

    Raises
    ------
    Conflict
        If another rollout is under way, a person has set shares, a freeze window holds, the version cannot answer
        the champion's requests, or the rollout cannot end in time.
    """
    ports, now = operator.ports, operator.clock.now()
    with ports.state.lease():
        ports.log.ingest()
        before = adopt(ports, ports.state.load(model))
        check_free(before, version)
        check_window(before, now)
        deploying.check_challenger(operator, model, version)
        schema, course = operator.schema(model), course or before.rolling.course()
        check_only(course.only, schema)
        check_margins(before.rolling.margins, course)
        candidate = Candidate(
            version=version, champion=before.served.champion, reason=f"a rollout that {by} began", created=now
        )
        terms = terms_of(ports, before, schema, now)
        refused = foreseen(ports, before, course, terms, now).refused
        if refused and not anyway and asked_at_all(ports, before, now):
            raise Conflict(f"{refused}; or begin it all the same with --anyway, and decide yourself at the end")
        rollout = begun(candidate, course, terms, by=by, now=now)
        after = settle(ports, before, moved(before, rollout, now, f"the rollout of {version} begins", by))
        after = served_since(after, operator.clock.now())
        ports.state.save(after)
        return find_rollout(after, version)


def deploy(
    operator: Operator, file: SetpointFile, *, by: str, progress: Progress = lambda step: None
) -> tuple[ModelVersion, Rollout]:
    """Make a version of the model that the file names, and have traffic move to it as the file says.

    Raises
    ------
    Conflict
        Before the long work, as far as it can be said then; see `start`.
    """
    state, model = operator.ports.state, file.model
    if model not in state.models():
        raise Conflict(f"{model} has no champion yet to share requests with; deploy it without a rollout")
    check_window(replace(state.load(model), rolling=rolling(file)), operator.clock.now())
    check_free(state.load(model), "")
    version = deploying.deploy(operator, file, share=0.0, by=by, progress=progress)
    with state.lease():
        state.save(replace(adopt(operator.ports, state.load(model)), rolling=rolling(file)))
        return version, start(operator, model, version.version, by=by)


def planned(operator: Operator, model: str, course: Course | None = None) -> Forecast:
    """Return how long a rollout that begins now would take at the present traffic."""
    ports, now = operator.ports, operator.clock.now()
    ports.log.ingest()
    deployment = ports.state.load(model)
    terms = terms_of(ports, deployment, operator.schema(model), now)
    return foreseen(ports, deployment, course or deployment.rolling.course(), terms, now)


def expected(operator: Operator, deployment: Deployment, rollout: Rollout) -> Forecast | None:
    """Return how long a rollout takes as a whole, at the present traffic; None where it goes by no steps."""
    moving = rollout.moving
    if moving is None or not rollout.running:
        return None
    return foreseen(operator.ports, deployment, moving.course, moving.terms, operator.clock.now())


def pause(operator: Operator, model: str, *, by: str) -> Rollout:
    """Keep a rollout where it is; the evidence may still send it back."""
    return _changed(operator, model, "pause", by, lambda rollout, now: paused(rollout, now, by=by))


def resume(operator: Operator, model: str, *, by: str) -> Rollout:
    """Let a paused rollout go on."""
    return _changed(operator, model, "resume", by, resumed)


def _changed(
    operator: Operator, model: str, verb: str, by: str, change: Callable[[Rollout, datetime], Rollout]
) -> Rollout:
    ports, now = operator.ports, operator.clock.now()
    with ports.state.lease():
        before = adopt(ports, ports.state.load(model))
        rollout = change(_on_its_way(before), now)
        after = with_rollout(before, rollout)
        ports.state.save(decided(after, now, "", rollout.candidate.version, verb, where(rollout), by))
        return rollout


def abort(operator: Operator, model: str, *, by: str) -> Rollout:
    """End a rollout, wherever it is: the champion answers alone again.

    Raises
    ------
    Conflict
        If none is under way.
    """
    ports, now = operator.ports, operator.clock.now()
    with ports.state.lease():
        before = adopt(ports, ports.state.load(model))
        rollout = running(before)
        if rollout is None:
            raise Conflict(f"no rollout of {model} is under way")
        after = settle(ports, before, stopped(before, rollout, now, by))
        return find_rollout(after, rollout.candidate.version)


def approve(operator: Operator, model: str, *, by: str, fast: bool = False) -> Deployment:
    """Let a rollout do what it waits for a person for; `fast`: promote it now, without the steps that are left.

    Nothing is promoted against the evidence, while it is paused, or in a freeze window.
    """
    ports, now = operator.ports, operator.clock.now()
    with ports.state.lease():
        ports.log.ingest()
        before = adopt(ports, ports.state.load(model))
        rollout = approved(_on_its_way(before), by=by, fast=fast)
        why = "without the steps that are left" if fast else "what it waits for"
        after = decided(with_rollout(before, rollout), now, "", rollout.candidate.version, "approve", why, by)
        ports.state.save(after)
        return turn(ports, after, now, operator.clock)


def waits_for(deployment: Deployment, rollout: Rollout, now: datetime) -> str:
    """Return what keeps a rollout where it is, whatever the evidence says; an empty text if nothing does."""
    if rollout.moving is None:
        return ""
    held = held_up(rollout.moving, hindrance(deployment, rollout.candidate.version, now))
    return held or rollout.moving.asked


def where(rollout: Rollout) -> str:
    """Say where a rollout is."""
    moving = rollout.moving
    if moving is None:
        return str(rollout.phase)
    at = f"step {moving.at + 1} of {len(moving.course.steps)}"
    return f"{at}, {100 * moving.step.share:.6g}%" if moving.step.share else f"{at}, shadow"


def _on_its_way(deployment: Deployment) -> Rollout:
    rollout = on_its_way(deployment)
    if rollout is None:
        other = running(deployment)
        said = f"; the candidate {other.candidate.version} is in phase {other.phase}" if other else ""
        raise Conflict(f"no rollout of {deployment.model} goes by steps now{said}")
    return rollout
