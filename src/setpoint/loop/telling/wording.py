"""What a message says: what somebody who is woken by it wants to know, as plain text and as Markdown."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from setpoint.domain.finding import Finding
from setpoint.domain.incident import Cause, Incident, IncidentStatus, Remedy
from setpoint.domain.mending import barred
from setpoint.domain.notice import Message, Severity
from setpoint.domain.owner import Responsible
from setpoint.domain.value import value
from setpoint.loop.telling.news import ALONE, Kind, News
from setpoint.maintain.triage import QUALITY, SERVICE, WAY_BACK, strength
from setpoint.monitor.overview.words import taken_back_words

LONGEST = 240  # characters of one line
RUNBOOK = "Runbook"
MOST_SAID = 3  # newest lines of a timeline
REPEATED = re.compile(r"^\S+ \S+ (most likely|waits for a person)")  # what other facts of the message say
MARKS = re.compile(r"([\\`*_\[\]<>#|~])")


@value
class Entry:
    """One numbered part of a message: a headline, facts by name, and the command to run next."""

    head: str
    facts: tuple[tuple[str, str], ...]
    command: str


def composed(model: str, news: Sequence[News], now: datetime) -> Message:
    """Return one message that says everything, the most important first."""
    entries = [_entry(model, n, now) for n in news]
    title = _title(model, news)
    heading = f"{now:%Y-%m-%d %H:%M} UTC"
    return Message(
        id=f"{model}-{now:%Y%m%dT%H%M%S}",
        model=model,
        title=title,
        text="\n\n".join([heading, *map(_as_text, entries)]),
        markdown="\n\n".join([heading, *map(_as_markdown, entries)]),
        severity=_loudest(news),
    )


def trial(model: str, now: datetime) -> Message:
    """Return a message that asks nothing of anybody."""
    said = f"This is a test of the alerts of {model}, sent at {now:%Y-%m-%d %H:%M} UTC. Nothing is wrong."
    id_ = f"{model}-test-{now:%Y%m%dT%H%M%S}"
    return Message(id=id_, model=model, title=f"[test] {model}", text=said, markdown=escaped(said), severity=None)


def what(incident: Incident) -> str:
    """Say what is wrong in some words: the change and what it is about."""
    worst = _worst(incident)
    if worst is None:
        return incident.subject
    change = worst.kind.replace("_", " ") or worst.metric
    about = (
        worst.column or worst.segment or ("" if incident.subject in (QUALITY, SERVICE, WAY_BACK) else incident.subject)
    )
    return " ".join(" of ".join(filter(None, (change, about))).split())


def escaped(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    return MARKS.sub(r"\\\1", text)


def _title(model: str, news: Sequence[News]) -> str:
    first = news[0]
    mark = str(first.severity) if first.kind in (Kind.OPENED, Kind.WORSE) else str(first.kind)
    subject = what(first.incident) if first.incident else _without_incident(first)
    more = f" and {len(news) - 1} more" if len(news) > 1 else ""
    return f"[{mark}] {model}: {subject}{more}"


def _without_incident(news: News) -> str:
    alone = ALONE.get(news.kind)
    return alone.title if alone is not None else f"{news.about} waits for approval"


def _loudest(news: Sequence[News]) -> Severity | None:
    alive = [n.severity for n in news if n.alive]
    if not alive:
        return None
    return Severity.CRITICAL if Severity.CRITICAL in alive else Severity.WARNING


def _entry(model: str, news: News, now: datetime) -> Entry:
    incident = news.incident
    said = tuple(_shortened(line) for line in news.said[-MOST_SAID:] if not REPEATED.search(line))
    if (alone := ALONE.get(news.kind)) is not None:
        why = tuple(("Why", line) for line in said)
        return Entry(head=alone.head, facts=why, command=f"setpoint {alone.command} {model}")
    if incident is None:
        return Entry(
            head=f"{news.kind.capitalize()}: {news.about} is proven and waits to be promoted",
            facts=tuple(("Proof", line) for line in said),
            command=f"setpoint repair approve {news.about} --model {model}",
        )
    facts = [
        *(_seen(incident) if news.full else []),
        ("Since", f"{incident.began_by:%Y-%m-%d %H:%M} UTC, {_lasted(incident, now)}"),
        *([("Likely cause", _cause(incident))] if news.full else []),
        ("Setpoint", _stand(incident)),
        *(("Done", line) for line in said if news.kind not in (Kind.REMINDED, Kind.RECOVERED)),
        *(_responsible(news.responsible) if news.full else []),
        ("Incident", incident.id),
    ]
    matters = f" ({news.severity})" if news.alive else ""
    return Entry(
        head=f"{news.kind.capitalize()}{matters}: {what(incident)}",
        facts=tuple((name, _shortened(text)) for name, text in facts if text),
        command=_command(model, news),
    )


def _seen(incident: Incident) -> list[tuple[str, str]]:
    """Return what is wrong, and the harm that it does."""
    worst = _worst(incident)
    harm = [f for f in _alarms(incident) if f.monitor in (QUALITY, SERVICE) and f is not worst]
    return [("What", _measured(worst)), *(("Harm", _measured(f)) for f in harm[:1])]


def _responsible(who: Responsible) -> list[tuple[str, str]]:
    source = f" (source: {who.source})" if who.source else ""
    return [("Owner", f"{who.name}{source}" if who.name else ""), (RUNBOOK, who.runbook)]


def _command(model: str, news: News) -> str:
    if news.kind is Kind.ASKS:
        return f"setpoint repair approve {news.about}"
    if news.kind is Kind.REMINDED:
        return f"setpoint incidents ack {news.about}"
    return f"setpoint incidents {model}" + (" --all" if news.kind is Kind.RECOVERED else "")


def _worst(incident: Incident) -> Finding | None:
    """Return the alarm with the strongest evidence: of the inputs where some moved, for they come before the harm.

    A budget that burns slowly is named only where none burns faster.
    """
    alarms = _alarms(incident)
    inputs = [f for f in alarms if f.monitor not in (QUALITY, SERVICE)]
    return max(inputs or alarms, key=lambda f: (f.kind != "slow_burn", strength(f)), default=None)


def _alarms(incident: Incident) -> list[Finding]:
    return [f for f in reversed(incident.findings) if f.alarm]


def _measured(finding: Finding | None) -> str:
    if finding is None:
        return ""
    size = f"{finding.metric} {finding.value:.4g}, limit {finding.limit:.4g}, {finding.rows:,} rows"
    where = f"{finding.column}: " if finding.column else ""
    return f"{where}{size}" + (f"; {finding.detail}" if finding.detail else "")


def _cause(incident: Incident) -> str:
    if not incident.causes or incident.causes[0].cause is Cause.UNKNOWN:
        return "none of the known causes explains it"
    likely = incident.causes[0]
    why = f": {likely.evidence[0]}" if likely.evidence else ""
    return f"{likely.cause} of {likely.subject} (weight {likely.weight:.2f}){why}"


def _stand(incident: Incident) -> str:
    """Say what was done, or what is needed."""
    repair = incident.repair
    remedy = str(repair.remedy).replace("_", " ") if repair else ""
    match incident.status:
        case IncidentStatus.CLOSED:
            return incident.timeline[-1].line if incident.timeline else "over"
        case IncidentStatus.HELD:
            return f"recovered; the {remedy} stays until the fault itself is gone"
        case IncidentStatus.MENDING:
            return f"{remedy} in place by {incident.acted_by}; whether it helps is being measured"
        case IncidentStatus.WAITING:
            return f"{remedy} needs your approval: {repair.proof if repair else ''}"
    if repair is None:
        return "no remedy is proven; it is yours to see to"
    if incident.refusal is not None:
        return f"{remedy} was refused by {incident.refusal.by}; it is yours to see to"
    if barred(incident, repair):
        return f"{remedy} was tried and {taken_back_words(incident) or 'taken back'}; it is yours to see to"
    return f"waits: {repair.proof}" if repair.remedy is Remedy.WAIT else f"{remedy} as soon as the evidence allows"


def _lasted(incident: Incident, now: datetime) -> str:
    minutes = round(((incident.closed or now) - incident.began_by) / timedelta(minutes=1))
    if minutes < 120:
        return f"for {minutes} min"
    return f"for {minutes / 60:.0f} h" if minutes < 72 * 60 else f"for {minutes / 1_440:.0f} d"


def _shortened(text: str) -> str:
    """Return one line: the name of a column or a level may hold breaks, and would begin what looks like ours."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _as_text(entry: Entry) -> str:
    facts = [f"  {name}: {text}" for name, text in entry.facts]
    return "\n".join([entry.head, *facts, f"  Next: {entry.command}"])


def _as_markdown(entry: Entry) -> str:
    facts = [f"- {name}: {f'<{text}>' if name == RUNBOOK else escaped(text)}" for name, text in entry.facts]
    return "\n".join([f"**{escaped(entry.head)}**", "", *facts, f"- Next: `{entry.command}`"])
