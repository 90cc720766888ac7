"""Read what an overview is made from: profiles for columns, raw rows for realised quality and latency alone."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc

from setpoint.domain.fleet import Deployment
from setpoint.domain.records import Records, moment
from setpoint.domain.value import replace
from setpoint.loop.looks.columns import fitting, same_columns
from setpoint.loop.looks.look import Look, take_look
from setpoint.loop.ports import Ports
from setpoint.loop.release import read_binning, read_profile
from setpoint.monitor.limits import read_limits
from setpoint.monitor.overview.build import overview_of
from setpoint.monitor.overview.gathered import Gathered, stretch_of
from setpoint.monitor.overview.values import Overview
from setpoint.monitor.scope import floored

RECENT = timedelta(days=1)


def take_overview(ports: Ports, deployment: Deployment, since: datetime, until: datetime) -> Overview:
    """Return the overview of a period, as of its end; decides nothing."""
    looked = min(deployment.looked or until, until - RECENT)
    # without its training: only the loop takes over one that a dead process left behind
    look = take_look(ports, replace(deployment, looked=looked, training=None), until)
    return overview_of(_gathered(ports, deployment, look, since, until))


def _gathered(ports: Ports, deployment: Deployment, look: Look, since: datetime, until: datetime) -> Gathered:
    model, champion = deployment.model, look.champion
    folder = ports.bundles.folder(model, champion.version)
    every = stretch_of(until - since)
    since = floored(since, every)
    releases = same_columns(ports, deployment)
    version = champion.version if len(releases) < len(deployment.releases) else None  # others have other columns
    splits = read_binning(folder).segments
    names = [name for column, split in splits.items() for name in split.names(column)]
    counted = ports.log.series(model, since, until, every, version=version, segments=("", *names))
    series = counted[""]
    answers = look.history.between(since, until)
    if not len(look.history) or moment(look.history.time[0]) > since:
        answers = _answers(ports, look, since, until)
    starts = [moment(s) for s in series.starts]
    return Gathered(
        deployment=deployment,
        champion=champion,
        since=since,
        until=until,
        findings=look.findings,
        standings=look.standings,
        series=series,
        reference=read_profile(folder),
        limits=read_limits(folder),
        requests=tuple(_requests(ports, model, s, min(s + every, until)) for s in starts),
        answers=answers,
        segments={name: int(counted[name].rows.sum()) for name in names},
        estimates=look.estimates,
        ledger=look.ledger,
        study=look.study,
        newest=_newest(ports, model, answers),
    )


def _answers(ports: Ports, look: Look, since: datetime, until: datetime) -> Records:
    """Read the answers of a period that the look did not hold whole."""
    model = look.champion.model
    rows = ports.log.read(model, since=since, until=until, as_of=until)
    return fitting(ports, model, rows, look.champion.schema)


def _requests(ports: Ports, model: str, since: datetime, until: datetime) -> Mapping[str, int]:
    return ports.log.refused(model, since, until)


def _newest(ports: Ports, model: str, answers: Records) -> datetime | None:
    """Return when the last answer was recorded, looking further back where the period has none."""
    if len(answers):
        return moment(answers.time[-1])
    last = ports.log.table(model, limit=1)
    found = pc.max(last["time"]).as_py() if last.num_rows else None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found
