"""What a person may ask of releases: to make a version of a model and make it live, or give versions a share."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from setpoint.config import SetpointFile
from setpoint.deploy.package import PackageRequest
from setpoint.deploy.sources import local
from setpoint.domain.evolution import same_width
from setpoint.domain.fleet import Deployment
from setpoint.domain.live import sharing, written
from setpoint.domain.objective import asked_latency_us
from setpoint.domain.schema import Handling, Schema, Task
from setpoint.domain.value import replace
from setpoint.domain.version import ModelVersion
from setpoint.errors import Conflict
from setpoint.loop.changes import decided, settle
from setpoint.loop.moves import check_not_moving
from setpoint.loop.release import Progress, make_version, read_binning
from setpoint.loop.releasing import released
from setpoint.loop.verbs.operator import Operator
from setpoint.loop.verbs.ruling import check_owners, check_rules
from setpoint.loop.verbs.stated import asks_for_a_key, check_baseline, contracts, first, objectives, ruled, under


def deploy(
    operator: Operator,
    file: SetpointFile,
    *,
    share: float | None = None,
    by: str,
    progress: Progress = lambda step: None,
) -> ModelVersion:
    """Make a version of the model the file names, and make it champion, or a challenger with a share."""
    ports, now = operator.ports, operator.clock.now()
    known = ports.state.load(file.model) if file.model in ports.state.models() else None
    ports.notifier.check(file.alerts.to or ())
    with local(file.model_file, file.root) as artifact:
        return _deploy(operator, file, artifact, known, now, share, by, progress)


def rollout(operator: Operator, model: str, shares: Mapping[str, float], *, by: str) -> Deployment:
    """Have challengers answer these fractions of the requests, by version; 0 takes a share away."""
    with operator.ports.state.lease():
        deployment = operator.known(model)
        check_not_moving(deployment)
        for version in shares:
            check_challenger(operator, model, version)
        return settle(operator.ports, deployment, _shared(deployment, shares, operator.clock.now(), by))


def check_challenger(operator: Operator, model: str, version: str) -> None:
    """Refuse a version that cannot answer the champion's requests beside it, or is not whole."""
    operator.ports.bundles.folder(model, version)
    found = operator.ports.bundles.get(model, version)
    _answers_for(operator, operator.schema(model), found, alone=False)
    _same_ids(operator, model, found.schema.sensitive_id, found.schema.sensitive_caller)


def _deploy(
    operator: Operator,
    file: SetpointFile,
    artifact: Path,
    known: Deployment | None,
    now: datetime,
    share: float | None,
    by: str,
    progress: Progress,
) -> ModelVersion:
    ports, request = operator.ports, _request(operator, file, artifact, known, now, by)
    if share is not None:
        if known is None:
            raise Conflict(f"{file.model} has no champion yet to share requests with; deploy it without a share")
        check_not_moving(known)
        sharing(known.served, {request.version: share})  # what cannot be is said before the long work
        _same_ids(operator, file.model, request.sensitive_id, request.sensitive_caller)
    check_rules(file)
    check_owners(file)
    version = make_version(ports.bundles, request, tuple(file.allow), tuple(file.rules), progress)
    check_baseline(file, version, ports.bundles.names(file.model))
    if known is not None:
        _answers_for(operator, operator.schema(file.model), version, alone=share is None)
    progress("making it live")
    with ports.state.lease():
        ports.log.open_model(
            file.model, version.schema, read_binning(ports.bundles.folder(file.model, version.version))
        )
        before = operator.known(file.model) if file.model in ports.state.models() else None
        if before is None or share is None:
            deployment = _champion(operator, file, before, version.version, now, by)
        else:
            check_not_moving(before)
            deployment = _shared(before, {version.version: share}, now, by)
        settle(ports, before, deployment)
    return version


def _champion(
    operator: Operator, file: SetpointFile, before: Deployment | None, version: str, now: datetime, by: str
) -> Deployment:
    """Make a version champion, under what its file says."""
    if before is None:
        deployment = first(file, version, now, by)
    else:
        deployment = released(operator.ports.bundles, before, version, now, by, "deployed")
    return ruled(under(deployment, file), now, by)


def _request(
    operator: Operator, file: SetpointFile, artifact: Path, known: Deployment | None, now: datetime, by: str
) -> PackageRequest:
    bundles = operator.ports.bundles
    parent = bundles.get(file.model, known.served.champion) if known else None
    return PackageRequest(
        model=file.model,
        version=bundles.next_name(file.model),
        artifact=artifact,
        reference=file.reference_path,
        target=file.target,
        created=now,
        reason="deployed by a person",
        task=Task(file.task),
        time=file.time,
        id=file.id,
        output=file.output,
        contracts=contracts(file),
        segments=tuple(file.segments),
        describe="" if file.profile is None else str(file.root / file.profile),
        sensitive={n: Handling(part.sensitive) for n, part in file.features.items() if part.sensitive},
        sensitive_id=Handling(file.sensitive.id) if file.sensitive.id else None,
        sensitive_caller=Handling(file.sensitive.caller) if file.sensitive.caller else None,
        keys=operator.ports.keys.ensure() if asks_for_a_key(file) else None,
        binning=read_binning(bundles.folder(file.model, parent.version)) if parent else None,
        parent=parent.version if parent else None,
        created_by=by,
        train=file.train or "",
        source=str(file.root),
        timeout_s=operator.ports.job_timeout_s,
        memory_bytes=operator.ports.job_memory,
        latency_us=asked_latency_us(objectives(file)),
        timed=operator.ports.timed,
    )


def _same_ids(operator: Operator, model: str, id: Handling | None, caller: Handling | None) -> None:
    """Refuse a challenger that records ids or callers another way: outcomes are told once, for all versions."""
    champion = operator.schema(model)
    if (id, caller) != (champion.sensitive_id, champion.sensitive_caller):
        raise Conflict(
            f"`sensitive:` of id and caller must be the same for all versions that answer together, and is another "
            f"one for the champion of {model}; deploy it without a share"
        )


def _answers_for(operator: Operator, champion: Schema, version: ModelVersion, *, alone: bool) -> None:
    """Refuse a version whose columns would have requests misread, or that cannot answer the champion's requests."""
    same_width(version.model, champion, version.schema)
    if not alone and champion.names != version.schema.names:
        raise Conflict(
            f"{version.version} has other columns than the champion of {version.model}, and cannot answer the same "
            "requests; deploy it without a share"
        )


def _shared(deployment: Deployment, shares: Mapping[str, float], now: datetime, by: str) -> Deployment:
    """Give versions a share; each change is a decision."""
    before = deployment.served.shares
    deployment = replace(deployment, served=sharing(deployment.served, shares))
    for version, share in shares.items():
        was = before.get(version, 0.0)
        if share != was:
            why = f"{written({version: share})} of the requests, was {100 * was:.6g}%"
            deployment = decided(deployment, now, "", version, "share", why, by)
    return deployment
