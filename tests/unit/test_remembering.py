"""An incident remembers its course within bounds."""

from datetime import UTC, datetime, timedelta

from setpoint.domain.event import Event, What
from setpoint.domain.incident import Cause, Hypothesis, Incident, IncidentStatus
from setpoint.domain.remembering import MOST_EVENTS, MOST_RANKINGS, RANKED, events_since, happened, ranked

NOW = datetime(2024, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def an_incident():
    return Incident(id="i", model="m", status=IncidentStatus.OPEN, since=NOW, opened=NOW, subject="x", findings=())


def test_of_too_many_events_the_first_and_the_newest_stay_and_none_is_told_twice():
    incident, told = an_incident(), 0
    for at in range(MOST_EVENTS + 50):
        incident = happened(incident, Event(at=NOW + at * HOUR, what=What.NOTED, said=str(at)))
        new = events_since(incident, told)
        assert [e.said for e in new] == [str(at)]
        told = incident.forgotten + len(incident.timeline)
    assert len(incident.timeline) == MOST_EVENTS
    assert (incident.timeline[0].said, incident.timeline[-1].said) == ("0", str(MOST_EVENTS + 49))
    assert incident.forgotten == 50


def test_rankings_thin_out_and_the_first_and_the_newest_stay():
    incident = an_incident()
    causes = [Hypothesis(cause=Cause.UNIT, weight=0.1, subject=str(n)) for n in range(9)]
    for at in range(500):
        incident = ranked(incident, NOW + at * HOUR, causes)
    assert len(incident.rankings) <= MOST_RANKINGS
    assert (incident.rankings[0].at, incident.rankings[-1].at) == (NOW, NOW + 499 * HOUR)
    assert {len(r.weights) for r in incident.rankings} == {RANKED}
