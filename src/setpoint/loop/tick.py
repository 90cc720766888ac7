"""Look once, decide, act: one turn of the loop. Safe to run again after a crash."""

from datetime import datetime

from setpoint.domain.fleet import Decided, Deployment
from setpoint.domain.incident import IncidentStatus
from setpoint.domain.reliability import passed
from setpoint.domain.value import replace
from setpoint.errors import Corrupt, Unsafe, Unusable
from setpoint.loop.actions import Action, Mend, Promote, Step
from setpoint.loop.acts import act
from setpoint.loop.adopting import adopt
from setpoint.loop.advising import advice_of, advised
from setpoint.loop.blindness import blinded
from setpoint.loop.changes import serve, settle, with_rollout
from setpoint.loop.harming import with_harm
from setpoint.loop.learning.candidates import judge_rollout
from setpoint.loop.looks.exposure import judged
from setpoint.loop.looks.look import Look, take_look
from setpoint.loop.moves import gone_back, in_shadow, on_its_way, served_since
from setpoint.loop.plan import plan
from setpoint.loop.ports import Ports
from setpoint.loop.retention import due, expire
from setpoint.loop.taking import taken_back
from setpoint.maintain.stopped import with_stopped
from setpoint.maintain.triage import triage
from setpoint.ports import Clock

MOST_ACTIONS = 50  # in one turn; more means that two of them undo each other
REFUSALS = (Corrupt, Unsafe, Unusable)
CANNOT = "it cannot be served"


def tick(ports: Ports, clock: Clock) -> tuple[Decided, ...]:
    """Ingest, then look at every model, decide and act; return what was decided.

    All look at the time at which the state is held: what others did to it, while this waited for them, lies before. A
    model whose turn fails does not keep the others from theirs; the failure is raised when all had one. That it failed
    is written down, for people to be told.
    """
    with ports.state.lease():
        now = clock.now()
        try:
            ports.log.ingest()
        except Exception as e:
            for model in ports.state.models():
                _write_down(ports, model, now, e)
            raise
        decisions: list[Decided] = []
        failures: list[Exception] = []
        for model in ports.state.models():
            try:
                decisions += _decided(ports, model, now, clock)
            except Exception as e:  # raised below
                e.add_note(f"in the turn of {model}")
                _write_down(ports, model, now, e)
                failures.append(e)
            try:  # after the look, and also where that failed: neither keeps the other from its work
                decisions += _expired(ports, model, now)
            except Exception as e:  # raised below
                e.add_note(f"at the deletion of old records of {model}")
                failures.append(e)
        if failures:
            raise failures[0] if len(failures) == 1 else ExceptionGroup("several turns or deletions failed", failures)
        return tuple(decisions)


def _write_down(ports: Ports, model: str, now: datetime, error: Exception) -> None:
    """Store that a look failed; where the state cannot be reached either, the error says so."""
    try:
        ports.state.save(blinded(ports.state.load(model), now, error))
    except Exception as e:  # the first error is the one to be raised
        error.add_note(f"that it failed could not be written down: {type(e).__name__}")


def _decided(ports: Ports, model: str, now: datetime, clock: Clock) -> tuple[Decided, ...]:
    before = ports.state.load(model)
    if before.looked is not None and now <= before.looked:
        return ()
    return turn(ports, before, now, clock).decisions[len(before.decisions) :]


def _expired(ports: Ports, model: str, now: datetime) -> tuple[Decided, ...]:
    before = ports.state.load(model)
    return expire(ports, before, now).decisions[len(before.decisions) :] if due(before, now) else ()


def turn(ports: Ports, deployment: Deployment, now: datetime, clock: Clock) -> Deployment:
    """Look at one model, decide and act until nothing is left to do; each action is stored as it is done.

    What is decided is decided as of `now`; the clock says how much later the workers do it. Where that is not written
    down before the process is stopped, the next turn takes the time that it finds them at.
    """
    deployment = adopt(ports, deployment)
    known = deployment = served_since(made_good(ports, deployment, now), clock.now())
    look = take_look(ports, deployment, now, audits=True)
    deployment = noted(deployment, look)
    for _ in range(MOST_ACTIONS):
        action = plan(deployment, look)
        if action is None:
            break
        known = deployment = served_since(_done(action, ports, known, deployment, look), clock.now())
    else:
        raise RuntimeError(f"the plan for {deployment.model} did not come to rest in {MOST_ACTIONS} actions: {action}")
    deployment = replace(deployment, looked=now, blind=None)
    ports.state.save(deployment)
    return deployment


def made_good(ports: Ports, deployment: Deployment, now: datetime) -> Deployment:
    """Have served what the state says: a process that was stopped may have written down what it could not do any more.

    A candidate that the workers refuse goes back, and so does a repair that is not proven yet.
    """
    try:
        serve(ports, deployment)
    except REFUSALS as e:
        why = f"{CANNOT}: {e}"
        if (rollout := on_its_way(deployment)) is not None:
            return settle(ports, deployment, gone_back(deployment, rollout.candidate.version, now, why))
        if (incident := _newest_mending(deployment)) is not None:
            return settle(ports, deployment, taken_back(deployment, incident, now, why, helped=False))
        raise
    return deployment


def _newest_mending(deployment: Deployment) -> str | None:
    """Return the incident whose repair was put in place last and is not proven yet."""
    found = [
        (i.repair.applied, i.id)
        for i in deployment.incidents
        if i.status is IncidentStatus.MENDING and i.repair is not None and i.repair.applied is not None
    ]
    return max(found)[1] if found else None


def _done(action: Action, ports: Ports, known: Deployment, deployment: Deployment, look: Look) -> Deployment:
    """Carry out an action, and have it served; a candidate or a repair that the workers refuse goes back."""
    try:
        return settle(ports, known, act(action, ports, deployment, look))
    except REFUSALS as e:
        if isinstance(action, Mend):
            put = act(action, ports, deployment, look)
            return settle(ports, known, taken_back(put, action.incident, look.now, f"{CANNOT}: {e}", helped=False))
        if not isinstance(action, Step | Promote) or (rollout := on_its_way(deployment)) is None:
            raise
        return settle(ports, known, gone_back(deployment, rollout.candidate.version, look.now, f"{CANNOT}: {e}"))


def noted(deployment: Deployment, look: Look) -> Deployment:
    """Return the deployment with what was seen: findings, standings, estimates, incidents, the shadow's verdict."""
    incidents = triage(
        deployment.incidents, look.findings, look.now, model=deployment.model, version=deployment.served.champion
    )
    opened = [i for i in incidents if i.id not in {known.id for known in deployment.incidents}]
    said = tuple(
        Decided(at=look.now, cause="unknown", subject=i.subject, action="open", why=i.findings[-1].detail)
        for i in opened
    )
    deployment = replace(
        deployment,
        findings=look.findings,
        study=look.study,
        standings=look.standings,
        estimates=look.estimates,
        ledger=look.ledger,
        rehearsal=look.rehearsal,
        answers=look.answers,
        audits=look.audits,
        unanswered=look.unanswered,
        delivered=look.delivered,
        incidents=with_stopped(with_harm(incidents, deployment, look), look.reports),
        days=passed(deployment.days, look.standings, deployment.looked, look.now),
        decisions=(*deployment.decisions, *said),
    )
    if look.prospect is not None:
        deployment = replace(deployment, advised=advised(advice_of(deployment, look), look))
    if look.exposed is not None and (moving := on_its_way(deployment)) is not None:
        return with_rollout(deployment, judged(moving, look.exposed, look.now))
    rollout = in_shadow(deployment)
    if rollout is None:
        return deployment
    return with_rollout(deployment, replace(rollout, shadow=judge_rollout(rollout, deployment, look)))
