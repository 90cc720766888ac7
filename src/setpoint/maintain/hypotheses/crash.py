"""A process died or hung, for some rows that it was asked, or not; or its memory grows until it would."""

from collections.abc import Sequence

from setpoint.domain.finding import Finding
from setpoint.domain.incident import Cause, Incident, Remedy, Repair
from setpoint.domain.isolation import Isolation
from setpoint.maintain.case import Case, Score
from setpoint.maintain.explanation import CERTAIN, Explanation
from setpoint.maintain.fatal import Fatal


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain an incident that holds a process alarm: the supervisor's word is certain."""
    seen = _seen(incident)
    if not seen:
        return ()
    words = tuple(f"{f.until:%Y-%m-%d %H:%M:%S} {f.metric}: {f.detail}".rstrip(": ") for f in seen)
    if case.fatal is not None and case.fatal.culprits:
        return (_ended_by(incident, case, case.fatal, words),)
    words += case.fatal.words if case.fatal is not None else ()
    grows = all(f.metric == "memory" for f in seen)
    proof = "a process that ended is started again; proven when its restart is seen, or it answers"
    if grows:
        proof = f"{words[-1]}: it finishes what it began, and starts anew; proven when its restart is seen"
    repair = Repair(
        id=incident.named("-restart"),
        remedy=Remedy.RESTART,
        subject=incident.subject,
        worker=int(incident.subject.removeprefix("worker ")) if grows else None,
        proof=proof,
    )
    return (Explanation(cause=Cause.CRASH, subject=incident.subject, support=CERTAIN, evidence=words, repair=repair),)


def is_about_an_end(incident: Incident) -> bool:
    """Whether a process ended or hung."""
    return any(f.metric != "memory" for f in _seen(incident))


def is_end(finding: Finding) -> bool:
    """Whether a finding says that a worker ended or hung."""
    return finding.monitor == "process" and finding.metric in ("crash", "hang")


def _seen(incident: Incident) -> list[Finding]:
    return [f for f in incident.findings if f.monitor == "process" and f.alarm]


def _ended_by(incident: Incident, case: Case, fatal: Fatal, words: tuple[str, ...]) -> Explanation:
    """Explain an end by the rows that end a process each time; refused, they end none."""
    name, champion = incident.named("-isolate"), case.champion.version
    words += fatal.words
    repair = Repair(
        id=name,
        remedy=Remedy.ISOLATE,
        subject=fatal.subject,
        isolation=Isolation(id=name, version=champion, rows=fatal.culprits),
        proof=f"{fatal.words[-1]}: requests with such a row are refused, all others answered, while {champion} is "
        "champion",
    )
    return Explanation(cause=Cause.CRASH, subject=fatal.subject, support=CERTAIN, evidence=words, repair=repair)
