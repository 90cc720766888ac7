"""What was changed, read out of the decisions: what an envelope is held against, before and afterwards."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from setpoint.domain.bounds import Breach, breaches
from setpoint.domain.envelope import LOOP, Change, Fact, Kind
from setpoint.domain.fleet import Decided, Deployment
from setpoint.domain.rollout import Decision, Moving, Rollout
from setpoint.domain.update import Method
from setpoint.domain.version import ModelVersion
from setpoint.update.trainers import usual
from setpoint.update.when import FitPlan

LABELLED = ("quality", "value")  # evidence that needs outcomes
KINDS = {"fit": Kind.RETRAIN, "promote": Kind.PROMOTE, "restore": Kind.ROLLBACK, "share": Kind.SHARE}


def changes_of(decisions: Sequence[Decided]) -> tuple[Change, ...]:
    """Return the changes among decisions, in their order."""
    found = (change_of(d) for d in decisions)
    return tuple(change for change in found if change is not None)


def change_of(decided: Decided) -> Change | None:
    """Return a decision as a change; None where it changed nothing that an envelope bounds, or took something back."""
    named = {str(kind): kind for kind in Kind}
    kind = named.get(decided.why.partition(":")[0]) if decided.action == "mend" else KINDS.get(decided.action)
    if kind is None or (kind is Kind.SHARE and is_less(decided.facts)):
        return None
    by = str(decided.facts.get("course_of", decided.by))
    return Change(at=decided.at, kind=kind, subject=decided.subject, by=by, facts=decided.facts)


def is_less(facts: dict[str, Fact]) -> bool:
    """Whether a step takes requests away from a version."""
    return "share" in facts and float(facts["share"]) <= float(facts.get("from", 0.0))


def training(plan: FitPlan, deployment: Deployment, champion: ModelVersion, now: datetime, by: str = LOOP) -> Change:
    """Return a training that is to be started as a change."""
    method = method_of(plan, deployment, champion)
    return Change(at=now, kind=Kind.RETRAIN, subject="quality", by=by, facts={"method": str(method)})


def method_of(plan: FitPlan, deployment: Deployment, champion: ModelVersion) -> Method:
    """Return how a training is made: as asked, as setpoint.yaml says, or as is usual."""
    if plan.line:
        return Method.RECALIBRATE
    return plan.method or deployment.updates.method or usual(Path(champion.artifact), deployment.train)


def promotion(rollout: Rollout, deployment: Deployment, now: datetime, by: str = LOOP) -> Change:
    """Return a promotion that is to be made as a change, with the evidence for it."""
    version = rollout.candidate.version
    return Change(at=now, kind=Kind.PROMOTE, subject=version, by=by, facts=evidence(rollout, deployment))


def next_step(rollout: Rollout, deployment: Deployment, now: datetime) -> Change:
    """Return the step that a rollout on its course takes next as a change."""
    assert rollout.moving is not None
    to = rollout.moving.course.steps[rollout.moving.at + 1].share
    facts = step_facts(rollout, deployment.served.shares.get(rollout.candidate.version, 0.0), to)
    return Change(at=now, kind=Kind.SHARE, subject=rollout.candidate.version, by=str(facts["course_of"]), facts=facts)


def step_facts(rollout: Rollout, before: float, share: float) -> dict[str, Fact]:
    """Return what a step is judged by. A course that a person began, or approved, is theirs with all its steps."""
    assert rollout.moving is not None
    return {"from": before, "share": share, "course_of": rollout.approved_by or rollout.moving.by}


def evidence(rollout: Rollout, deployment: Deployment) -> dict[str, Fact]:
    """Return what speaks for a promotion: the verdicts of gate and shadow, and what the version answers already."""
    gate, shadow = rollout.candidate.gate, rollout.shadow
    judged = shadow if shadow is not None and shadow.rows else gate
    facts: dict[str, Fact] = {
        "gate": str(gate.decision) if gate else "",
        "gate_rows": gate.rows if gate else 0,
        "shadow": str(shadow.decision if shadow else Decision.WAIT) if rollout.shadow_since else "",
        "shadow_rows": shadow.rows if shadow else 0,
        "gain": judged.gain if judged else 0.0,
        "champion_loss": judged.champion_loss if judged else 0.0,
        "from": deployment.served.shares.get(rollout.candidate.version, 0.0),
    }
    return facts if rollout.moving is None else {**facts, **_on_course(rollout.moving)}


def _on_course(moving: Moving) -> dict[str, Fact]:
    """Return what speaks for a version at the end of its course: who began it, and the evidence with outcomes."""
    streams = moving.judged.streams if moving.judged else ()
    labelled = [s.rows for s in streams if s.metric in LABELLED and not s.segment]
    says = str(moving.judged.says) if moving.judged else ""
    return {"begun_by": moving.by, "shadow": says, "shadow_rows": max(labelled, default=0)}


def outside(change: Change, deployment: Deployment) -> tuple[Breach, ...]:
    """Return what the envelope does not have of a change that would be made now."""
    return breaches(deployment.envelope, change, changes_of(deployment.decisions))
