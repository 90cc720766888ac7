"""A story in facts: the same for the terminal, the page and Markdown."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from setpoint.domain.envelope import LOOP
from setpoint.domain.feature_map import words as map_words
from setpoint.domain.incident import Harm, Incident, Tried
from setpoint.loop.record.story import Story
from setpoint.monitor.overview.words import of_incident, taken_back_words
from setpoint.monitor.report.writing import clock, number, share, span

Fact = tuple[str, str]


def headline(story: Story) -> str:
    """Say what is wrong, since when, and what was done about it."""
    text = of_incident(story.incident)
    return text[:1].upper() + text[1:]


def facts(story: Story) -> tuple[Fact, ...]:
    """Return what is known, by name; what is not known is not there."""
    return tuple((name, text) for name, text in _facts(story) if text)


def _facts(story: Story) -> Iterator[Fact]:
    i, who = story.incident, story.responsible
    yield "Status", _status(i)
    yield "Began", _began(i)
    yield "Found", _after(i.opened, i)
    yield "Located", _after(i.located, i) if i.located else "no known cause explains it"
    yield "Mended", _after(i.repair.applied, i) if i.repair and i.repair.applied else ""
    yield "Recovered", _after(i.recovered, i) if i.recovered else "not yet"
    yield "Cost so far" if i.live else "Cost", harm_words(i.harm)
    yield "Remedy", repair_words(i)
    yield "Tried", "; ".join(f"{t.repair.remedy} of {t.repair.subject}, {_why(t)}" for t in i.tried)
    yield "Regained", share(min(i.regained, 1.0)) + " of the lost quality" if i.regained is not None else ""
    yield "Version", ", ".join(story.versions)
    yield (
        "Shows in",
        "; ".join(
            f"{p.kind} {p.name} ({share(p.share)} of {p.rows:,} rows, {share(p.others)} of the others)"
            for p in story.places
        ),
    )
    yield "Requests", ", ".join(i.examples)
    yield "Owner", who.name + (f" (source: {who.source})" if who.source else "")
    yield "Runbook", who.runbook


def _why(tried: Tried) -> str:
    return f"taken back: {tried.why}" if tried.by == LOOP else tried.why  # which says who


def _status(incident: Incident) -> str:
    people = [
        (f"taken over by {incident.handled_by}", incident.handled_by),
        (f"approved by {incident.approved_by}", incident.approved_by),
        (f"refused by {incident.refusal.by}" if incident.refusal else "", incident.refusal),
        (f"known to {incident.acknowledged_by}", incident.acknowledged_by),
    ]
    return "; ".join([str(incident.status), *(said for said, who in people if who)])


def _began(incident: Incident) -> str:
    if incident.began is None:
        return f"{clock(incident.since)} UTC or later"
    after, before = incident.began
    return f"between {clock(after)} and {clock(before)} UTC (95 %)"


def _after(when: datetime | None, incident: Incident) -> str:
    if when is None:
        return ""
    late = max(when - incident.began_by, timedelta(0))
    return f"{clock(when)} UTC, {span(late.total_seconds())} after it began"


def harm_words(harm: Harm | None) -> str:
    """Say how many answers were touched, and what they lost."""
    if harm is None:
        return ""
    answers = f"{harm.records:,} answers until {clock(harm.until)} UTC"
    if harm.loss is None or harm.healthy is None:
        return f"{answers}; what they lost is not known before {'more ' if harm.labelled else ''}outcomes come"
    times = f", {harm.times:.1f} times as much" if harm.times is not None else ""
    lost = f"{harm.unit} {number(harm.loss)} where healthy rows have {number(harm.healthy)}{times}"
    worth = "" if harm.value is None else f"; value {number(harm.value)}"
    return f"{answers}; {lost} ({harm.labelled:,} outcomes){worth}"


def repair_words(incident: Incident) -> str:
    """Say what was proposed or done, and what came of it."""
    repair = incident.repair
    if repair is None:
        return "none is proven"
    name = str(repair.remedy).replace("_", " ")
    what = f"{name}: {map_words(repair.map)}" if repair.map else f"{name} of {repair.subject}"
    if repair.to_version:
        what = f"{name} to {repair.to_version}"
    expected = [
        f"{label} {number(loss)}"
        for label, loss in (
            ("without it", repair.loss_before),
            ("expected", repair.loss_expected),
            ("measured", repair.loss_realised),
        )
        if loss is not None
    ]
    state = taken_back_words(incident) or ("lifted" if repair.lifted else "")
    state = state or ("in place" if repair.applied else "named, not applied")
    refuses = repair.applied is not None and bool(repair.throttle or repair.isolation)
    refused = f"; {repair.stopped:,} requests were refused" if refuses else ""
    return f"{what} ({state})" + refused + (f"; loss {', '.join(expected)}" if expected else "")
