"""What a setpoint file states, as domain values."""

from collections.abc import Sequence
from datetime import datetime

from setpoint.config import FILE_NAME, ObjectivePart, RolloutPart, SetPart, SetpointFile, StepPart, is_own
from setpoint.domain.audited import Audit
from setpoint.domain.baseline import Baseline, unfit_baseline
from setpoint.domain.course import Rolling, Step
from setpoint.domain.envelope import Envelope, PromoteBounds, RetrainBounds, Ruled
from setpoint.domain.evidence import Margins
from setpoint.domain.fleet import Deployment, Release, Retention
from setpoint.domain.freeze import Freeze
from setpoint.domain.live import Served
from setpoint.domain.notice import Alerts, Quiet, Severity
from setpoint.domain.objective import Gain, Objective
from setpoint.domain.owner import Owner, Owners
from setpoint.domain.schema import Contract, OnViolation
from setpoint.domain.slice import Only
from setpoint.domain.training_set import Balance, Base, LabelIssues, Repeats, SetSpec
from setpoint.domain.update import Cost, Method, Updates
from setpoint.domain.value import replace
from setpoint.domain.version import ModelVersion
from setpoint.errors import InvalidInput


def under(deployment: Deployment, file: SetpointFile) -> Deployment:
    """Return the deployment under what a file says now."""
    return replace(
        deployment,
        source=str(file.root),
        objectives=objectives(file),
        envelope=envelope(file),
        train=file.train,
        updates=updates(file),
        rolling=rolling(file),
        allow=tuple(file.allow),
        retention=Retention(keep_s=file.records.keep, at_most_bytes=file.records.at_most),
        alerts=alerts(file),
        owners=owners(file),
        audit=audit(file),
        baseline=baseline(file),
    )


def ruled(deployment: Deployment, now: datetime, by: str) -> Deployment:
    """Return the deployment with a note of the envelope that is in force from now on, if it is another one."""
    known = deployment.envelopes
    if known and known[-1].envelope == deployment.envelope:
        return deployment
    return replace(deployment, envelopes=(*known, Ruled(at=now, by=by, envelope=deployment.envelope)))


def objectives(file: SetpointFile) -> tuple[Objective, ...]:
    """Return the file's objectives as domain values."""
    return tuple(_objective(o, file) for o in file.objectives)


def _objective(part: ObjectivePart, file: SetpointFile) -> Objective:
    return Objective(
        metric=part.metric,
        at_least=part.at_least,
        at_most=part.at_most,
        window_s=part.window,
        top=part.top,
        quantile=part.quantile,
        season=part.season,
        gain=Gain(**part.gain.model_dump()) if part.gain else None,
        of=part.of,
        by=part.by,
        function=str(file.root / part.metric) if is_own(part.metric) else None,
    )


def contracts(file: SetpointFile) -> dict[str, Contract]:
    """Return what the file says of single features as domain values."""
    return {
        name: Contract(
            on_violation=OnViolation(part.on_violation),
            low=part.min,
            high=part.max,
            levels=tuple(part.values or ()),
            instead=part.impute,
        )
        for name, part in file.features.items()
        if part.has_contract
    }


def asks_for_a_key(file: SetpointFile) -> bool:
    """Whether anything is to be recorded in a way that takes a key."""
    ways = [file.sensitive.id, file.sensitive.caller, *(part.sensitive for part in file.features.values())]
    return "hash" in ways or "encrypt" in ways


def envelope(file: SetpointFile) -> Envelope:
    """Return the file's envelope as a domain value."""
    part = file.envelope
    return Envelope(
        automatic=tuple(part.automatic),
        ask=tuple(part.ask),
        max_actions_per_day=part.max_actions_per_day,
        false_actions_per_year=part.false_actions_per_year,
        hours=Quiet(start_min=part.hours.start, end_min=part.hours.end, zone=part.hours.zone) if part.hours else None,
        workers=part.workers,
        retrain=RetrainBounds(
            most_per_week=part.retrain.most_per_week,
            methods=None if part.retrain.methods is None else tuple(map(Method, part.retrain.methods)),
        ),
        promote=PromoteBounds(
            most_per_week=part.promote.most_per_week,
            worse_by=part.promote.worse_by,
            gate_rows=part.promote.gate_rows,
            shadow_rows=part.promote.shadow_rows,
            largest_step=part.promote.largest_step,
        ),
    )


def updates(file: SetpointFile) -> Updates:
    """Return what the file says of updates as a domain value."""
    part = file.update
    return Updates(
        every_s=part.every,
        method=None if part.method == "auto" else Method(part.method),
        worth=part.worth,
        cost=Cost(training=part.cost.training, loss=part.cost.loss) if part.cost else None,
        may=tuple(part.may),
        training_set=training_set(part.training_set),
        contest=part.training_set.rows == "auto" and part.training_set.window is None,
    )


def rolling(file: SetpointFile) -> Rolling:
    """Return what the file says of rollouts as a domain value."""
    part = file.rollout
    segment = {name: tuple(levels) for name, levels in part.segment.items()}
    freezes = [Freeze(start_min=f.start, end_min=f.end, first=f.first, last=f.last, zone=f.zone) for f in part.freeze]
    return Rolling(
        steps=tuple(_step(step, part) for step in part.steps or ()),
        only=Only(segment=segment, callers=tuple(part.callers)) if segment or part.callers else None,
        freezes=tuple(freezes),
        alpha=part.alpha,
        margins=Margins(**part.margins.model_dump()),
        better=part.better,
        most_s=part.most,
    )


def _step(step: StepPart, usual: RolloutPart) -> Step:
    return Step(
        share=step.share,
        least_s=usual.least if step.least is None else step.least,
        least_requests=step.requests or usual.requests,
    )


def training_set(part: SetPart) -> SetSpec:
    """Return what the file says of training sets as a domain value."""
    return SetSpec(
        rows=part.rows if isinstance(part.rows, int) else {"auto": None, "reference": None, "all": 0}[part.rows],
        window_s=part.window,
        reference=Base(part.reference),
        duplicates=Repeats(part.duplicates),
        label_issues=LabelIssues(part.label_issues),
        balance=Balance(part.balance),
        importance=part.importance,
    )


def alerts(file: SetpointFile) -> Alerts:
    """Return what the file says of telling people as a domain value."""
    part = file.alerts
    return Alerts(
        to=None if part.to is None else tuple(part.to),
        at_least=Severity(part.at_least),
        remind_s=part.remind,
        quiet=Quiet(start_min=part.quiet.start, end_min=part.quiet.end, zone=part.quiet.zone) if part.quiet else None,
    )


def audit(file: SetpointFile) -> Audit | None:
    """Return what the file says of asking the source of the inputs again as a domain value."""
    part = file.audit
    if part is None:
        return None
    return Audit(function=str(file.root / part.function), rows_per_day=part.rows_per_day)


def baseline(file: SetpointFile) -> Baseline | None:
    """Return what the file says should answer where no version does as a domain value."""
    part = file.baseline
    return None if part is None else Baseline(constant=part.constant, column=part.column, version=part.version)


def check_baseline(file: SetpointFile, version: ModelVersion, known: Sequence[str]) -> None:
    """Refuse a baseline that cannot answer for a version; `known` are the names of all versions.

    Raises
    ------
    InvalidInput
        With what would.
    """
    stated = baseline(file)
    if stated is None:
        return
    why = unfit_baseline(stated, version.schema)
    if stated.version == version.version:
        why = f"version {stated.version!r} is the one that is deployed; name an earlier one"
    elif stated.version is not None and stated.version not in known:
        why = f"there is no version {stated.version!r} of {file.model}; there are {', '.join(known)}"
    if why:
        raise InvalidInput(f"{file.root / FILE_NAME}: baseline: {why}")


def owners(file: SetpointFile) -> Owners:
    """Return whom the file names for what as a domain value."""
    named = tuple(
        Owner(name=n, features=tuple(p.features or ()), source=p.source or "", runbook=p.runbook or "")
        for n, p in file.owners.items()
    )
    return Owners(owners=named, runbooks=dict(file.runbooks))


def first(file: SetpointFile, version: str, now: datetime, by: str) -> Deployment:
    """Return a deployment with its first version."""
    return Deployment(
        model=file.model,
        source=str(file.root),
        served=Served(champion=version),
        envelope=envelope(file),
        objectives=objectives(file),
        releases=(Release(version=version, at=now, by=by),),
    )
