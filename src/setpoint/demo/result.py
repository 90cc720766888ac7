"""What the demo claims, and whether it is so."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from setpoint.demo.run import Ran
from setpoint.demo.stream import TARGET
from setpoint.domain.incident import Cause, Incident, Remedy
from setpoint.domain.rollout import Phase, Rollout
from setpoint.loop.verbs.views import incident_view

BETTER_BY = 0.25
MENDED_WITHIN = timedelta(days=14)


def result_of(ran: Ran) -> dict[str, Any]:
    """Return the content of result.json; `checks` says of each claim whether it is so."""
    mae = {name: _mae(ran, scores) for name, scores in _answers(ran).items()}
    recorded = pd.Series(ran.recorded_ids).value_counts()
    once = int((recorded.reindex(ran.stream["id"]) == 1).sum())
    planted = [
        _planted(ran, "unit change of temp", ran.plan.unit_since, ran.plan.unit_until, Cause.UNIT, Remedy.INVERSE_MAP),
        _planted(ran, "bad release", ran.plan.release_at, None, Cause.RELEASE, Remedy.ROLLBACK),
    ]
    others = [i for i in ran.deployment.incidents if i.id not in {p["incident"] for p in planted}]
    result = {
        "seed": ran.seed,
        "seconds": round(ran.seconds, 1),
        "requests": {
            "sent": ran.sent,
            "failed": ran.failed,
            "recorded": once,
            "unrecorded": len(ran.stream) - once,
        },
        "mae": {name: round(value, 2) for name, value in mae.items()},
        "planted": planted,
        "incidents": [incident_view(i) for i in ran.deployment.incidents],
        "other_incidents": [i.id for i in others],
        "rollouts": [_rollout(r) for r in ran.deployment.rollouts],
        "windows": _windows(ran),
        "decisions": [
            {
                "at": d.at.isoformat(),
                "cause": d.cause,
                "subject": d.subject,
                "action": d.action,
                "why": d.why,
                "by": d.by,
            }
            for d in ran.deployment.decisions
        ],
    }
    return {**result, "checks": _checks(result)}


def _answers(ran: Ran) -> dict[str, np.ndarray[Any, Any]]:
    return {"static": ran.static, "setpoint": ran.answers, "refit_every_window": ran.refit}


def _mae(ran: Ran, scores: np.ndarray[Any, Any]) -> float:
    return float(np.nanmean(np.abs(scores - ran.stream[TARGET])))


def _planted(
    ran: Ran, name: str, since: datetime, until: datetime | None, cause: Cause, remedy: Remedy
) -> dict[str, Any]:
    """Return how a planted fault fared: the first incident mended after it that names its cause."""
    found = next((i for i in ran.deployment.incidents if _is(i, cause, since)), None)
    repair = found.repair if found else None
    applied = repair.applied if repair else None
    return {
        "fault": name,
        "planted": since.isoformat(),
        "until": until.isoformat() if until else None,
        "incident": found.id if found else None,
        "found": found.opened.isoformat() if found else None,
        "cause": str(found.causes[0].cause) if found else None,
        "subject": found.causes[0].subject if found else None,
        "remedy": str(repair.remedy) if repair else None,
        "proof": repair.proof if repair else None,
        "applied": applied.isoformat() if applied else None,
        "lifted": repair.lifted.isoformat() if repair and repair.lifted else None,
        "status": str(found.status) if found else None,
        "delay_requests": _sent_between(ran, since, found.opened) if found else None,
        "mended_after_requests": _sent_between(ran, since, applied) if applied else None,
        "right": bool(repair and repair.remedy is remedy and applied and applied - since <= MENDED_WITHIN),
    }


def _is(incident: Incident, cause: Cause, since: datetime) -> bool:
    applied = incident.repair.applied if incident.repair else None
    return applied is not None and applied >= since and incident.causes[0].cause is cause


def _sent_between(ran: Ran, since: datetime, until: datetime) -> int:
    return int(((ran.stream["time"] >= since) & (ran.stream["time"] < until)).sum())


def _rollout(rollout: Rollout) -> dict[str, Any]:
    gate = rollout.candidate.gate
    return {
        "version": rollout.candidate.version,
        "outcome": str(rollout.phase),
        "ended": rollout.ended.isoformat() if rollout.ended else None,
        "reason": rollout.candidate.reason,
        "expected_gain": gate.gain if gate else None,
        "low": gate.low if gate else None,
        "high": gate.high if gate else None,
        "gate": list(gate.checks) if gate else [],
        "shadow": list(rollout.shadow.checks) if rollout.shadow else [],
        "shadow_gain": rollout.shadow.gain if rollout.shadow else None,
        "realised_gain": rollout.realised_gain,
    }


def _windows(ran: Ran) -> list[dict[str, Any]]:
    """Return each week's mean absolute error of the three."""
    errors = pd.DataFrame({name: np.abs(s - ran.stream[TARGET]) for name, s in _answers(ran).items()})
    weekly = errors.groupby(ran.stream["time"].dt.floor("7D")).mean()
    return [
        {"since": f"{at:%Y-%m-%d}", **{name: round(float(weekly.loc[at, name]), 2) for name in _answers(ran)}}
        for at in weekly.index
    ]


def _checks(result: dict[str, Any]) -> list[dict[str, Any]]:
    mae, requests = result["mae"], result["requests"]
    saved = 1 - mae["setpoint"] / mae["static"]
    lifted = result["planted"][0]["lifted"]
    promoted = sum(r["outcome"] == Phase.PROMOTED for r in result["rollouts"])
    claims = [
        ("no request failed", requests["failed"] == 0, f"{requests['failed']} of {requests['sent']:,}"),
        ("every request is in the log exactly once", requests["unrecorded"] == 0, f"{requests['recorded']:,} are"),
        *(
            (
                f"the {p['fault']} is found, located and mended",
                p["right"],
                f"{p['cause']} of {p['subject']}, {p['remedy']} after {p['mended_after_requests']} requests"
                if p["incident"]
                else "it was not",
            )
            for p in result["planted"]
        ),
        (
            "the inverse map is lifted again",
            lifted is not None,
            f"on {lifted[:10]}" if lifted else "it was not",
        ),
        ("a retrained version was promoted", promoted > 0, f"{promoted} promoted"),
        (
            f"MAE is below the static model's by {BETTER_BY:.0%} or more",
            saved >= BETTER_BY,
            f"{mae['static']} → {mae['setpoint']}, {saved:.0%}",
        ),
    ]
    return [{"claim": claim, "ok": bool(ok), "detail": detail} for claim, ok, detail in claims]
