"""What an incident remembers of its course, within bounds."""

from collections.abc import Sequence
from datetime import datetime

from setpoint.domain.event import Event
from setpoint.domain.incident import Hypothesis, Incident, Ranking, Weight
from setpoint.domain.value import replace

MOST_EVENTS = 200  # of a timeline; the first one and the newest stay
MOST_RANKINGS = 40  # looks whose ranking is kept; beyond, every other one goes
RANKED = 6  # causes of a look that are kept


def happened(incident: Incident, event: Event) -> Incident:
    """Return the incident with one more event; where there are too many, the oldest go, but for the first."""
    told = (*incident.timeline, event)
    if len(told) <= MOST_EVENTS:
        return replace(incident, timeline=told)
    return replace(
        incident,
        timeline=(told[0], *told[len(told) - MOST_EVENTS + 1 :]),
        forgotten=incident.forgotten + len(told) - MOST_EVENTS,
    )


def events_since(incident: Incident, count: int) -> tuple[Event, ...]:
    """Return the events after the first `count` that there ever were, as far as they are remembered."""
    return incident.timeline[max(count - incident.forgotten, 1 if count else 0) :]


def ranked(incident: Incident, at: datetime, causes: Sequence[Hypothesis]) -> Incident:
    """Return the incident with how likely each cause is thought now; the first and the newest ranking always stay."""
    weights = tuple(Weight(cause=c.cause, subject=c.subject, weight=c.weight) for c in causes[:RANKED])
    kept = (*incident.rankings, Ranking(at=at, weights=weights))
    if len(kept) > MOST_RANKINGS:
        kept = (*kept[:-1:2], kept[-1])
    return replace(incident, rankings=kept)
