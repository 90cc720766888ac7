"""Findings become incidents: one for each suspected cause, joined by what comes later."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from setpoint.domain.event import Event, What
from setpoint.domain.finding import Finding
from setpoint.domain.incident import Incident, IncidentStatus, Remedy
from setpoint.domain.value import replace
from setpoint.maintain.trust import OUTCOMES

QUALITY = "quality"
SERVICE = "service"
FEED, LEVEL = "feed", "level"
FAIRNESS = "fairness"
WAY_BACK = "rollback"
DISK = "disk"
CALLERS = "callers"
REQUESTS = "requests"
OUTPUTS = ("prediction", "probability", "label")  # when only these drift, it is the model's answers that moved
SAME_CAUSE = timedelta(days=2)  # data that move so soon after a quality alarm may be what it was about


def triage(
    incidents: tuple[Incident, ...], findings: Sequence[Finding], now: datetime, *, model: str, version: str
) -> tuple[Incident, ...]:
    """Let each alarm join the live incident it belongs to, or open one.

    One incident a worker; one for the columns that moved in the same look, named after the column with the strongest
    evidence; quality alarms join the data incident that may explain them, else stand alone. Slow drift opens nothing by
    itself. Alarms about a stretch that a closed or repaired incident explains are dropped. `version` is the champion
    that answered.

    Returns
    -------
    tuple of Incident
        All incidents, old ones in their order, then the new ones.
    """
    alarms = [f if f.version else replace(f, version=version) for f in findings if opens(f)]
    known = incidents
    known = with_processes(known, [f for f in alarms if f.monitor == "process"], now, model)
    known = with_restarts(known, findings)
    known = with_data(known, [f for f in alarms if is_about_inputs(f)], now, model)
    known = with_quality(known, [f for f in alarms if is_about_answers(f)], now, model)
    known = with_feed(known, [f for f in alarms if f.monitor == FEED], now, model)
    for subject in (FAIRNESS, WAY_BACK, DISK):
        known = joined(known, [f for f in alarms if f.monitor == subject], subject, now, model)
    for who in dict.fromkeys(f.segment or "" for f in alarms if f.monitor == CALLERS):
        known = joined(known, [f for f in alarms if f.monitor == CALLERS and f.segment == who], who, now, model)
    return with_service(known, [f for f in alarms if f.monitor == SERVICE], now, model)


def opens(finding: Finding) -> bool:
    """Whether a finding may open an incident: it is about what the champion was asked or answered."""
    return finding.alarm and finding.role == "champion" and not finding.metric.endswith("_slow")


def is_about_inputs(finding: Finding) -> bool:
    """Whether a finding is about a column that callers send."""
    return finding.monitor in ("drift", "data_quality", "audit") and finding.column not in OUTPUTS


def is_about_answers(finding: Finding) -> bool:
    """Whether a finding is about the answers: their quality, realised or estimated, or the drift of the score."""
    return finding.monitor in (QUALITY, "estimate") or finding.column in OUTPUTS


def worker_of(finding: Finding) -> str:
    """Return the subject of a process finding: `worker 1`."""
    match = re.match(r"worker \d+|control process|model process", finding.detail)
    return match[0] if match else "worker"


def with_processes(
    incidents: tuple[Incident, ...], findings: list[Finding], now: datetime, model: str
) -> tuple[Incident, ...]:
    """Let alarms about a process join the live incident of it, but for one that is held: what is new is another."""
    for subject in dict.fromkeys(worker_of(f) for f in findings):
        own = [f for f in findings if worker_of(f) == subject]
        live = [i for i in incidents if i.live and i.subject == subject and i.status is not IncidentStatus.HELD]
        if live:
            incidents = put(incidents, added(live[-1], own))
        else:
            incidents = (*incidents, opened(own, subject, now, model, incidents))
    return incidents


def with_restarts(incidents: tuple[Incident, ...], findings: Sequence[Finding]) -> tuple[Incident, ...]:
    """Add restarts that a monitor saw to the live incidents of their workers: they end those."""
    restarts = [f for f in findings if f.monitor == "process" and f.metric == "restart"]
    return tuple(added(i, [f for f in restarts if worker_of(f) == i.subject]) if i.live else i for i in incidents)


def with_data(
    incidents: tuple[Incident, ...], findings: list[Finding], now: datetime, model: str
) -> tuple[Incident, ...]:
    """Let column alarms join the incident that names the column, or a quality alarm just opened; else open one."""
    for incident in (i for i in incidents if i.live and is_data(i)):
        own = [f for f in findings if column_of(f) in columns_of(incident)]
        incidents = put(incidents, added(incident, own))
        findings = [f for f in findings if f not in own]
    findings = [f for f in findings if not explained(f, incidents)]
    if not findings:
        return incidents
    subject = column_of(max(findings, key=lambda f: (strength(f), column_of(f))))
    unexplained = next((i for i in incidents if waits_for_cause(i) and now - i.opened <= SAME_CAUSE), None)
    if unexplained is not None:
        return put(incidents, added(replace(unexplained, subject=subject), findings))
    return (*incidents, opened(findings, subject, now, model, incidents))


def with_service(
    incidents: tuple[Incident, ...], findings: list[Finding], now: datetime, model: str
) -> tuple[Incident, ...]:
    """Let service alarms join the live incident of the service, but for one that is held: what is new is another."""
    held = [i for i in incidents if i.subject == SERVICE and i.status is IncidentStatus.HELD]
    ended = [i.repair.applied for i in held if i.repair is not None and i.repair.applied is not None]
    findings = [f for f in findings if all(f.since >= applied for applied in ended)]
    if not findings:
        return incidents
    own = next((i for i in incidents if i.live and i.subject == SERVICE and i not in held), None)
    if own is not None:
        return put(incidents, added(own, findings))
    return (*incidents, opened(findings, SERVICE, now, model, incidents))


def with_quality(
    incidents: tuple[Incident, ...], findings: list[Finding], now: datetime, model: str
) -> tuple[Incident, ...]:
    """Let quality alarms join a data incident that is not yet mended or whose harm they still see."""
    findings = [f for f in findings if not explained(f, incidents)]
    for incident in (i for i in incidents if i.live and is_data(i)):
        ended = mended(incident)
        own = [f for f in findings if ended is None or f.since < ended]
        incidents = put(incidents, added(incident, own))
        findings = [f for f in findings if f not in own]
    by_subject: dict[str, list[Finding]] = {}
    for finding in findings:
        by_subject.setdefault(quality_subject(finding, incidents), []).append(finding)
    for subject, own in by_subject.items():
        incidents = joined(incidents, own, subject, now, model)
    return incidents


def with_feed(
    incidents: tuple[Incident, ...], findings: list[Finding], now: datetime, model: str
) -> tuple[Incident, ...]:
    """Let alarms about outcomes join the incident about them, those about their level one about quality; else open one.

    What a closed incident about outcomes explains is dropped: the newest rows may still be those of its stretch.
    """
    over = [i.closed for i in incidents if i.subject == OUTCOMES and i.closed is not None]
    findings = [f for f in findings if not over or f.since >= max(over)]
    level = [f for f in findings if f.metric == LEVEL]
    about = QUALITY if any(i.live and i.subject == QUALITY for i in incidents) else OUTCOMES
    incidents = joined(incidents, [f for f in findings if f not in level], OUTCOMES, now, model)
    return joined(incidents, level, about, now, model)


def quality_subject(finding: Finding, incidents: Iterable[Incident]) -> str:
    """Return `quality`, or `outcomes` where those are in doubt; for a step at a release, also `quality of` the version.

    A model that has been off its set point for weeks must not hide that its newest version made it worse at once.
    """
    if any(i.live and i.subject == OUTCOMES for i in incidents):
        return OUTCOMES
    if not finding.metric.endswith("_step"):
        return QUALITY
    own = f"{QUALITY} of {finding.version}"
    live = {i.subject: i for i in incidents if i.live}
    if own in live or QUALITY not in live:
        return own if own in live else QUALITY
    return QUALITY if finding.version in {f.version for f in live[QUALITY].findings} else own


def joined(
    incidents: tuple[Incident, ...], findings: list[Finding], subject: str, now: datetime, model: str
) -> tuple[Incident, ...]:
    """Add findings to the live incident of a subject, or open it."""
    if not findings:
        return incidents
    incident = next((i for i in incidents if i.live and i.subject == subject), None)
    if incident is not None:
        return put(incidents, added(incident, findings))
    return (*incidents, opened(findings, subject, now, model, incidents))


def opened(
    findings: Sequence[Finding], subject: str, now: datetime, model: str, incidents: Iterable[Incident]
) -> Incident:
    """Return a new incident; its id says when and about what."""
    name = f"{model}-{now:%Y%m%dT%H%M}-{re.sub(r'[^A-Za-z0-9_.]+', '-', subject)}"
    again = sum(i.id == name or i.id.startswith(f"{name}-") for i in incidents)
    incident = Incident(
        id=f"{name}-{again + 1}" if again else name,
        model=model,
        status=IncidentStatus.OPEN,
        since=min(f.since for f in findings),
        opened=now,
        subject=subject,
        findings=(),
    )
    words = "; ".join(f"{' of '.join(filter(None, (f.metric, f.column)))}: {f.detail}" for f in findings[:3])
    return replace(added(incident, findings), timeline=(Event(at=now, what=What.OPENED, said=f"opened: {words}"),))


def added(incident: Incident, findings: Iterable[Finding]) -> Incident:
    """Add findings; of each kind the first and the newest stay."""
    kept = list(incident.findings)
    for finding in findings:
        same = [f for f in kept if kind_of(f) == kind_of(finding)]
        if finding in same:
            continue
        if len(same) > 1:
            kept.remove(same[-1])
        kept.append(finding)
    return replace(incident, findings=tuple(kept)) if tuple(kept) != incident.findings else incident


def kind_of(finding: Finding) -> tuple[str | None, ...]:
    """Return what makes two findings the same measurement at different times."""
    return finding.monitor, finding.metric, finding.column, finding.segment


def put(incidents: tuple[Incident, ...], incident: Incident) -> tuple[Incident, ...]:
    """Put an incident in the place of the one with its id."""
    return tuple(incident if i.id == incident.id else i for i in incidents)


def column_of(finding: Finding) -> str:
    """Return the column of a data finding; refused requests may name none."""
    return finding.column or REQUESTS


def columns_of(incident: Incident) -> set[str]:
    """Return the columns that an incident's alarms are about."""
    return {column_of(f) for f in incident.findings if is_about_inputs(f)}


def is_data(incident: Incident) -> bool:
    """Whether an incident is about columns."""
    return bool(columns_of(incident))


def waits_for_cause(incident: Incident) -> bool:
    """Whether this is a quality incident that nothing was done about."""
    return incident.status is IncidentStatus.OPEN and incident.subject == QUALITY and incident.acted_by == ""


def strength(finding: Finding) -> float:
    """Return how far an alarm is beyond its limit, to either side: 1 at the limit, and 1 more for each limit beyond."""
    return 1 + abs(finding.value - finding.limit) / max(abs(finding.limit), 1e-9)


def mended(incident: Incident) -> datetime | None:
    """Return when the harm of an incident ended: its repair was applied, or it closed; holding alone mends nothing."""
    repair = incident.repair
    if repair is None or repair.applied is None or repair.remedy is Remedy.HOLD:
        return incident.closed
    return repair.applied


def explained(finding: Finding, incidents: Iterable[Incident]) -> bool:
    """Whether an alarm only sees the stretch of an incident that is over.

    A quality window may still hold rows from before the repair; a column's window rows from before its map was lifted.
    What is only advice mends no stretch.
    """
    for incident in incidents:
        repair = incident.repair
        if incident.live or repair is None or repair.remedy.is_advice:
            continue
        if is_about_answers(finding):
            ended = mended(incident)
        else:
            ended = incident.closed if column_of(finding) in columns_of(incident) else None
        if ended is not None and incident.since < finding.until and finding.since < ended:
            return True
    return False
