"""What incidents cost, counted again at each look while they last, and for a week after: outcomes come late."""

from datetime import timedelta

from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident
from setpoint.domain.objective import asked_gain
from setpoint.domain.records import moment
from setpoint.domain.value import replace
from setpoint.loop.looks.look import Look
from setpoint.loop.looks.spans import concerns_answers
from setpoint.maintain.harm import harm_of

LATE = timedelta(days=7)  # after it is over


def with_harm(incidents: tuple[Incident, ...], deployment: Deployment, look: Look) -> tuple[Incident, ...]:
    """Return the incidents with what they cost by now; one that began before the rows at hand keeps what it had."""
    if not len(look.history):
        return incidents
    first = moment(look.history.time[0])
    return tuple(_with_harm(i, deployment, look) if i.since >= first and _due(i, look) else i for i in incidents)


def _due(incident: Incident, look: Look) -> bool:
    over = incident.closed is not None and look.now - incident.closed > LATE
    return concerns_answers(incident) and not over


def _with_harm(incident: Incident, deployment: Deployment, look: Look) -> Incident:
    harm = harm_of(
        incident,
        look.history,
        look.healthy(deployment, incident.since),
        look.champion.schema,
        look.now,
        gain=asked_gain(deployment.objectives),
        threshold=look.champion.threshold,
    )
    return replace(incident, harm=harm)
