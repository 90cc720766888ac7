"""A deployment as it was: what an overview of a period that is over shows."""

from datetime import datetime

from setpoint.domain.as_known import as_known
from setpoint.domain.fleet import Deployment
from setpoint.domain.ledger import Ledger
from setpoint.domain.live import Served
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput


def as_of(deployment: Deployment, when: datetime) -> Deployment:
    """Return a deployment with the champion and the incidents of a time; what was not known by then is left out.

    Raises
    ------
    InvalidInput
        If the model was deployed later.
    """
    if deployment.looked is None or when >= deployment.looked:
        return deployment
    releases = tuple(r for r in deployment.releases if r.at <= when)
    if not releases:
        first = deployment.releases[0].at
        raise InvalidInput(
            f"{deployment.model} was first deployed at {first:%Y-%m-%d %H:%M}, after {when:%Y-%m-%d %H:%M}"
        )
    return replace(
        deployment,
        served=Served(champion=releases[-1].version),
        releases=releases,
        incidents=tuple(as_known(i, when) for i in deployment.incidents if i.opened <= when),
        rollouts=(),
        ledger=Ledger(entries=tuple(e for e in deployment.ledger.entries if e.until <= when)),
        study=deployment.study if deployment.study and deployment.study.at <= when else None,
        looked=when,
    )
