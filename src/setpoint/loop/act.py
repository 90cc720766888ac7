"""Act: carry out one action and return the deployment as it then stands. Doing an action twice does it once."""

from functools import singledispatch
from pathlib import Path

from setpoint.domain.fleet import Deployment, Release, Training
from setpoint.domain.incident import IncidentStatus
from setpoint.domain.live import Served, sharing
from setpoint.domain.records import Columns
from setpoint.domain.rollout import Phase, Rollout, advance, refitted, withdraw
from setpoint.domain.value import replace
from setpoint.errors import SetpointError
from setpoint.loop import actions as do
from setpoint.loop.candidates import gate, once_more, submit, unsound
from setpoint.loop.changes import (
    cause_of,
    decided,
    ending,
    find_incident,
    find_rollout,
    serve,
    with_incident,
    with_rollout,
)
from setpoint.loop.clear import in_clear, score
from setpoint.loop.columns import same_columns
from setpoint.loop.gating import look_at, trigger_of
from setpoint.loop.look import Look
from setpoint.loop.ports import Ports
from setpoint.loop.receipts import receipt_of
from setpoint.loop.release import read_binning
from setpoint.maintain.case import Case
from setpoint.maintain.investigate import investigate
from setpoint.update.trainers import usual


@singledispatch
def act(action: do.Action, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    """Carry out an action."""
    raise TypeError(f"no way to carry out {action!r}")


@act.register
def _(action: do.Investigate, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = find_incident(deployment, action.incident)
    releases = same_columns(ports, deployment)
    champion = releases[-1]
    healthy, suspect = look.healthy(deployment, incident.since), look.history.between(incident.since, None)
    if not look.unreadable:
        healthy, suspect = (in_clear(ports, deployment.model, rows) for rows in (healthy, suspect))
    case = Case(
        schema=look.champion.schema,
        binning=read_binning(ports.bundles.folder(deployment.model, champion.version)),
        healthy=healthy,
        suspect=suspect,
        champion=champion,
        previous=releases[-2] if len(releases) > 1 else None,
        maps=deployment.served.maps,
        unreadable=look.unreadable,
    )

    def ask(version: str, inputs: Columns) -> Columns:
        return score(ports, deployment.model, version, inputs)

    causes, repair = investigate(incident, case, ask)
    changed = replace(incident, investigated=look.now, causes=causes, repair=repair)
    if incident.causes and cause_of(incident) == cause_of(changed):
        return with_incident(deployment, changed)
    cause, subject = cause_of(changed)
    why = "; ".join(causes[0].evidence)
    told = f"most likely {cause} of {subject} (weight {causes[0].weight:.2f}): {why}"
    return decided(with_incident(deployment, changed, look.now, told), look.now, cause, subject, "locate", why)


@act.register
def _(action: do.Mend, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = find_incident(deployment, action.incident)
    repair = replace(action.repair, applied=look.now)
    served, releases, why = deployment.served, deployment.releases, action.why
    if repair.map is not None:
        served = replace(served, maps=(*(m for m in served.maps if m.feature != repair.map.feature), repair.map))
    if repair.to_version is not None:
        release = Release(version=repair.to_version, at=look.now, by=action.by, replaced=served.champion)
        why += ending(served)
        served, releases = Served(champion=repair.to_version, maps=served.maps), (*releases, release)
    changed = replace(incident, status=IncidentStatus.MENDING, repair=repair, acted_by=action.by)
    deployment = replace(serve(ports, deployment, served), releases=releases)
    told = f"{repair.remedy} by {action.by}: {why}"
    deployment = with_incident(deployment, changed, look.now, told)
    return decided(deployment, look.now, *cause_of(changed), "mend", f"{repair.remedy}: {why}", action.by)


@act.register
def _(action: do.Ask, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = replace(find_incident(deployment, action.incident), status=IncidentStatus.WAITING)
    deployment = with_incident(deployment, incident, look.now, f"waits for a person: {action.why}")
    return decided(deployment, look.now, *cause_of(incident), "ask", action.why)


@act.register
def _(action: do.AskToPromote, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    return decided(deployment, look.now, "concept", action.version, "ask", action.why)


@act.register
def _(action: do.Hold, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = find_incident(deployment, action.incident)
    assert incident.repair is not None
    repair = replace(incident.repair, loss_realised=action.loss)
    held = replace(incident, status=IncidentStatus.HELD, repair=repair)
    deployment = with_incident(deployment, held, look.now, f"recovered: {action.why}")
    return decided(deployment, look.now, *cause_of(held), "recovered", action.why)


@act.register
def _(action: do.Undo, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = find_incident(deployment, action.incident)
    repair = incident.repair
    assert repair is not None
    if repair.map is not None:
        kept = tuple(m for m in deployment.served.maps if m.id != repair.map.id)
        deployment = serve(ports, deployment, replace(deployment.served, maps=kept))
    ended = look.now if action.helped else None
    status = IncidentStatus.CLOSED if action.helped else IncidentStatus.OPEN
    changed = replace(
        incident,
        status=status,
        repair=replace(repair, lifted=look.now),
        closed=ended,
        investigated=look.now,
        approved_by=incident.approved_by if action.helped else "",
    )
    verb = "lift" if action.helped else "undo"
    deployment = with_incident(deployment, changed, look.now, f"{verb} {repair.remedy}: {action.why}")
    return decided(deployment, look.now, *cause_of(changed), verb, action.why)


@act.register
def _(action: do.Close, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = find_incident(deployment, action.incident)
    repair = incident.repair
    if repair is not None and action.loss is not None:
        repair = replace(repair, loss_realised=action.loss)
    closed = replace(incident, status=IncidentStatus.CLOSED, closed=look.now, repair=repair)
    deployment = with_incident(deployment, closed, look.now, f"closed: {action.why}")
    return decided(deployment, look.now, *cause_of(closed), "close", action.why)


@act.register
def _(action: do.Fit, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    plan = action.plan
    training = Training(
        job=action.job,
        parent=look.champion.version,
        reason=plan.reason,
        by=action.by,
        holdout_since=plan.holdout_since,
        until=plan.until,
        since=plan.since,
        method=deployment.updates.method or usual(Path(look.champion.artifact), deployment.train),
        window_rows=plan.window_rows,
        expected=plan.expected,
        trigger=trigger_of(deployment),
        submitted=False,
    )
    deployment = replace(deployment, training=training, last_fit=plan.until)
    return decided(deployment, look.now, "concept", "quality", "fit", plan.reason, action.by)


@act.register
def _(action: do.Submit, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    training = deployment.training
    assert training is not None
    try:
        submit(ports, deployment, training)
    except SetpointError as e:  # nothing to learn from: another look will not change it
        return _failed(replace(deployment, training=None), training, look, str(e))
    return replace(deployment, training=replace(training, submitted=True))


def _failed(deployment: Deployment, training: Training, look: Look, why: str) -> Deployment:
    return decided(deployment, look.now, "concept", "quality", "training failed", why, training.by)


@act.register
def _(action: do.Gate, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    training, fit = deployment.training, look.fit
    assert training is not None
    assert fit is not None
    deployment = replace(deployment, training=None)
    if fit.version is None:
        return _failed(deployment, training, look, fit.error or "")
    return _after_gate(gate(ports, deployment, look, training, fit.version, fit.seconds), ports, deployment, look)


@act.register
def _(action: do.GateAgain, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    waiting = find_rollout(deployment, action.version)
    return _after_gate(look_at(ports, deployment, waiting, until=look.now, now=look.now), ports, deployment, look)


def _after_gate(rollout: Rollout, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    version, verdict = rollout.candidate.version, rollout.candidate.gate
    assert verdict is not None
    deployment, why = with_rollout(deployment, rollout), "; ".join(verdict.checks)
    if rollout.phase is Phase.GATE:
        return decided(deployment, look.now, "concept", version, "wait", f"at the gate: {why}")
    if rollout.phase is not Phase.REFIT:
        return decided(deployment, look.now, "concept", version, "reject", f"at the gate: {why}")
    again = once_more(ports, deployment, rollout, look)
    deployment = replace(deployment, training=again, last_fit=again.until)
    return decided(deployment, look.now, "concept", version, "refit", f"at the gate: {why}")


@act.register
def _(action: do.Shadow, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    training, fit = deployment.training, look.fit
    assert training is not None
    assert fit is not None
    deployment = replace(deployment, training=None)
    proven = find_rollout(deployment, training.repeats)
    if not proven.running:  # rejected meanwhile, for another champion came
        return deployment
    wrong = (
        f"the second training failed: {fit.error}"
        if fit.version is None
        else unsound(ports, deployment, look, proven, fit.version)
    )
    if wrong or fit.version is None:
        deployment = with_rollout(deployment, withdraw(proven, look.now))
        return decided(deployment, look.now, "concept", proven.candidate.version, "reject", wrong)
    version = fit.version
    others = tuple(r for r in deployment.rollouts if r.candidate.version != proven.candidate.version)
    rollout = refitted(proven, version, until=training.until, seconds=fit.seconds, now=look.now)
    deployment = replace(deployment, rollouts=(*others, rollout))
    # a person may have given it a share as soon as it was stored
    deployment = serve(ports, deployment, replace(sharing(deployment.served, {version: 0}), shadow=version))
    why = f"the training of {proven.candidate.version}, which passed the gate, once more on all rows up to {training.until:%Y-%m-%d %H:%M}"
    return decided(deployment, look.now, "concept", version, "shadow", why)


@act.register
def _(action: do.Reject, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    rollout = withdraw(find_rollout(deployment, action.version), look.now)
    served = deployment.served
    if served.shadow == action.version:
        served = replace(served, shadow=None)
    deployment = with_rollout(serve(ports, deployment, served), rollout)
    return decided(deployment, look.now, "concept", action.version, "reject", action.why)


@act.register
def _(action: do.Promote, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    proven = find_rollout(deployment, action.version)
    assert proven.shadow is not None
    rollout = advance(proven, proven.shadow, look.now)
    why = action.why + ending(deployment.served)
    served = Served(champion=action.version, maps=deployment.served.maps)
    release = Release(version=action.version, at=look.now, by=action.by, replaced=deployment.served.champion)
    deployment = with_rollout(serve(ports, deployment, served), rollout)
    deployment = replace(deployment, releases=(*deployment.releases, release))
    return decided(deployment, look.now, "concept", action.version, "promote", why, action.by)


@act.register
def _(action: do.Receipt, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    rollout = find_rollout(deployment, action.version)
    receipt, words = receipt_of(ports, deployment, look, rollout)
    deployment = with_rollout(deployment, replace(rollout, receipt=receipt))
    return decided(deployment, look.now, "concept", action.version, "receipt", words)
