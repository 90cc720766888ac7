"""Count the scores of the windows that estimates need, and let them speak."""

from setpoint.domain.fleet import Deployment
from setpoint.domain.ledger import Estimated, Ledger
from setpoint.domain.version import ModelVersion
from setpoint.loop.ports import Ports
from setpoint.monitor.estimate import Unlabelled, estimate, spans
from setpoint.monitor.estimators import can_be_estimated, read_taught
from setpoint.monitor.seen import Seen


def estimated(
    ports: Ports, deployment: Deployment, champion: ModelVersion, seen: Seen
) -> tuple[tuple[Estimated, ...], Ledger]:
    """Return the objectives before their labels are there, and the ledger after this look.

    Only stored profiles are read: what it costs does not grow with the number of requests.
    """
    model, schema, released = deployment.model, champion.schema, deployment.releases[-1].at
    goals = tuple(o for o in deployment.objectives if can_be_estimated(schema.task, o))
    wanted = spans(goals, deployment.ledger, champion.version, released, seen.now) if goals else []
    counts = {
        (since, until): ports.log.profile(model, since, until, version=champion.version).columns[schema.score].bins
        for since, until in wanted
    }
    return estimate(
        seen,
        Unlabelled(
            version=champion.version,
            released=released,
            taught=read_taught(ports.bundles.folder(model, champion.version), schema.task),
            ledger=deployment.ledger,
            counts=counts,
        ),
    )
