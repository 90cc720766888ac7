"""versions list and show."""

from typing import Annotated, Any

import msgspec
import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, number, plain, print_json, table
from setpoint.config import Settings
from setpoint.deploy.metrics import headline
from setpoint.domain.schema import Feature, Task
from setpoint.domain.version import ModelVersion, Removal
from setpoint.loop.verbs import versions
from setpoint.loop.verbs.versions import Stored

Model = Annotated[str, typer.Argument(help="Name of the deployment.")]
Version = Annotated[str, typer.Argument(help="Such as v3.")]
DIGEST = 12  # letters of one that are shown


def list_(model: Model, json: Json = False) -> None:
    """List the versions of MODEL, the newest last: what each is, and what part it plays."""
    operator = open_home(Settings())
    found, gone = versions.stored(operator, model), versions.removed(operator, model)
    if json:
        print_json({"versions": [_view(s) for s in found], "removed": [msgspec.to_builtins(r) for r in gone]})
        return
    columns = ("version", "made", "runs with", "on the reference", "size", "", "why")
    console.print(table("", columns, [_row(s) for s in found], right=("size",)))
    for r in gone:
        console.print(_gone(r), highlight=False)


def show(model: Model, version: Version, json: Json = False) -> None:
    """Show one version: what it is made of and where it comes from."""
    found = versions.find(open_home(Settings()), model, version)
    assert found.manifest is not None  # one that is damaged was refused
    if json:
        print_json({**_view(found), "manifest": msgspec.to_builtins(found.manifest)})
        return
    marks = f" ({', '.join(found.marks)})" if found.marks else ""
    console.print(f"[bold]{model} {version}[/]{plain(marks)}", highlight=False)
    console.print(table("", ("", ""), [*_head(found, found.manifest), *_lineage(found.manifest)]))
    columns = ("column", "kind", "values")
    console.print(table("Columns", columns, _columns(found.manifest)))
    files = [(name, digest[:DIGEST]) for name, digest in found.manifest.files.items()]
    console.print(table("Files", ("file", "SHA-256"), files))


def _view(s: Stored) -> dict[str, Any]:
    m = s.manifest
    said: dict[str, Any] = {
        "version": s.version,
        "marks": list(s.marks),
        "bytes": s.bytes,
        "digest": s.digest,
        "signer": s.signer,
        "damage": s.damage,
    }
    if m is None:
        return said
    return said | {
        "created": m.lineage.created.isoformat(),
        "created_by": m.lineage.created_by,
        "reason": m.lineage.reason,
        "parent": m.lineage.parent,
        "framework": m.framework,
        "runtime": m.runtime,
        "metrics": m.reference_metrics,
    }


def _row(s: Stored) -> tuple[str, ...]:
    marks = ", ".join((*s.marks, *(["signed"] if s.signer else [])))
    if s.manifest is None:
        return s.version, "", "", "", "", marks, f"damaged: {s.damage}"
    m = s.manifest
    metrics = [f"{name} {number(score)}" for name, score in headline(m.reference_metrics).items()]
    made = f"{m.lineage.created:%Y-%m-%d %H:%M}"
    return s.version, made, m.runtime, "".join(metrics[:1]), size(s.bytes), marks, m.lineage.reason


def _gone(r: Removal) -> str:
    return plain(f"{r.version} was removed by {r.by} at {r.at:%Y-%m-%d %H:%M} UTC ({size(r.bytes)})")


def _head(s: Stored, m: ModelVersion) -> list[tuple[str, str]]:
    metrics = ", ".join(f"{name} {number(score)}" for name, score in m.reference_metrics.items())
    return [
        ("content", s.digest or "– (of the first format, which has no seal)"),
        ("signed by", s.signer or "–"),
        ("size", size(s.bytes)),
        ("task", f"{m.schema.task} of {m.schema.target}"),
        ("runs with", f"{m.runtime} ({m.framework} {m.artifact})"),
        *([("threshold", number(m.threshold))] if m.schema.task is Task.BINARY else []),
        *([("corrected by", f"a residual model of {len(m.residual.features)} columns")] if m.residual else []),
        *([("calibrated by", m.calibration.in_words)] if m.calibration else []),
        ("on the reference", metrics),
    ]


def _lineage(m: ModelVersion) -> list[tuple[str, str]]:
    line = m.lineage
    learnt, known = line.trained_since and line.trained_until, line.setpoint != ""
    rows = {
        "made": f"{line.created:%Y-%m-%d %H:%M} UTC by {line.created_by or 'unknown'}: {line.reason}",
        "parent": line.parent or "",
        "method": line.method,
        "data": f"{line.rows:,} rows, SHA-256 {line.reference_sha256[:DIGEST]}",
        "learnt from": f"{line.trained_since:%Y-%m-%d} to {line.trained_until:%Y-%m-%d}{_spared(m)}" if learnt else "",
        "model file": f"{m.artifact}, SHA-256 {line.artifact_sha256[:DIGEST]}",
        "trained by": f"{line.train}, SHA-256 {line.train_sha256[:DIGEST]}" if line.train else "",
        "allowed": ", ".join(line.allow),
        "packages": ", ".join(f"{name} {number}" for name, number in line.packages.items()),
        "made with": f"Setpoint {line.setpoint}, code {line.setpoint_sha256[:DIGEST]}" if known else "",
        "on": f"Python {line.python}, {line.platform}" if known else "",
    }
    return [(name, words) for name, words in rows.items() if words]


def _spared(m: ModelVersion) -> str:
    rows = m.lineage.lined_rows
    return f"; the last {rows:,} rows for its line alone" if rows else ""


def _columns(m: ModelVersion) -> list[tuple[str, str, str]]:
    return [(f.name, f"{f.kind} {f.dtype}", _values(f)) for f in m.schema.features]


def _values(f: Feature) -> str:
    return f"{number(f.low)} to {number(f.high)}" if f.low is not None else ", ".join(f.levels)


def size(count: int) -> str:
    """Write a number of bytes for people."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
