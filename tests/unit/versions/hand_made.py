"""Manifests and deployments made by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from setpoint.domain.envelope import Envelope
from setpoint.domain.fleet import Deployment, Release
from setpoint.domain.live import Served
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import replace
from setpoint.domain.version import Lineage, ModelVersion

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SCHEMA = Schema(
    features=tuple(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT) for n in ("temp", "hum")),
    target="demand",
    task=Task.REGRESSION,
)


def a_version(name: str, days_ago: float = 100.0, parent: str | None = None, **changes: Any) -> ModelVersion:
    """A manifest; the more digits its name counts, the later it was made."""
    lineage = Lineage(
        created=NOW - timedelta(days=days_ago), reason="test", artifact_sha256="a", reference_sha256="b", parent=parent
    )
    base = ModelVersion(
        model="demand", version=name, framework="sklearn", runtime="onnxruntime", artifact="m.joblib", schema=SCHEMA,
        lineage=lineage, files={}, reference_metrics={"mae": 12.0},
    )  # fmt: skip
    return replace(base, **changes)


def a_deployment(released: list[str], **changes: Any) -> Deployment:
    """One whose champions were these, in this order."""
    before = [None, *released]
    releases = tuple(
        Release(version=v, at=NOW - timedelta(days=90 - i), by="ann", replaced=before[i])
        for i, v in enumerate(released)
    )
    base = Deployment(
        model="demand", source="", served=Served(champion=released[-1]), envelope=Envelope(), objectives=(),
        releases=releases,
    )  # fmt: skip
    return replace(base, **changes)
