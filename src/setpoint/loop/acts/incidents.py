"""What is done about incidents."""

from collections.abc import Sequence
from datetime import datetime

from setpoint.domain import mending
from setpoint.domain.event import What
from setpoint.domain.fleet import Deployment, Release
from setpoint.domain.incident import Incident, IncidentStatus
from setpoint.domain.records import Columns
from setpoint.domain.remembering import ranked
from setpoint.domain.value import replace
from setpoint.loop import actions as do
from setpoint.loop.acts.base import act
from setpoint.loop.changes import (
    cause_of,
    decided,
    find_incident,
    with_incident,
)
from setpoint.loop.ended import ended_around
from setpoint.loop.learning.contest import may_backtest
from setpoint.loop.looks.asked import asked_around, bursting_beside
from setpoint.loop.looks.clear import in_clear, score
from setpoint.loop.looks.columns import same_columns
from setpoint.loop.looks.look import Look
from setpoint.loop.opening import located, with_others
from setpoint.loop.placing import displaced, overlapping, placed
from setpoint.loop.ports import Ports
from setpoint.loop.refetching import asks, counted_in, is_spent, sourced
from setpoint.loop.release import read_binning
from setpoint.loop.taking import taken_back
from setpoint.maintain.case import Case, Score
from setpoint.maintain.decide import facts_of
from setpoint.maintain.investigate import investigate
from setpoint.maintain.onset import onset_of


@act.register
def _(action: do.Investigate, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = find_incident(deployment, action.incident)
    case, deployment = case_of(ports, deployment, look, incident)

    def ask(version: str, inputs: Columns) -> Columns:
        return score(ports, deployment.model, version, inputs)

    changed = _thought_over(incident, case, ask)
    return with_others(located(deployment, incident, changed), changed, case, lambda i, c: _thought_over(i, c, ask))


def case_of(
    ports: Ports, deployment: Deployment, look: Look, incident: Incident, since: datetime | None = None
) -> tuple[Case, Deployment]:
    """Return what an investigation may look at, and the deployment with what its source was asked counted in.

    The rows are those since the incident, or `since` later: then the source is asked of them in any case.
    """
    releases = same_columns(ports, deployment)
    champion = releases[-1]
    healthy, suspect = look.healthy(deployment, incident.since), look.history.between(since or incident.since, None)
    if not look.unreadable:
        healthy, suspect = (in_clear(ports, deployment.model, rows) for rows in (healthy, suspect))
    allowed = since is not None or not is_spent(deployment, look.now)
    refetches = allowed and not look.unreadable and asks(deployment, incident, suspect)
    case = Case(
        schema=look.champion.schema,
        binning=read_binning(ports.bundles.folder(deployment.model, champion.version)),
        healthy=healthy,
        suspect=suspect,
        champion=champion,
        previous=_replaced(releases),
        backtest=may_backtest(deployment, champion),
        maps=deployment.served.maps,
        baseline=deployment.baseline,
        unreadable=look.unreadable,
        behind_s=look.delivered.behind_s if look.delivered else 0.0,
        reports=look.reports,
        now=look.now,
        asked=asked_around(ports, deployment, incident, look.now),
        fatal=ended_around(ports, deployment, incident, look),
        bursting=bursting_beside(deployment, incident),
        sourced=sourced(ports, deployment, look.champion.schema, incident, suspect) if refetches else None,
    )
    return case, counted_in(deployment, len(suspect), look.now) if refetches else deployment


def _thought_over(incident: Incident, case: Case, ask: Score) -> Incident:
    """Return an incident with the causes and the repair that are found for it."""
    causes, repair = investigate(incident, case, ask)
    again = incident.began is not None and cause_of(incident) == (causes[0].cause, causes[0].subject)
    onset = None if again else onset_of(incident, causes, case.healthy, case.suspect, case.schema)
    return replace(
        ranked(incident, case.now, causes),
        investigated=case.now,
        causes=causes,
        repair=repair,
        began=(onset.after, onset.before) if onset else incident.began,
        examples=onset.examples if onset else case.fatal.examples if case.fatal else incident.examples,
    )


def _replaced(releases: Sequence[Release]) -> Release | None:
    """Return the release before the champion's; None where the champion is itself a way back."""
    *before, champion = releases
    return None if champion.version in {r.version for r in before} else next(iter(before[::-1]), None)


@act.register
def _(action: do.Mend, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    before = find_incident(deployment, action.incident)
    mended = before.status in mending.MENDED and before.repair is not None
    for other in overlapping(deployment, action.repair):
        if other == before.id:
            continue
        why = f"a repair of {action.incident} takes its place"
        deployment = taken_back(deployment, other, look.now, why, helped=False, by=action.by)
    put = mending.bettered if mended else mending.put_in_place
    changed = put(before, action.repair, look.now, action.by)
    if mended and before.repair is not None:
        deployment, _ = displaced(deployment, before.repair, look.now, action.by)
    if action.repair.worker is not None:
        ports.platform.restart(action.repair.worker)
    deployment, ends = placed(deployment, replace(action.repair, applied=look.now), look.now, action.by)
    why = f"{action.repair.remedy}: {action.why}{ends}"
    told = f"{action.repair.remedy} by {action.by}: {action.why}{ends}"
    deployment = with_incident(deployment, changed, look.now, told, what=What.MENDED, by=action.by)
    return decided(deployment, look.now, *cause_of(changed), "mend", why, action.by, facts=facts_of(action.repair))


@act.register
def _(action: do.Ask, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = replace(find_incident(deployment, action.incident), status=IncidentStatus.WAITING)
    deployment = with_incident(deployment, incident, look.now, f"waits for a person: {action.why}", what=What.ASKED)
    return decided(deployment, look.now, *cause_of(incident), "ask", action.why)


@act.register
def _(action: do.Hold, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    held = mending.proven(find_incident(deployment, action.incident), look.now, action.loss)
    deployment = with_incident(deployment, held, look.now, f"recovered: {action.why}", what=What.RECOVERED)
    return decided(deployment, look.now, *cause_of(held), "recovered", action.why)


@act.register
def _(action: do.Undo, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    return taken_back(deployment, action.incident, look.now, action.why, helped=action.helped)


@act.register
def _(action: do.Close, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = find_incident(deployment, action.incident)
    if incident.status is not IncidentStatus.MENDING:
        closed = mending.over(incident, look.now)
    elif action.helped:
        closed = mending.proven(incident, look.now, action.loss)
    else:
        closed = mending.kept(incident, look.now, action.loss)
    deployment = with_incident(deployment, closed, look.now, f"closed: {action.why}", what=What.CLOSED)
    return decided(deployment, look.now, *cause_of(closed), "close", action.why)
