"""A shadow of a deployment: its champion, its objectives and its envelope over its own recorded traffic."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from setpoint.domain.fleet import Deployment, Release
from setpoint.domain.live import Served
from setpoint.domain.records import Column, Records, moment
from setpoint.domain.traffic import Traffic
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput

BEFORE, UNDER, AFTER = 28, 7, 3  # days before, under and after a fault, where there is so much traffic
MOST = 20_000  # records; of more every n-th is taken
FEWEST = 400
EARLIER = (7.0, 14.0, 21.0, 25.0, 27.0, 28.0)  # days from the start after which is looked
SOON = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.0)  # and from the fault's start
LATER = (1.0, 3.0)  # and from its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """When what happens: all times are datetime64[us], and `day` is how long a day of the plan is here."""

    since: np.datetime64
    day: np.timedelta64

    def at(self, days: float) -> np.datetime64:
        """Return a time so many days of the plan after the start."""
        return self.since + np.timedelta64(round(days * self.day.astype(np.int64)), "us")

    @property
    def begins(self) -> np.datetime64:
        """When faults begin."""
        return self.at(BEFORE)

    @property
    def ends(self) -> np.datetime64:
        """When they end."""
        return self.at(BEFORE + UNDER)

    @property
    def until(self) -> np.datetime64:
        """When the drill ends."""
        return self.at(BEFORE + UNDER + AFTER)

    @property
    def earlier(self) -> list[np.datetime64]:
        """When is looked before faults begin."""
        return self._all(0, EARLIER)

    @property
    def later(self) -> list[np.datetime64]:
        """When is looked from then on."""
        return [*self._all(BEFORE, SOON), *self._all(BEFORE + UNDER, LATER)]

    def _all(self, start: float, days: Iterable[float]) -> list[np.datetime64]:
        return [self.at(start + d) for d in days]


def course_of(times: Column) -> Course:
    """Return the plan over recorded times, shape (n,), in order: its last weeks; of less traffic, all of it."""
    whole = np.timedelta64(1, "D").astype("timedelta64[us]")
    days = BEFORE + UNDER + AFTER
    end = times[-1] + np.timedelta64(1, "us")
    span = (end - times[0]).astype("timedelta64[us]")
    day = min(whole, np.timedelta64(int(span.astype(np.int64)) // days, "us"))
    since = end - days * day
    if day == whole:  # looks stand at the start of days
        since = since.astype("datetime64[D]").astype("datetime64[us]")
        since = since if since + days * day >= end - whole else since + whole
    return Course(since=since, day=day)


def traffic_from(records: Records, course: Course) -> tuple[Traffic, int]:
    """Return recorded rows as traffic, and of how many each is one.

    Raises
    ------
    InvalidInput
        If too few are recorded to tell anything.
    """
    inside = records.between(moment(course.since), moment(course.until))
    if len(inside) < FEWEST:
        raise InvalidInput(f"{len(inside)} records are too few for a drill; it needs {FEWEST}, of some weeks if it can")
    every = -(-len(inside) // MOST)
    rows = inside.take(np.arange(0, len(inside), every))
    known = np.where(np.isnat(rows.known), rows.time, rows.known)
    traffic = Traffic(
        time=rows.time,
        id=np.array([f"drill-{i}" for i in range(len(rows))], object),
        inputs=dict(rows.inputs),
        outcome=np.where(np.isnat(rows.known), np.nan, rows.truth),
        known=known,
    )
    return traffic, every


def shadow_of(deployment: Deployment, course: Course) -> Deployment:
    """Return a deployment as it would be if its champion had been deployed at the start, and nothing had happened."""
    champion = deployment.served.champion
    return Deployment(
        model=deployment.model,
        source=deployment.source,
        served=Served(champion=champion),
        envelope=deployment.envelope,
        objectives=deployment.objectives,
        releases=(Release(version=champion, at=moment(course.since) - timedelta(days=1), by="drill"),),
        train=deployment.train,
        audit=deployment.audit,
        allow=deployment.allow,
        updates=deployment.updates,
        rolling=replace(deployment.rolling, freezes=()),
    )
