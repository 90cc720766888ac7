"""What an overview is made from: read once by the loop, then only thought about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from setpoint.domain.finding import Finding
from setpoint.domain.fleet import Deployment, Standing
from setpoint.domain.ledger import Estimated, Ledger
from setpoint.domain.profile import Profile
from setpoint.domain.records import Records
from setpoint.domain.series import Series
from setpoint.domain.study import Study
from setpoint.domain.version import ModelVersion
from setpoint.monitor.limits import Limits

NO_LEDGER = Ledger()
MOST_POINTS = 120  # stretches of a period, but for a day or two by the hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Records, profiles and findings of a period.

    Parameters
    ----------
    deployment : Deployment
        As of the end of the period as far as its incidents go.
    findings, standings : tuple
        Of a look at the end of the period.
    series : Series
        Counts of the champion's rows by stretch of the period.
    requests : tuple of dict
        Of each stretch: violation code → count, `""` → all requests.
    answers : Records
        The champion's rows of the period, with the outcomes known at its end.
    segments : dict
        Rows of the period by segment.
    estimates : tuple of Estimated
        The objectives before their labels, at the end of the period.
    ledger : Ledger
        What became of earlier estimates.
    study : Study, optional
        The last one: what could not be judged, and what moves the answers.
    newest : datetime, optional
        When the last answer was recorded.
    """

    deployment: Deployment
    champion: ModelVersion
    since: datetime
    until: datetime
    findings: tuple[Finding, ...]
    standings: tuple[Standing, ...]
    series: Series
    reference: Profile
    limits: Limits
    requests: tuple[Mapping[str, int], ...]
    answers: Records
    segments: Mapping[str, int] = field(default_factory=dict)
    estimates: tuple[Estimated, ...] = ()
    ledger: Ledger = NO_LEDGER
    study: Study | None = None
    newest: datetime | None = None


def stretch_of(length: timedelta) -> timedelta:
    """Return how long the stretches of a period are: hours of a day or three, else days, or weeks of a long one."""
    if length <= timedelta(days=3):
        return timedelta(hours=1)
    return timedelta(days=1) if length <= timedelta(days=MOST_POINTS) else timedelta(days=7)
