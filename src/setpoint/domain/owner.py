"""Who sees to what: owners of features and of the sources that they come from, and runbooks."""

from setpoint.domain.incident import Incident
from setpoint.domain.value import field, value


@value
class Owner:
    """A team or a person, the features that are theirs (none: all that nobody else has), and where to read on."""

    name: str
    features: tuple[str, ...] = ()
    source: str = ""  # the system upstream that the features come from
    runbook: str = ""


@value
class Owners:
    """What setpoint.yaml says: `runbooks` are by cause."""

    owners: tuple[Owner, ...] = ()
    runbooks: dict[str, str] = field(default_factory=dict)


@value
class Responsible:
    """Who sees to an incident, the source upstream, and what to read; empty texts where nobody said so."""

    name: str = ""
    source: str = ""
    runbook: str = ""


def responsible_for(incident: Incident, owners: Owners) -> Responsible:
    """Return who sees to an incident: the owner of the column that is blamed, else of all that nobody else has.

    The runbook is that of the likeliest cause, else the owner's.
    """
    cause = incident.causes[0] if incident.causes else None
    about = [*(cause.subject.split(", ") if cause else ()), incident.subject]
    owner = next((o for name in about for o in owners.owners if name in o.features), None)
    owner = owner or next((o for o in owners.owners if not o.features), None)
    runbook = owners.runbooks.get(cause.cause, "") if cause else ""
    if owner is None:
        return Responsible(runbook=runbook)
    return Responsible(name=owner.name, source=owner.source, runbook=runbook or owner.runbook)
