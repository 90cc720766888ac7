"""Rehearse going back, each day and after every change of champion, in a process of its own: live traffic sees nothing.

A champion's answers to the first rows of its reference are kept while it serves. When another one has replaced it, a
sleeping copy must be whole, load, and give the same answers to the last bit.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
import pyarrow.parquet as pq

from setpoint.deploy.package import REFERENCE_FILE
from setpoint.deploy.reference import features_of
from setpoint.domain.finding import Finding
from setpoint.domain.fleet import Deployment
from setpoint.domain.records import Column, Columns
from setpoint.domain.rehearsal import Kept, Rehearsal, due
from setpoint.domain.schema import Schema
from setpoint.domain.sensitive import hidden
from setpoint.domain.value import replace
from setpoint.domain.version import ModelVersion
from setpoint.errors import SetpointError
from setpoint.loop.ports import Ports
from setpoint.maintain.triage import WAY_BACK

ROWS = 64
SETTLED = timedelta(hours=1)  # a first version that is tried out is not bothered

Rehearsed = tuple[Rehearsal | None, tuple[Kept, ...]]


def rehearsed(ports: Ports, deployment: Deployment, now: datetime) -> Rehearsed:
    """Return the last rehearsal, or a new one if it is time, with the answers that are kept; a replay has too many."""
    champion, version = deployment.served.champion, deployment.way_back or ""
    early = not version and now - deployment.releases[-1].at < SETTLED
    if early or not ports.studies or not due(deployment.rehearsal, champion, version, now):
        return deployment.rehearsal, deployment.answers
    known = {kept.version: kept for kept in deployment.answers if kept.version in (champion, version)}
    if champion not in known:
        _, found, _ = _woken(ports, deployment.model, champion)
        known |= {champion: found} if found else {}
    if not version:
        return Rehearsal(at=now, champion=champion, version=""), tuple(known.values())
    seconds, found, why = _woken(ports, deployment.model, version)
    last = Rehearsal(at=now, champion=champion, version=version, seconds=seconds, why=why)
    if found is None:
        note = "" if why else "its inputs are sensitive: no answers are kept"
        return replace(last, note=note), tuple(known.values())
    if version not in known:
        note = "its answers are kept from now on: none were while it served"
        return replace(last, note=note), (*known.values(), found)
    compared = replace(last, rows=len(found.scores), why=otherwise(known[version], found))
    return compared, tuple(known.values())


def _woken(ports: Ports, model: str, version: str) -> tuple[float, Kept | None, str]:
    """Wake a version; return the seconds it took, what it answers (None: not asked), and what went wrong."""
    try:
        ports.bundles.verify(model, version)
        manifest = ports.bundles.get(model, version)
        asked = None if hidden(manifest.schema) else _rows(ports, manifest)
        answers, seconds = ports.scorer.apart(model, version, asked)
    except SetpointError as e:
        return 0.0, None, str(e)
    return seconds, None if asked is None else kept(version, answers, manifest.schema), ""


def _rows(ports: Ports, manifest: ModelVersion) -> Columns:
    """Return the first rows of a version's reference."""
    folder = ports.bundles.folder(manifest.model, manifest.version)
    return features_of(pq.read_table(folder / REFERENCE_FILE).slice(0, ROWS), manifest.schema.features)


def kept(version: str, answers: Mapping[str, Column], schema: Schema) -> Kept:
    """Return answers as they are remembered; the digest is over names and bytes, so that one bit makes another one."""
    digest = hashlib.sha256()
    for name in sorted(answers):
        digest.update(name.encode() + b"\0" + _bytes(answers[name]) + b"\0")
    scores = np.nan_to_num(np.asarray(answers[schema.score], np.float64))  # JSON has no other numbers
    return Kept(version=version, digest=digest.hexdigest(), scores=tuple(scores.tolist()))


def _bytes(column: Column) -> bytes:
    if column.dtype == object:
        return "\0".join(map(repr, column.tolist())).encode()
    return np.ascontiguousarray(column).tobytes()


def otherwise(before: Kept, now: Kept) -> str:
    """Say in how far answers are others than before; nothing where they are the same to the last bit."""
    if before.digest == now.digest:
        return ""
    then, found = np.array(before.scores), np.array(now.scores)
    if len(then) != len(found):
        return f"it answers {len(found)} rows where it answered {len(then)} before"
    apart = np.abs(then - found)
    if not apart.any():
        return "it answers its reference with the same scores, but not with the same labels"
    some = f"{int((apart > 0).sum())} of {len(found)} rows of its reference"
    return f"it answers {some} otherwise than when it served, by up to {apart.max():.3g}"


def rehearsal_findings(rehearsal: Rehearsal | None, now: datetime) -> tuple[Finding, ...]:
    """Return an alarm while one could not go back."""
    if rehearsal is None or not rehearsal.failed:
        return ()
    return (
        Finding(
            monitor=WAY_BACK,
            metric="no way back",
            since=rehearsal.at,
            until=now,
            rows=rehearsal.rows,
            value=1.0,
            limit=0.0,
            alarm=True,
            version=rehearsal.champion,
            detail=f"{rehearsal.champion} could not be rolled back to {rehearsal.version}: {rehearsal.why}",
        ),
    )
