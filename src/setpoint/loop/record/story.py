"""Everything that is told of one incident; what the state does not hold is read from the log."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident
from setpoint.domain.owner import Responsible, responsible_for
from setpoint.domain.records import Records, stamp
from setpoint.domain.schema import Schema
from setpoint.domain.sensitive import hidden
from setpoint.loop.looks.columns import fitting
from setpoint.loop.looks.spans import concerns_answers
from setpoint.loop.ports import Ports
from setpoint.loop.record.places import Place, places_of
from setpoint.loop.record.shapes import Shape, shape_of
from setpoint.loop.release import read_binning
from setpoint.maintain.harm import ended
from setpoint.maintain.loss import loss_name, losses_of
from setpoint.monitor.overview.values import Numbers

AROUND = (timedelta(days=1), timedelta(days=28))  # least and most that is shown before the change
STRETCHES = tuple(timedelta(hours=h) for h in (1 / 6, 1, 3, 6, 24, 168))
MOST_STRETCHES = 72
MOST_ROWS = 20_000  # of which it is asked where they came from


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The mean loss by stretch, from a time on; None where no outcome is known."""

    metric: str
    starts: tuple[datetime, ...]
    every: timedelta
    loss: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An incident as of a time, and what the log says around it, up to `until`."""

    incident: Incident
    responsible: Responsible
    as_of: datetime
    until: datetime
    versions: tuple[str, ...]
    course: Course | None = None
    shape: Shape | None = None
    places: tuple[Place, ...] = ()


def story_of(ports: Ports, deployment: Deployment, incident: Incident, now: datetime) -> Story:
    """Return what is told of an incident, as of a time; decides nothing."""
    who, model = responsible_for(incident, deployment.owners), deployment.model
    over = ended(incident) or now
    around = min(max(over - incident.since, AROUND[0]), AROUND[1])
    since, until = incident.since - 2 * around, min(max(incident.recovered or over, over) + around, now)
    schema = ports.bundles.get(model, deployment.served.champion).schema
    rows = fitting(ports, model, ports.log.read(model, since=since, until=until, as_of=now), schema)
    meanwhile = rows.between(incident.since, over)
    versions = tuple(dict.fromkeys(map(str, meanwhile.version)))
    if not concerns_answers(incident) or not len(rows):
        return Story(incident=incident, responsible=who, as_of=now, until=until, versions=versions)
    before = rows.between(None, _first(incident))
    affected = rows.between(incident.began_by, over)
    column = _column(incident, schema)
    folder = ports.bundles.folder(model, deployment.served.champion)
    told = ports.log.table(model, since=incident.began_by, until=over, limit=MOST_ROWS)
    return Story(
        incident=incident,
        responsible=who,
        as_of=now,
        until=until,
        versions=versions,
        course=course_of(rows, schema, since, until),
        shape=shape_of(column, before, affected) if column and _may_be_shown(column, schema) else None,
        places=places_of(column, before, affected, schema, read_binning(folder).segments, told),
    )


def course_of(rows: Records, schema: Schema, since: datetime, until: datetime) -> Course | None:
    """Return the mean loss by stretch; None where no outcome is known."""
    known = rows.labelled
    if not len(known):
        return None
    every = next((s for s in STRETCHES if (until - since) / s <= MOST_STRETCHES), STRETCHES[-1])
    count = max(1, int(np.ceil((until - since) / every)))
    starts = tuple(since + at * every for at in range(count))
    at = ((known.time - stamp(since)) // np.timedelta64(every)).astype(np.int64)
    total = np.bincount(at, weights=losses_of(known, schema.task), minlength=count)
    rows_of = np.bincount(at, minlength=count)
    means = tuple(float(t / n) if n and np.isfinite(t) else None for t, n in zip(total, rows_of, strict=True))
    return Course(metric=loss_name(schema), starts=starts, every=every, loss=means)


def _column(incident: Incident, schema: Schema) -> str:
    """Return the feature that is blamed, or that moved; an empty text where there is none."""
    blamed = incident.causes[0].subject.split(", ") if incident.causes else []
    return next((n for n in (*blamed, incident.subject) if n in schema.names), "")


def _may_be_shown(column: str, schema: Schema) -> bool:
    """Whether a feature's values are nobody's secret."""
    return column not in {f.name for f in hidden(schema)}


def _first(incident: Incident) -> datetime:
    return incident.began[0] if incident.began else incident.since
