"""How many requests the repairs have refused, by what the workers tell."""

from collections.abc import Mapping

from setpoint.domain.incident import Incident
from setpoint.domain.live import WorkerStatus
from setpoint.domain.value import replace


def with_stopped(incidents: tuple[Incident, ...], reports: Mapping[int, WorkerStatus]) -> tuple[Incident, ...]:
    """Return the incidents with what was refused by now; a worker that was started anew counts from nothing."""
    return tuple(_counted(incident, reports) for incident in incidents)


def _counted(incident: Incident, reports: Mapping[int, WorkerStatus]) -> Incident:
    repair = incident.repair
    if repair is None or not repair.in_force:
        return incident
    told = sum(report.stopped.get(repair.id, 0) for report in reports.values())
    return replace(incident, repair=replace(repair, stopped=told)) if told > repair.stopped else incident
