"""Hand-made deployments and looks, so that what the plan decides can be seen without a world around it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import reduce
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from setpoint.domain.envelope import Envelope
from setpoint.domain.feature_map import FeatureMap, Instead, Sign
from setpoint.domain.finding import Finding
from setpoint.domain.fleet import Decided, Deployment, Release, Standing
from setpoint.domain.incident import Cause, Hypothesis, Incident, IncidentStatus, Remedy, Repair
from setpoint.domain.live import Served
from setpoint.domain.objective import Objective
from setpoint.domain.receipt import Gain, Receipt
from setpoint.domain.records import Records, stamp
from setpoint.domain.records import joined as both
from setpoint.domain.rollout import Candidate, Decision, Phase, Rollout, Verdict
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import replace
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.loop.looks.look import Look

NOW = datetime(2024, 6, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SCHEMA = Schema(
    features=tuple(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT) for n in ("temp", "hum")),
    target="demand",
    task=Task.REGRESSION,
)
MAP = FeatureMap(id="m1", feature="temp", scale=5 / 9, offset=-160 / 9)
MAPS = {
    Remedy.INVERSE_MAP: MAP,
    Remedy.SWAP_BACK: FeatureMap(id="m2", feature="temp", swap="hum"),
    Remedy.IMPUTE: FeatureMap(id="m3", feature="temp", instead=Instead(constant=1.0, held=0.0, sign=Sign.HELD)),
}


def rows(since: datetime, until: datetime, *, loss: float = 1.0, scale: float = 1.0, seed: int = 0) -> Records:
    """One labelled row an hour, with errors of a mean size; `scale` is what the temperature is multiplied by."""
    count = max(0, round((until - since) / HOUR))
    rng = np.random.default_rng(seed)
    temp, truth = rng.normal(15, 5, count), rng.normal(100, 10, count)
    time = stamp(since) + np.arange(count) * np.timedelta64(1, "h")
    return Records(
        id=np.array([f"{t}" for t in time], dtype=object),
        time=time,
        version=np.full(count, "v1", dtype=object),
        score=truth + loss * rng.exponential(1, count),
        outcome=truth,
        known=time + np.timedelta64(1, "h"),
        latency_us=np.full(count, 100),
        maps=np.full(count, "", dtype=object),
        inputs={"temp": scale * temp, "hum": 0.5 * temp + rng.normal(0, 0.1, count)},
    )


def joined(*parts: Records) -> Records:
    """Put stretches of records together."""
    return reduce(both, parts)


def version(name: str = "v1") -> ModelVersion:
    lineage = Lineage(created=NOW - 60 * DAY, reason="", artifact_sha256="", reference_sha256="", rows=1_000)
    return ModelVersion(
        model="demand", version=name, framework="sklearn", runtime="native", artifact="m.joblib", schema=SCHEMA,
        lineage=lineage, files={}, reference_metrics={"mae": 1.0},
    )  # fmt: skip


def a_look(now: datetime = NOW, history: Records | None = None, **changes: Any) -> Look:
    history = rows(now - 56 * DAY, now) if history is None else history
    values: dict[str, Any] = {
        "now": now,
        "champion": version(),
        "findings": (),
        "standings": (),
        "recent": history.between(now - DAY, now),
        "history": history,
        "unlearnt": history.labelled,
        "shadow": None,
        "fit": None,
        "earlier": {},
    }
    return Look(**{**values, **changes})


def a_deployment(**changes: Any) -> Deployment:
    base = Deployment(
        model="demand",
        source="",
        served=Served(champion="v1"),
        envelope=Envelope(),
        objectives=(Objective(metric="mae", at_most=2.0),),
        releases=(Release(version="v1", at=NOW - 60 * DAY, by="ann"),),
        looked=NOW - DAY,
    )
    return replace(base, **changes)


def a_finding(now: datetime = NOW, **changes: Any) -> Finding:
    values: dict[str, Any] = {
        "monitor": "drift", "metric": "drift_location", "column": "temp", "since": now - DAY, "until": now - HOUR,
        "rows": 24, "value": 3.0, "limit": 0.5, "alarm": True,
    }  # fmt: skip
    return Finding(**{**values, **changes})


def a_repair(remedy: Remedy = Remedy.INVERSE_MAP, **changes: Any) -> Repair:
    values: dict[str, Any] = {"loss_before": 20.0, "loss_expected": 1.0, "proof": "MAE 20 → 1"}
    if remedy in MAPS:
        values["map"] = MAPS[remedy]
    if remedy is Remedy.ROLLBACK:
        values["to_version"] = "v0"
    return Repair(**{"id": f"{remedy}-1", "remedy": remedy, "subject": "temp", **values, **changes})


def an_incident(repair: Repair | None = None, *, cause: Cause = Cause.UNIT, **changes: Any) -> Incident:
    values: dict[str, Any] = {
        "id": "demand-temp",
        "model": "demand",
        "status": IncidentStatus.OPEN,
        "since": NOW - DAY,
        "opened": NOW,
        "subject": "temp",
        "findings": (a_finding(),),
        "causes": (Hypothesis(cause=cause, weight=0.95, subject="temp", evidence=("seen",)),) if repair else (),
        "repair": repair,
        "investigated": NOW if repair else None,
    }
    return Incident(**{**values, **changes})


def a_verdict(decision: Decision = Decision.ACCEPT) -> Verdict:
    return Verdict(
        decision=decision, rows=200, champion_loss=2.0, candidate_loss=1.0, gain=1.0, low=0.5, high=1.5,
        checks=("better by 1",),
    )  # fmt: skip


def a_rollout(shadow: Decision | None = None, **changes: Any) -> Rollout:
    candidate = Candidate(version="v2", champion="v1", reason="", created=NOW - 5 * DAY, gate=a_verdict())
    values: dict[str, Any] = {
        "candidate": candidate,
        "phase": Phase.SHADOW,
        "shadow_since": NOW - 4 * DAY,
        "shadow": a_verdict(shadow) if shadow else None,
    }
    return Rollout(**{**values, **changes})


def a_receipt(gain: float = 1.0) -> Receipt:
    return Receipt(at=NOW, realised=Gain(mean=gain, low=gain - 1, high=gain + 1, rows=168))


def mae_is_off(value: float = 5.0) -> tuple[Standing, ...]:
    return (Standing(objective=Objective(metric="mae", at_most=2.0), value=value, rows=100, at_set_point=False),)


def acted(action: str, count: int, by: str = "setpoint") -> tuple[Decided, ...]:
    """So many decisions of the last hours."""
    return tuple(
        Decided(at=NOW - (i + 1) * HOUR, cause="unit", subject="temp", action=action, why="inverse_map: °F", by=by)
        for i in range(count)
    )


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    """Everything above, by name."""
    makers: dict[str, Callable[..., Any]] = {
        "rows": rows, "look": a_look, "deployment": a_deployment, "finding": a_finding, "repair": a_repair,
        "incident": an_incident, "verdict": a_verdict, "receipt": a_receipt, "rollout": a_rollout,
        "mae_is_off": mae_is_off, "acted": acted, "joined": joined, "version": version,
    }  # fmt: skip
    return SimpleNamespace(**makers, now=NOW, day=DAY, hour=HOUR, map=MAP)
