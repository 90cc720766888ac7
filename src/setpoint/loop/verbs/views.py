"""Views of a deployment for people and other programs; they change nothing. Keys are promises."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from setpoint.domain.feature_map import words
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident
from setpoint.domain.notice import Silence
from setpoint.domain.owner import Owners, responsible_for
from setpoint.domain.reliability import Reliability
from setpoint.domain.rollout import Rollout
from setpoint.domain.value import replace
from setpoint.domain.version import ModelVersion
from setpoint.domain.wealth import Evidence
from setpoint.loop.record.story import Story
from setpoint.monitor.overview.plain import estimate_view

NOBODY = Owners()


def deploy_view(version: ModelVersion) -> dict[str, Any]:
    """Return what `deploy --json` prints."""
    return {
        "model": version.model,
        "version": version.version,
        "runtime": version.runtime,
        "candidates": [msgspec.to_builtins(v) for v in version.variants],
        "reference_metrics": version.reference_metrics,
        "kept_from": version.lineage.kept_from,
    }


def status_view(deployments: Sequence[Deployment], under_way: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what `status --json` prints; `under_way` is how far trainings are, by model (see `progress_view`)."""
    told = under_way or {}
    return {"deployments": [{**_deployment(d), "training_progress": told.get(d.model)} for d in deployments]}


def _deployment(d: Deployment) -> dict[str, Any]:
    standings = {s.objective: s for s in d.standings}
    estimates = {e.objective: e for e in d.estimates}
    return {
        "model": d.model,
        "champion": d.served.champion,
        "challenger": max(d.served.shares, key=d.served.shares.__getitem__, default=d.served.shadow),
        "shadow": d.served.shadow,
        "shares": {d.served.champion: d.served.rest, **d.served.shares},
        "objectives": [
            {
                "metric": o.metric,
                "name": o.name,
                "target": o.target,
                "value": s.value if (s := standings.get(o)) else None,
                "at_set_point": s.at_set_point if s else None,
                "rows": s.rows if s else 0,
                "budget_left": s.budget_left if s else None,
                "why": s.why if s else "",
                "estimate": estimate_view(estimates[o]) if o in estimates else None,
            }
            for o in d.objectives
        ],
        "incidents_open": sum(i.live for i in d.incidents),
        "repairs": [{**msgspec.to_builtins(m), "words": words(m)} for m in d.served.maps],
        "training": d.training.job if d.training else None,
        "way_back": msgspec.to_builtins(d.rehearsal) if d.rehearsal else None,
        "looked": d.looked.isoformat() if d.looked else None,
        "watched_since": d.releases[0].at.isoformat() if d.releases else None,
        "blind": msgspec.to_builtins(d.blind) if d.blind else None,
        "undeleted": msgspec.to_builtins(d.undeleted) if d.undeleted else None,
        "alerts": {
            "waiting": len(d.telling.outbox),
            "channels": [{**msgspec.to_builtins(c), "failing": c.failing} for c in d.telling.channels],
        },
    }


def incident_view(incident: Incident, owners: Owners = NOBODY) -> dict[str, Any]:
    """Return one entry of what `incidents --json` prints."""
    who = responsible_for(incident, owners)
    return {
        "id": incident.id,
        "model": incident.model,
        "status": str(incident.status),
        "subject": incident.subject,
        "since": incident.since.isoformat(),
        "opened": incident.opened.isoformat(),
        "closed": incident.closed.isoformat() if incident.closed else None,
        "causes": [msgspec.to_builtins(c) for c in incident.causes],
        "remedy": str(incident.repair.remedy) if incident.repair else None,
        "repair": msgspec.to_builtins(incident.repair),
        "acted_by": incident.acted_by,
        "taken_by": incident.taken_by,
        "acknowledged_by": incident.acknowledged_by,
        "approved_by": incident.approved_by,
        "handled_by": incident.handled_by,
        "refused": [msgspec.to_builtins(r) for r in incident.refused],
        "began": [when.isoformat() for when in incident.began] if incident.began else None,
        "located": incident.located.isoformat() if incident.located else None,
        "recovered": incident.recovered.isoformat() if incident.recovered else None,
        "harm": msgspec.to_builtins(incident.harm),
        "examples": list(incident.examples),
        "owner": who.name,
        "source": who.source,
        "runbook": who.runbook,
        "timeline": [e.line for e in incident.timeline],
        "events": [msgspec.to_builtins(e) for e in incident.timeline],
        "rankings": [msgspec.to_builtins(r) for r in incident.rankings],
    }


def story_view(story: Story) -> dict[str, Any]:
    """Return what `incident --json` prints: the incident with what the log says around it."""
    course, shape = story.course, story.shape
    return {
        **incident_view(story.incident),
        "owner": story.responsible.name,
        "source": story.responsible.source,
        "runbook": story.responsible.runbook,
        "regained": story.incident.regained,
        "as_of": story.as_of.isoformat(),
        "until": story.until.isoformat(),
        "versions": list(story.versions),
        "places": [msgspec.to_builtins(p) for p in story.places],
        "course": {
            "metric": course.metric,
            "starts": [at.isoformat() for at in course.starts],
            "every_s": course.every.total_seconds(),
            "loss": list(course.loss),
        }
        if course
        else None,
        "shape": msgspec.to_builtins(shape),
        "findings": [msgspec.to_builtins(f) for f in story.incident.findings],
    }


def reliability_view(found: Reliability) -> dict[str, Any]:
    """Return one entry of what `reliability --json` prints."""
    builtins: dict[str, Any] = msgspec.to_builtins(found)
    return builtins


def silence_view(silence: Silence) -> dict[str, Any]:
    """Return one entry of what `incidents silences --json` prints."""
    builtins: dict[str, Any] = msgspec.to_builtins(silence)
    return builtins


def silences_in_force(deployments: Sequence[Deployment], now: datetime) -> list[Silence]:
    """Return the silences of all, those of one model together."""
    return [s for d in deployments for s in d.telling.silences if s.holds(now)]


def receipt_view(rollout: Rollout) -> dict[str, Any]:
    """Return one entry of what `update receipts --json` prints."""
    candidate, receipt = rollout.candidate, rollout.receipt
    return {
        "version": candidate.version,
        "champion": candidate.champion,
        "method": str(candidate.method),
        "phase": str(rollout.phase),
        "ended": rollout.ended.isoformat() if rollout.ended else None,
        "expected": msgspec.to_builtins(candidate.expected),
        "gate": candidate.gate.gain if candidate.gate else None,
        "realised": msgspec.to_builtins(receipt.realised) if receipt and receipt.realised.rows else None,
        "loss": receipt.loss if receipt else None,
        "alternatives": receipt.alternatives if receipt else {},
        "regret": receipt.regret if receipt else None,
        "seconds": candidate.seconds,
    }


def rollout_view(rollout: Rollout) -> dict[str, Any]:
    """Return one entry of what `rollout --json` prints."""
    receipt = rollout.receipt
    moving = rollout.moving and replace(rollout.moving, evidence=Evidence())  # its sums tell people nothing
    return {
        "version": rollout.candidate.version,
        **msgspec.to_builtins(replace(rollout, moving=moving)),
        "realised_gain": rollout.realised_gain,
        "regret": receipt.regret if receipt else None,
    }


def standing_view(rollout: Rollout) -> dict[str, Any]:
    """Return where a rollout by steps is, and what the evidence says."""
    moving, candidate = rollout.moving, rollout.candidate
    view = {"version": candidate.version, "champion": candidate.champion, "phase": str(rollout.phase)}
    return (
        view
        if moving is None
        else {
            **view,
            "step": moving.at + 1,
            "share": moving.step.share if rollout.running else None,
            "steps": [msgspec.to_builtins(step) for step in moving.course.steps],
            "only": msgspec.to_builtins(moving.course.only),
            "began_by": moving.by,
            "starts": [start.isoformat() for start in moving.starts],
            "requests": moving.requests,
            "paused_by": moving.paused_by,
            "asked": moving.asked,
            "approved_by": rollout.approved_by,
            "ended": rollout.ended.isoformat() if rollout.ended else None,
            "evidence": msgspec.to_builtins(moving.judged),
        }
    )
