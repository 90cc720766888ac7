"""Whether something better than what the door can do takes its place: a version that does without a lost column."""

from setpoint.domain.bounds import breaches
from setpoint.domain.envelope import Change, Kind
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident
from setpoint.domain.mending import MOST
from setpoint.domain.update import Method
from setpoint.domain.value import replace
from setpoint.loop.actions import AskAgain, Mend, StandIn
from setpoint.loop.history import changes_of
from setpoint.loop.looks.look import Look
from setpoint.loop.refetching import asks, is_spent
from setpoint.loop.taking import objection
from setpoint.maintain.decide import decide
from setpoint.maintain.source_again import asks_again, last_asked
from setpoint.maintain.stand_in import lost_column


def next_better(incident: Incident, deployment: Deployment, look: Look) -> Mend | StandIn | AskAgain | None:
    """Have a version fitted that does without a lost column; where it is surely better, have it answer meanwhile."""
    envelope, before = deployment.envelope, changes_of(deployment.decisions)
    if (better := incident.better) is not None:
        offered = replace(incident, repair=better)
        acts = decide(offered, envelope, before, look.now)[0] == "act" and not objection(offered, deployment, look.now)
        if not acts or offered.refusal is not None or len(incident.tried) >= MOST - 1:
            return None
        return Mend(incident=incident.id, repair=better, why=better.proof)
    if asks_again(incident, look.now) and _may_ask(incident, deployment, look):
        return AskAgain(incident=incident.id)
    lost = lost_column(incident)
    if lost is None or deployment.training is not None or look.unreadable or _is_mended(lost[1], incident, deployment):
        return None
    if not (envelope.is_automatic(Kind.RETRAIN) and envelope.is_automatic(Kind.FALLBACK)):
        return None
    fit = Change(at=look.now, kind=Kind.RETRAIN, subject="", facts={"method": str(Method.REFIT)})
    return None if breaches(envelope, fit, before) else StandIn(incident=incident.id)


def _may_ask(incident: Incident, deployment: Deployment, look: Look) -> bool:
    """Whether a source that answers may be asked now; what is being fitted for the incident is judged with that."""
    if look.unreadable or (deployment.training is not None and deployment.training.incident == incident.id):
        return False
    suspect = look.history.between(last_asked(incident), None)
    return asks(deployment, incident, suspect) and not is_spent(deployment, look.now)


def _is_mended(column: str, incident: Incident, deployment: Deployment) -> bool:
    """Whether a repair of another incident sees to a column."""
    others = (i.repair for i in deployment.incidents if i.live and i.id != incident.id)
    return any(r is not None and r.in_force and r.map is not None and column in r.map.changes for r in others)
