"""What may take the place of a remedy: what a source, asked again, shows to bring a column back, or a stand-in."""

from setpoint.domain.event import What
from setpoint.domain.feature_map import FeatureMap, Sign
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Cause, Incident, Repair
from setpoint.domain.records import Columns
from setpoint.domain.value import replace
from setpoint.loop import actions as do
from setpoint.loop.acts.base import act
from setpoint.loop.acts.incidents import case_of
from setpoint.loop.acts.stand_ins import judged_by_source, judged_on_healthy
from setpoint.loop.changes import cause_of, decided, find_incident, with_incident
from setpoint.loop.learning.learnt import learnt_erased
from setpoint.loop.looks.clear import score
from setpoint.loop.looks.look import Look
from setpoint.loop.ports import Ports
from setpoint.maintain import stand_in
from setpoint.maintain.remedies import sourced_repair
from setpoint.maintain.remedies.sourced import ERROR
from setpoint.maintain.source_again import last_asked


@act.register
def _(action: do.AskAgain, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = find_incident(deployment, action.incident)
    assert incident.repair is not None
    deployment, incident, better, why = _sought(ports, deployment, look, incident, incident.repair.subject)
    return with_incident(deployment, incident) if better is None else _offered(deployment, look, incident, better, why)


@act.register
def _(action: do.Offer, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    training, fit = deployment.training, look.fit
    assert training is not None
    assert training.without is not None
    assert fit is not None
    deployment = replace(deployment, training=None)
    incident = find_incident(deployment, training.incident)
    if fit.version is None:
        why = fit.error or "the training gave no version"
        return decided(deployment, look.now, *cause_of(incident), "training failed", why)
    if erased := learnt_erased(ports, deployment.model, fit.version):
        return decided(deployment, look.now, *cause_of(incident), "reject", erased)
    incident = replace(incident, stand_in=fit.version)
    if _is_skew(training.without) and not stand_in.is_replaced(deployment.served.maps, training.without.feature):
        deployment, incident, better, why = _sought(ports, deployment, look, incident, training.without.feature)
    else:
        better, why = judged_on_healthy(ports, deployment, look, incident, training, fit.version)
    if better is None:
        deployment = with_incident(deployment, incident)
        return decided(deployment, look.now, *cause_of(incident), "reject", why)
    return _offered(deployment, look, incident, better, why)


def _is_skew(repair: FeatureMap) -> bool:
    return repair.instead is not None and repair.instead.sign is Sign.UNLIKE


def _sought(
    ports: Ports, deployment: Deployment, look: Look, incident: Incident, column: str
) -> tuple[Deployment, Incident, Repair | None, str]:
    """Ask the source of a column again; return what surely brings answers nearer to those with its values, and why.

    Each time has half of the error of the one before.
    """
    case, deployment = case_of(ports, deployment, look, incident, since=last_asked(incident))
    incident = replace(incident, asked_again=(*incident.asked_again, look.now))
    if case.sourced is None:
        return deployment, incident, None, f"the source of {column} knows no row"
    tries = len(incident.asked_again)

    def ask(version: str, inputs: Columns) -> Columns:
        return score(ports, deployment.model, version, inputs)

    better, why = sourced_repair(incident, case, column, ask, tries=tries)
    fitted = incident.stand_in not in ("", stand_in.NONE)
    if better is None and fitted and not learnt_erased(ports, deployment.model, incident.stand_in):
        error = ERROR / 2**tries
        better, why = judged_by_source(ports, deployment, look, incident, case.sourced, column, error)
    if better is None:
        return deployment, incident, None, why
    weight = incident.repair.weight if incident.repair is not None else better.weight
    return deployment, incident, replace(better, cause=Cause.SKEW, weight=weight), better.proof


def _offered(deployment: Deployment, look: Look, incident: Incident, better: Repair, why: str) -> Deployment:
    offered = replace(incident, better=better)
    told = f"{better.remedy} of {better.subject} may take the place of what is done: {why}"
    return with_incident(deployment, offered, look.now, told, what=What.NOTED)
