"""What is done to make new versions, prove them, and have them serve."""

from datetime import datetime

from setpoint.domain.canary import asking, on_course, promoted, stepped, without
from setpoint.domain.envelope import LOOP
from setpoint.domain.fleet import Deployment, Release, Training
from setpoint.domain.incident import IncidentStatus, Remedy
from setpoint.domain.live import alone
from setpoint.domain.records import moment
from setpoint.domain.rollout import Phase, Rollout, advance, refitted, withdraw
from setpoint.domain.value import replace
from setpoint.errors import SetpointError
from setpoint.loop import actions as do
from setpoint.loop.acts.base import act
from setpoint.loop.changes import (
    decided,
    ending,
    find_rollout,
    with_champion,
    with_incident,
    with_rollout,
)
from setpoint.loop.history import evidence, method_of
from setpoint.loop.learning.born import line_rows
from setpoint.loop.learning.candidates import gate, once_more, proven, submit, unsound
from setpoint.loop.learning.gating import look_at, trigger_of
from setpoint.loop.learning.receipts import receipt_of
from setpoint.loop.learning.windows import EVERY_ROW, differs, window_for
from setpoint.loop.looks.look import Look
from setpoint.loop.moves import gone_back, moved
from setpoint.loop.ports import Ports
from setpoint.loop.setting_out import course_of_the_loop, terms_of
from setpoint.update.window import in_words

CANCELLED = "the training was cancelled"


@act.register
def _(action: do.Fit, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    plan = action.plan
    method = method_of(plan, deployment, look.champion)
    rows, contest = window_for(deployment, method, look.unlearnt.between(plan.holdout_since, None))
    training = Training(
        job=action.job,
        parent=look.champion.version,
        reason=plan.reason,
        by=action.by,
        holdout_since=plan.holdout_since,
        until=plan.until,
        since=plan.since,
        method=method,
        window_rows=rows,
        contest=contest,
        expected=plan.expected,
        trigger=trigger_of(look.to_train_for(deployment)),
        submitted=False,
        line=plan.line,
        proof=plan.proof,
        lined_rows=line_rows(look.champion, method),
        frontier=deployment.last_fit,
        learnt_until=deployment.learnt_until,
    )
    deployment = replace(deployment, training=training)
    if plan.line is None:  # a line learns nothing that a training would not
        deployment = replace(deployment, last_fit=plan.until, learnt_until=_newest(deployment, look))
    facts = {"method": str(training.method)}
    deployment = spent(deployment, action.by, look.now)
    return decided(deployment, look.now, "concept", "quality", "fit", plan.reason, action.by, facts=facts)


def _newest(deployment: Deployment, look: Look) -> datetime | None:
    """Return the event time of the newest row that a training which begins now may learn, or be judged on."""
    return moment(look.unlearnt.time[-1]) if len(look.unlearnt) else deployment.learnt_until


def spent(deployment: Deployment, by: str, now: datetime) -> Deployment:
    """Return the deployment after a training that a person allowed: the next one is asked for again."""
    for incident in deployment.incidents:
        wanted = incident.repair is not None and incident.repair.remedy is Remedy.RETRAIN
        if incident.live and incident.approved_by and wanted:
            used = replace(incident, approved_by="", status=IncidentStatus.OPEN)
            said = f"a training begins, as {by} allowed; another one needs a new approval"
            deployment = with_incident(deployment, used, now, said, by=by)
    return deployment


@act.register
def _(action: do.Submit, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    training = deployment.training
    assert training is not None
    try:
        submit(ports, deployment, training)
    except SetpointError as e:  # nothing to learn from: another look will not change it
        return _failed(deployment, training, look, str(e))
    return replace(deployment, training=replace(training, submitted=True))


def _failed(deployment: Deployment, training: Training, look: Look, why: str) -> Deployment:
    """End a training without a version, and the rollout that needed it."""
    deployment = _unused(replace(deployment, training=None), training)
    if training.repeats and (passed := find_rollout(deployment, training.repeats)).running:
        deployment = with_rollout(deployment, withdraw(passed, look.now))
    ended = "cancelled" if why.startswith(CANCELLED) else "failed"
    return decided(deployment, look.now, "concept", "quality", f"training {ended}", why, training.by)


def _unused(deployment: Deployment, training: Training) -> Deployment:
    """Return the deployment with the rows of a training that came to nothing as new as they were before it."""
    if training.line is not None or training.without is not None:  # it has used none
        return deployment
    return replace(deployment, last_fit=training.frontier, learnt_until=training.learnt_until, tried=training.until)


@act.register
def _(action: do.Gate, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    training, fit = deployment.training, look.fit
    assert training is not None
    assert fit is not None
    error = fit.error or ""
    version = fit.version or ("" if error.startswith(CANCELLED) else training.rival)  # a rival that failed has lost
    if not version:
        return _failed(deployment, training, look, error)
    if training.contest and not training.rival and differs(ports, deployment.model, version):
        return _on_all_rows(deployment, training, version, fit.seconds, look)
    deployment = replace(deployment, training=None)
    if training.proof is not None:
        rollout = proven(training, version, fit.seconds, look.now)
        why = "; ".join(training.proof.checks)
        return decided(with_rollout(deployment, rollout), look.now, "concept", version, "proven", why)
    rollout = gate(ports, deployment, look, training, fit)
    if found := rollout.candidate.contest:
        why = f"{in_words(found)}, so it is judged"
        deployment = decided(deployment, look.now, "concept", rollout.candidate.version, "window", why)
    return _after_gate(rollout, ports, deployment, look)


def _on_all_rows(deployment: Deployment, training: Training, version: str, seconds: float, look: Look) -> Deployment:
    """Train the rival of a candidate that learnt the latest rows, to see which rows serve better."""
    rival = replace(
        training, job=f"{training.job}-all", window_rows=EVERY_ROW, rival=version, rival_s=seconds, submitted=False
    )
    why = f"{version} learnt the latest rows; another one learns from all of them, and the better one is judged"
    return decided(replace(deployment, training=rival), look.now, "concept", version, "contest", why)


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
    newest = _newest(deployment, look)
    deployment = replace(deployment, training=again, last_fit=again.until, learnt_until=newest)
    return decided(deployment, look.now, "concept", version, "refit", f"at the gate: {why}")


@act.register
def _(action: do.Shadow, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    training, fit = deployment.training, look.fit
    assert training is not None
    assert fit is not None
    passed = find_rollout(deployment, training.repeats)
    if fit.version is None or not passed.running:  # it failed, or another champion came meanwhile
        return _failed(deployment, training, look, fit.error or f"{fit.version} is not needed any more")
    if wrong := unsound(ports, deployment, look, passed, fit.version):
        return _failed(deployment, training, look, wrong)
    rollout = refitted(passed, fit.version, until=training.until, seconds=fit.seconds, now=look.now)
    others = tuple(r for r in deployment.rollouts if r.candidate.version != passed.candidate.version)
    # a person may have given it a share as soon as it was stored
    if deployment.rolling.steps:
        rollout = _set_out(ports, deployment, rollout, look)
    served = replace(without(deployment.served, fit.version), shadow=fit.version)
    deployment = replace(deployment, training=None, rollouts=(*others, rollout))
    until = f"{training.until:%Y-%m-%d %H:%M}"
    why = f"trained like {passed.candidate.version}, which passed the gate, on all rows up to {until}"
    return decided(replace(deployment, served=served), look.now, "concept", fit.version, "shadow", why)


@act.register
def _(action: do.Reject, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    return gone_back(deployment, action.version, look.now, action.why)


@act.register
def _(action: do.Begin, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    rollout = _set_out(ports, deployment, find_rollout(deployment, action.version), look)
    return moved(deployment, rollout, look.now, "proven, it sets out on its course")


def _set_out(ports: Ports, deployment: Deployment, rollout: Rollout, look: Look) -> Rollout:
    """Have a candidate of the loop set out on the course that setpoint.yaml gives, in its shadow."""
    terms = terms_of(ports, deployment, look.champion.schema, look.now)
    return on_course(rollout, course_of_the_loop(deployment.rolling), terms, by=LOOP, now=look.now)


@act.register
def _(action: do.Step, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    rollout = stepped(find_rollout(deployment, action.version), look.now)
    return moved(deployment, rollout, look.now, action.why)


@act.register
def _(action: do.Promote, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    waiting = find_rollout(deployment, action.version)
    rollout, facts = _promoted(waiting, look), evidence(waiting, deployment)
    why = action.why + ending(without(deployment.served, action.version))
    served = alone(deployment.served, action.version)
    release = Release(version=action.version, at=look.now, by=action.by, replaced=deployment.served.champion)
    deployment = with_rollout(deployment, rollout)
    deployment = with_champion(deployment, served, release)
    return decided(deployment, look.now, "concept", action.version, "promote", why, action.by, facts=facts)


def _promoted(waiting: Rollout, look: Look) -> Rollout:
    if waiting.moving is not None:
        return promoted(waiting, look.now)
    verdict = waiting.shadow or waiting.candidate.gate
    assert verdict is not None
    return advance(waiting, verdict, look.now)


@act.register
def _(action: do.Restore, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    why = action.why + ending(deployment.served)
    served = alone(deployment.served, action.version)
    release = Release(version=action.version, at=look.now, by=action.by, replaced=deployment.served.champion)
    deployment = with_champion(deployment, served, release)
    return decided(deployment, look.now, "concept", action.version, "restore", why, action.by)


@act.register
def _(action: do.Receipt, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    rollout = find_rollout(deployment, action.version)
    receipt, words = receipt_of(ports, deployment, look, rollout)
    deployment = with_rollout(deployment, replace(rollout, receipt=receipt))
    return decided(deployment, look.now, "concept", action.version, "receipt", words)


@act.register
def _(action: do.AskToPromote, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    rollout = find_rollout(deployment, action.version)
    if rollout.moving is not None:
        deployment = with_rollout(deployment, asking(rollout, action.why))
    return decided(deployment, look.now, "concept", action.version, "ask", action.why)
