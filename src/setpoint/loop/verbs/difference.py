"""What differs between two versions of a model, name by name."""

from collections.abc import Iterator
from datetime import datetime

from setpoint.domain.data_contract import DataContract
from setpoint.domain.schema import Contract, Feature, Task
from setpoint.domain.value import value
from setpoint.domain.version import Lineage, ModelVersion

SECTIONS = (
    "schema", "contract", "threshold", "calibration", "runtime", "metrics", "reference", "packages", "lineage", "files",
)  # fmt: skip
LINEAGE = (
    "created", "created_by", "reason", "parent", "method", "trained_since", "trained_until", "lined_rows", "train",
    "train_sha256", "artifact_sha256", "reference_sha256", "allow", "setpoint", "setpoint_sha256", "python", "platform",
)  # fmt: skip
DIGEST, LEVELS = 12, 8  # letters of a digest, and levels of a column, that are shown


@value
class Change:
    """One thing that differs: `before` in the first version, `after` in the second; None where it has no such thing."""

    section: str
    name: str
    before: str | None
    after: str | None


@value
class Difference:
    """What differs between two versions, in the order of the sections; `same` are the sections without a change."""

    model: str
    a: str
    b: str
    changes: tuple[Change, ...]
    same: tuple[str, ...]


def difference(a: ModelVersion, b: ModelVersion, learnt: tuple[DataContract, DataContract]) -> Difference:
    """Compare two versions; `learnt` are the data contracts of both."""
    before, after = facts(a, learnt[0]), facts(b, learnt[1])
    keys = [*before, *(key for key in after if key not in before)]
    changes = [
        Change(section=key[0], name=key[1], before=before.get(key), after=after.get(key))
        for key in keys
        if before.get(key) != after.get(key)
    ]
    changes.sort(key=lambda c: SECTIONS.index(c.section))  # which is stable
    changed = {c.section for c in changes}
    return Difference(
        model=a.model,
        a=a.version,
        b=b.version,
        changes=tuple(changes),
        same=tuple(s for s in SECTIONS if s not in changed),
    )


def facts(version: ModelVersion, learnt: DataContract) -> dict[tuple[str, str], str]:
    """Return what can be said of a version, in words, by section and name."""
    said = {(section, name): words for section, name, words in _said(version, learnt)}
    return {key: words for key, words in said.items() if words}


def _said(version: ModelVersion, learnt: DataContract) -> Iterator[tuple[str, str, str]]:
    schema, lineage = version.schema, version.lineage
    for key in ("target", "task", "time", "id"):
        yield "schema", key, str(getattr(schema, key) or "")
    yield "schema", "classes", ", ".join(map(str, schema.classes))
    yield from (("schema", f"tensor {t.name}", f"{t.dtype} {list(t.shape)}") for t in schema.tensors)
    for feature in schema.features:
        yield "schema", feature.name, _feature(feature)
        yield "contract", feature.name, _contract(feature.contract) if feature.contract else ""
    yield from (("contract", rule.text, rule.kind) for rule in learnt.rules)
    if schema.task is Task.BINARY:
        yield "threshold", "threshold", f"{version.threshold:g}"
    yield "calibration", "residual", ", ".join(version.residual.features) if version.residual else ""
    yield "calibration", "calibration", version.calibration.in_words if version.calibration else ""
    yield from _runtime(version)
    yield from (("metrics", name, f"{score:.6g}") for name, score in version.reference_metrics.items())
    yield "reference", "rows", f"{lineage.rows:,}"
    yield from (("packages", name, number) for name, number in lineage.packages.items())
    yield from (("lineage", key, _lineage(lineage, key)) for key in LINEAGE)
    yield from (("files", name, digest[:DIGEST]) for name, digest in version.files.items())


def _feature(feature: Feature) -> str:
    words = [f"{feature.kind} {feature.dtype}"]
    if feature.nullable:
        words.append("or nothing")
    if feature.low is not None and feature.high is not None:
        words.append(f"{feature.low:g} to {feature.high:g}")
    if feature.levels:
        more = f", … ({len(feature.levels)})" if len(feature.levels) > LEVELS else ""
        words.append(", ".join(feature.levels[:LEVELS]) + more)
    if feature.sensitive:
        words.append(f"sensitive: {feature.sensitive}")
    return "; ".join(words)


def _contract(contract: Contract) -> str:
    bounds = {"min": contract.low, "max": contract.high, "impute": contract.instead}
    words = [f"{name} {bound}" for name, bound in bounds.items() if bound is not None]
    levels = [f"one of {', '.join(map(str, contract.levels))}"] if contract.levels else []
    return "; ".join([*words, *levels, f"on violation {contract.on_violation}"])


def _runtime(version: ModelVersion) -> Iterator[tuple[str, str, str]]:
    yield "runtime", "framework", version.framework
    yield "runtime", "runtime", version.runtime
    yield "runtime", "threads", str(version.threads)
    for v in version.variants:
        if v.chosen:
            yield "runtime", "precision", v.precision
            yield "runtime", "one row", "" if v.p50_us is None else f"{v.p50_us:.4g} µs"
            yield "runtime", "rows/s", "" if v.rows_per_s is None else f"{v.rows_per_s:,.0f}"


def _lineage(lineage: Lineage, key: str) -> str:
    value = getattr(lineage, key)
    if key.endswith("sha256"):
        return str(value)[:DIGEST]
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return ", ".join(value) if isinstance(value, tuple) else str(value or "")
