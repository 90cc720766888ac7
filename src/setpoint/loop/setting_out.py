"""A rollout sets out: who may, by which course, and under which terms."""

from datetime import datetime, timedelta

import numpy as np

from setpoint.deploy.evidence import forecast, freeze
from setpoint.domain.course import Course, Rolling
from setpoint.domain.evidence import Forecast, Frozen, Margins, Terms, Traffic
from setpoint.domain.fleet import Deployment
from setpoint.domain.freeze import frozen
from setpoint.domain.live import written
from setpoint.domain.objective import asked_gain
from setpoint.domain.record import Role
from setpoint.domain.requested import Requested
from setpoint.domain.rollout import Rollout
from setpoint.domain.schema import Schema, Task
from setpoint.domain.sensitive import hidden
from setpoint.domain.slice import Only
from setpoint.domain.value import replace
from setpoint.errors import Conflict, InvalidInput
from setpoint.loop.looks.columns import fitting
from setpoint.loop.looks.counted import broke, failed, latency_ms, requests_meant, values_of
from setpoint.loop.looks.segmented import names_of, watched
from setpoint.loop.ports import Ports
from setpoint.stats.losses import losses_of
from setpoint.stats.placements import placement_losses

BASELINE = timedelta(days=28)
RECENT = timedelta(days=7)


def running(deployment: Deployment) -> Rollout | None:
    """Return the rollout that is under way, if one is."""
    return next((r for r in deployment.rollouts if r.running), None)


def check_free(deployment: Deployment, version: str) -> None:
    """Refuse a second rollout, or one beside shares that a person has set.

    Raises
    ------
    Conflict
        Saying who is in the way, and what can be done.
    """
    model = deployment.model
    if version == deployment.served.champion:
        raise Conflict(f"{version} is champion of {model} already")
    if (other := running(deployment)) is not None:
        raise Conflict(
            f"a rollout of {other.candidate.version} of {model} is under way ({other.phase}); wait for its end, or end "
            f"it: `setpoint rollout abort {model}`"
        )
    check_shares(deployment, version)


def check_shares(deployment: Deployment, version: str) -> None:
    """Raise Conflict where a person has given another version a share."""
    others = {v: share for v, share in deployment.served.shares.items() if v != version}
    if others:
        name, model = next(iter(others)), deployment.model
        raise Conflict(
            f"{written(others)} of the requests by a person's word, and two cannot be told apart; take it away first: "
            f"`setpoint rollout {model} --share {name}=0`"
        )


def check_window(deployment: Deployment, now: datetime) -> None:
    """Raise Conflict while a freeze window holds: nothing begins then."""
    if words := frozen(deployment.rolling.freezes, now):
        raise Conflict(f"rollouts of {deployment.model} are {words}")


def check_only(only: Only | None, schema: Schema) -> None:
    """Refuse a part of the traffic that cannot be told from the requests, or not be found in their record.

    Raises
    ------
    InvalidInput
        Naming the feature.
    """
    if only is None:
        return
    closed = {feature.name for feature in hidden(schema)}
    for name in only.segment:
        if name not in schema.names:
            raise InvalidInput(f"rollout: segment: {name!r} is no feature; the features are {', '.join(schema.names)}")
        if name in closed:
            raise InvalidInput(f"rollout: segment: {name!r} is sensitive, and not recorded as it was sent")
    if only.callers and schema.sensitive_caller:
        raise InvalidInput("rollout: callers: they are sensitive, and not recorded as they are")


def check_margins(margins: Margins, course: Course) -> None:
    """Refuse a bound that no step of a course can prove.

    Raises
    ------
    InvalidInput
        Saying what can be done.
    """
    if margins.disagreement is not None and all(step.share for step in course.steps):
        raise InvalidInput(
            "rollout: margins: disagreement: it can only be proven in the shadow, and the steps have none; let them "
            "begin with 0%, or take the margin away"
        )


def terms_of(ports: Ports, deployment: Deployment, schema: Schema, now: datetime) -> Terms:
    """Return the terms of a rollout that begins now: those of setpoint.yaml, and what the champion has been like."""
    rolling, champion = deployment.rolling, deployment.served.champion
    segments = watched(ports.bundles.folder(deployment.model, champion), schema)
    ranked = schema.task is Task.BINARY and any(o.metric == "roc_auc" for o in deployment.objectives)
    tried = sum(r.moving is not None and r.candidate.champion == champion for r in deployment.rollouts)
    return Terms(
        alpha=rolling.alpha,
        attempt=1 + tried,
        margins=rolling.margins,
        frozen=_frozen(ports, deployment, schema, now, ranked=ranked),
        better=rolling.better,
        ranked=ranked,
        segments=names_of(segments),
        most_s=rolling.most_s,
    )


def _frozen(ports: Ports, deployment: Deployment, schema: Schema, now: datetime, *, ranked: bool) -> Frozen:
    model, champion = deployment.model, ports.bundles.get(deployment.model, deployment.served.champion)
    asked = ports.log.requests(model, now - BASELINE, now)
    asked = asked.take((asked.role == Role.CHAMPION.value) & (asked.version == champion.version) & (asked.row == 0))
    read = ports.log.read(model, since=now - BASELINE, until=now, as_of=now, version=champion.version)
    rows = fitting(ports, model, read, schema)
    ages = (rows.known - rows.time) / np.timedelta64(1, "s")
    return freeze(
        failed=failed(asked),
        broke=broke(asked),
        latency_ms=latency_ms(asked),
        losses=placement_losses(rows.score, rows.outcome)[0] if ranked else losses_of(rows, schema),
        outcome_ages_s=ages,
        values=values_of(rows, champion, asked_gain(deployment.objectives)),
        margins=deployment.rolling.margins,
    )


def course_of_the_loop(rolling: Rolling) -> Course:
    """Return the course of a candidate of the loop, which nobody but the gate has seen: it begins in its shadow."""
    course = rolling.course()
    first = course.steps[0]
    if not first.share:
        return course
    return replace(course, steps=(replace(first, share=0.0), *course.steps))


def foreseen(ports: Ports, deployment: Deployment, course: Course, terms: Terms, now: datetime) -> Forecast:
    """Return how long a rollout takes at the traffic of the last days."""
    asked = _asked_of(ports, deployment, now)
    if course.only is not None and len(asked):
        asked = asked.take(requests_meant(course.only, asked))
    requests = int((asked.row == 0).sum())
    span_s = max(1.0, now.timestamp() - float(asked.time[0]) / 1e6) if requests else RECENT.total_seconds()
    rows = len(asked) / requests if requests else 1.0
    traffic = Traffic(requests_per_s=requests / span_s, rows_per_request=rows)
    return forecast(terms, traffic, [(step.share or 1.0, step.least_s) for step in course.steps])


def asked_at_all(ports: Ports, deployment: Deployment, now: datetime) -> bool:
    """Whether there was any traffic lately that a forecast could go by."""
    return bool(len(_asked_of(ports, deployment, now)))


def _asked_of(ports: Ports, deployment: Deployment, now: datetime) -> Requested:
    asked = ports.log.requests(deployment.model, now - RECENT, now)
    return asked.take(asked.role != Role.SHADOW.value)
