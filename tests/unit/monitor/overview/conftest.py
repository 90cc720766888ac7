"""A model with any columns, watched for some days: what an overview is made from."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from setpoint.domain.envelope import Envelope
from setpoint.domain.finding import Finding
from setpoint.domain.fleet import Deployment, Release, Standing
from setpoint.domain.live import Served
from setpoint.domain.objective import Objective
from setpoint.domain.profile import binning_of, profile_of
from setpoint.domain.records import Records, stamp
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.series import series_of
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.monitor.limits import learn
from setpoint.monitor.overview.gathered import Gathered

SINCE = datetime(2024, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MAE = Objective(metric="mae", at_most=6.0)


def schema_of(columns: dict[str, Any]) -> Schema:
    features = [
        Feature(name=n, kind=Kind.CATEGORICAL, dtype=DType.STRING)
        if c.dtype == object
        else Feature(name=n, kind=Kind.NUMERIC, dtype=DType.BOOL if c.dtype == bool else DType.FLOAT)
        for n, c in columns.items()
    ]
    return Schema(features=tuple(features), target="y", task=Task.REGRESSION)


def plain(column: Any) -> Any:
    return column if column.dtype == object else column.astype(np.float64)


def gather(
    reference: dict[str, Any], now: dict[str, Any], *, days: int = 28, error: float = 4.0, **more: Any
) -> Gathered:
    """Rows of `now` spread evenly over the period; its objective is a mean absolute error of at most 6."""
    schema, rng = schema_of(reference), np.random.default_rng(0)
    m, n = len(next(iter(reference.values()))), len(next(iter(now.values())))
    scores, score = rng.normal(50, 10, m), rng.normal(50, 10, n)
    reference, now = ({k: plain(c) for k, c in side.items()} for side in (reference, now))
    binning = binning_of(reference, schema, scores)
    times = stamp(SINCE) + (np.arange(n) * (days * 86_400_000_000 / max(n, 1))).astype("timedelta64[us]")
    until = SINCE + days * DAY
    answers = Records(
        id=np.arange(n).astype(str).astype(object), time=times, version=np.full(n, "v1", dtype=object), score=score,
        outcome=score + rng.normal(0, error, n), known=times, latency_us=np.full(n, 2_000),
        maps=np.full(n, "", dtype=object), inputs=now,
    )  # fmt: skip
    with np.errstate(over="ignore", invalid="ignore"):  # deviations of the largest numbers
        limits = learn(reference, schema, binning, scores)
    lineage = Lineage(created=SINCE, reason="", artifact_sha256="", reference_sha256="", rows=m)
    champion = ModelVersion(
        model="demand", version="v1", framework="sklearn", runtime="native", artifact="m", schema=schema,
        lineage=lineage, files={},
    )  # fmt: skip
    deployment = Deployment(
        model="demand", source="", served=Served(champion="v1"), envelope=Envelope(), objectives=(MAE,),
        releases=(Release(version="v1", at=SINCE, by="ann"),),
    )  # fmt: skip
    value = float(np.abs(answers.outcome - score).mean()) if n else None
    standing = Standing(objective=MAE, value=value, rows=n, at_set_point=None if value is None else MAE.met_by(value))
    series = series_of({**now, schema.score: score}, times, SINCE, until, DAY, binning)
    known: dict[str, Any] = {
        "deployment": deployment, "champion": champion, "since": SINCE, "until": until, "findings": (),
        "standings": (standing,), "series": series, "answers": answers,
        "reference": profile_of({**reference, schema.score: scores}, binning),
        "limits": limits,
        "requests": tuple({"": n // days} for _ in range(days)),
    }  # fmt: skip
    return Gathered(**{**known, **more})


def numbers(rows: int, columns: int = 3, seed: int = 0, **changed: Any) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {f"x{i}": rng.normal(i, 1, rows) for i in range(columns)} | changed


def a_finding(**changes: Any) -> Finding:
    fields: dict[str, Any] = {
        "monitor": "drift", "metric": "drift_location", "column": "x1", "since": SINCE + 20 * DAY,
        "until": SINCE + 28 * DAY, "rows": 100, "value": 2.0, "limit": 0.5, "alarm": True, "kind": "shift",
        "detail": "mean 1 → 3",
    }  # fmt: skip
    return Finding(**{**fields, **changes})


@pytest.fixture
def quiet() -> Gathered:
    """Four weeks like the reference."""
    return gather(numbers(2_000), numbers(700, seed=1))
