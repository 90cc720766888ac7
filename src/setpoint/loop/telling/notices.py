"""Decide what people are told: incidents, not metrics, once each, in one message a turn. Nothing is sent here."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from setpoint.domain.fleet import Decided, Deployment
from setpoint.domain.incident import Incident, IncidentStatus, Remedy
from setpoint.domain.notice import Delivery, Severity, Silence, Told
from setpoint.domain.owner import responsible_for
from setpoint.domain.remembering import events_since
from setpoint.domain.rollout import Phase, Rollout
from setpoint.domain.value import replace
from setpoint.loop.changes import cause_of
from setpoint.loop.telling.news import Kind, News
from setpoint.loop.telling.wording import composed
from setpoint.maintain.triage import QUALITY, SERVICE
from setpoint.update.schedule import failed_trainings

HARMFUL = (QUALITY, SERVICE)  # monitors of what the set point asks
TRAINING = "training"  # what a streak of failed ones goes by
AUDIT = "audit"  # what a source that does not answer goes by
OFTEN = 3  # in a row that a source did not answer, or a look or a deletion failed
LOOKS, DELETIONS = "looks", "deletions"  # what those that fail go by
BLIND_FOR = timedelta(minutes=5)  # how long they fail before it is told
TRAININGS = ("promote", "reject", "training failed")
MOST_WAITING = 50  # deliveries; the oldest go, for what they say is old
UNSOLVED = (IncidentStatus.OPEN, IncidentStatus.WAITING, IncidentStatus.MENDING)


def noticed(deployment: Deployment, channels: Sequence[str], now: datetime) -> Deployment:
    """Return the deployment with what is new in its outbox, for each channel, and with what is thereby told.

    What nobody was told because a turn ended half-way is new in the next one.
    """
    known = {t.about: t for t in deployment.telling.told}
    news = sorted(_news(deployment, known, now), key=lambda n: n.rank) if channels else []
    outbox = tuple(d for d in deployment.telling.outbox if d.channel in channels)
    if news:
        message = composed(deployment.model, news, now)
        outbox = (*outbox, *(Delivery(message=message, channel=c) for c in channels))[-MOST_WAITING:]
    told = known | {n.about: _told(n, now) for n in news}
    still = {i.id for i in deployment.incidents if i.live} | {r.candidate.version for r in _asking(deployment)}
    still |= {TRAINING} if failed_trainings(deployment) else set()
    still |= {AUDIT} if deployment.unanswered else set()
    still |= {LOOKS} if deployment.blind else set()
    still |= {DELETIONS} if deployment.undeleted else set()
    owed = {i.id for i in deployment.incidents if i.id in known} - {n.about for n in news if n.kind is Kind.RECOVERED}
    kept = tuple(t for t in told.values() if t.about in still | owed)
    return replace(deployment, telling=replace(deployment.telling, until=now, told=kept, outbox=outbox))


def severity_of(incident: Incident) -> Severity:
    """Return whether the set point is at stake, or only something moved; a budget that burns slowly can wait."""
    alarms = [f for f in incident.findings if f.alarm and f.kind != "slow_burn"]
    return Severity.CRITICAL if any(f.monitor in HARMFUL for f in alarms) else Severity.WARNING


def silenced(incident: Incident, silences: Sequence[Silence], now: datetime) -> bool:
    """Whether nobody is told of an incident now; a column's silence is for incidents named after it or blamed on it."""
    about = {None, incident.subject, cause_of(incident)[1]}
    return any(s.holds(now) and s.column in about for s in silences)


def _news(deployment: Deployment, known: dict[str, Told], now: datetime) -> Iterator[News]:
    blind = deployment.blind
    if blind and LOOKS not in known and blind.times >= OFTEN and blind.at - blind.since >= BLIND_FOR:
        since = f"the last {blind.times} looks failed, since {blind.since:%Y-%m-%d %H:%M} UTC"
        yield News(kind=Kind.BLIND, about=LOOKS, severity=Severity.CRITICAL, said=(since, blind.why))
    overdue = deployment.undeleted
    if overdue and DELETIONS not in known and overdue.times >= OFTEN and overdue.at - overdue.since >= BLIND_FOR:
        since = f"tried {overdue.times} times since {overdue.since:%Y-%m-%d %H:%M} UTC"
        yield News(kind=Kind.KEPT, about=DELETIONS, severity=Severity.CRITICAL, said=(since, overdue.why))
    for incident in deployment.incidents:
        if not incident.live and incident.id not in known and not _came_and_went(incident, deployment):
            continue
        if silenced(incident, deployment.telling.silences, now):
            continue
        if _held_back(incident, deployment, now, told=incident.id in known):
            continue
        said = _trainings(deployment, incident, known.get(incident.id))
        if found := _news_of(incident, known.get(incident.id), said, now, deployment.alerts.remind_s):
            yield replace(found, responsible=responsible_for(incident, deployment.owners))
    for rollout in _asking(deployment) if not _is_quiet(deployment, now) else ():
        if rollout.candidate.version not in known:
            yield News(
                kind=Kind.ASKS,
                about=rollout.candidate.version,
                severity=Severity.WARNING,
                said=tuple(d.why for d in _asked(deployment, rollout)),
            )
    failed = failed_trainings(deployment)
    said_with_incident = _trains(deployment) is not None
    if failed and TRAINING not in known and not said_with_incident and not _is_quiet(deployment, now):
        yield News(kind=Kind.FAILED, about=TRAINING, severity=Severity.WARNING, said=(failed[0].why,))
    silent = deployment.unanswered
    wanted = deployment.alerts.at_least is Severity.WARNING and not _is_quiet(deployment, now)
    if silent and silent.times >= OFTEN and AUDIT not in known and wanted:
        since = f"asked {silent.times} times since {silent.since:%Y-%m-%d %H:%M} UTC"
        yield News(kind=Kind.SILENT, about=AUDIT, severity=Severity.WARNING, said=(since, silent.why))


def _came_and_went(incident: Incident, deployment: Deployment) -> bool:
    """Whether an incident was over before anybody could be told: repeated crashes must not go unheard."""
    until = deployment.telling.until
    return until is not None and incident.opened > until


def _held_back(incident: Incident, deployment: Deployment, now: datetime, *, told: bool) -> bool:
    """Whether an incident matters too little to be told: at this hour, or at all.

    What waits for a person is told whatever it is, and so is how that goes on.
    """
    if severity_of(incident) is Severity.CRITICAL:
        return False
    asks = told or incident.status is IncidentStatus.WAITING
    return _is_quiet(deployment, now) or (deployment.alerts.at_least is Severity.CRITICAL and not asks)


def _is_quiet(deployment: Deployment, now: datetime) -> bool:
    quiet = deployment.alerts.quiet
    return quiet is not None and quiet.holds(now)


def _news_of(
    incident: Incident, told: Told | None, trainings: tuple[str, ...], now: datetime, remind_s: float
) -> News | None:
    news = [e.line for e in events_since(incident, told.lines if told else 1)]
    severity, said = severity_of(incident), (*news, *trainings)
    kind = _kind(incident, told, severity, bool(trainings), now, remind_s)
    if kind is None:
        return None
    return News(kind=kind, about=incident.id, severity=severity, incident=incident, said=said, first=told is None)


def _kind(
    incident: Incident, told: Told | None, severity: Severity, trained: bool, now: datetime, remind_s: float
) -> Kind | None:
    moved = told is None or incident.status != told.status
    if incident.status is IncidentStatus.CLOSED:
        return Kind.RECOVERED
    if incident.status is IncidentStatus.WAITING and moved:
        return Kind.ASKS
    if told is None:
        return Kind.OPENED
    if severity is not told.severity:
        return Kind.WORSE
    if moved or trained:
        return Kind.UPDATED
    unsolved = incident.status in UNSOLVED and not incident.acknowledged_by
    return Kind.REMINDED if unsolved and now - told.at >= timedelta(seconds=remind_s) else None


def _told(news: News, now: datetime) -> Told:
    incident = news.incident
    return Told(
        about=news.about,
        status=str(incident.status) if incident else "waiting",
        severity=news.severity,
        at=now,
        lines=incident.forgotten + len(incident.timeline) if incident else 0,
    )


def _trainings(deployment: Deployment, incident: Incident, told: Told | None) -> tuple[str, ...]:
    """Return how trainings ended since people were last told, for the incident that asked for them."""
    if told is None or incident is not _trains(deployment):
        return ()
    ended = [d for d in deployment.decisions if d.at > told.at and d.action in TRAININGS]
    return tuple(f"{d.at:%Y-%m-%d %H:%M} {d.action} {d.subject}: {d.why}" for d in ended)


def _trains(deployment: Deployment) -> Incident | None:
    """Return the newest incident that a retraining answers."""
    wants = [
        i
        for i in deployment.incidents
        if i.live and (i.subject == QUALITY or (i.repair is not None and i.repair.remedy is Remedy.RETRAIN))
    ]
    return wants[-1] if wants else None


def _asking(deployment: Deployment) -> list[Rollout]:
    """Return candidates that wait for a person."""
    return [r for r in deployment.rollouts if r.running and _waits(deployment, r) and _asked(deployment, r)]


def _waits(deployment: Deployment, rollout: Rollout) -> bool:
    if rollout.moving is not None:
        return bool(rollout.moving.asked)
    return rollout.phase in (Phase.SHADOW, Phase.PROVEN) and not rollout.approved_by


def _asked(deployment: Deployment, rollout: Rollout) -> list[Decided]:
    return [d for d in deployment.decisions if d.action == "ask" and d.subject == rollout.candidate.version]
