"""What the log counts of a model's rows, for the monitors."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from setpoint.domain.cuts import Binning
from setpoint.domain.fleet import Deployment
from setpoint.domain.record import Role
from setpoint.domain.series import Series
from setpoint.domain.value import replace
from setpoint.domain.version import ModelVersion
from setpoint.loop.looks.spans import doubtful, sent_otherwise
from setpoint.loop.ports import Ports
from setpoint.loop.release import read_binning, read_profile, read_segments
from setpoint.monitor.limits import read_limits
from setpoint.monitor.scope import BASELINE, DAY, HOUR, MINUTE, MINUTES_KEPT, Scope, floored

ALL = ""  # the name of the part that is all rows


def scopes(
    ports: Ports, deployment: Deployment, champion: ModelVersion, version: str | None, started: datetime, now: datetime
) -> tuple[Scope, ...]:
    """Return the counts of all the champion's rows; once an hour those of other versions' answers, and once a day those
    of its segments.

    Parameters
    ----------
    version : str, optional
        The only version whose rows count, where others have other columns.
    """
    folder = ports.bundles.folder(deployment.model, champion.version)
    binning = read_binning(folder)
    hours, minutes = _counts(ports, deployment.model, started, now, version=version)
    whole = Scope(
        hours=hours,
        minutes=minutes,
        limits=read_limits(folder),
        doubtful=doubtful(deployment),
        otherwise=sent_otherwise(deployment),
        reference=read_profile(folder),
        divided=2 if binning.segments else 1,
    )
    daily, hourly = (floored(started, step) < floored(now, step) for step in (DAY, HOUR))
    return (
        whole,
        *(_segments(ports, deployment.model, whole, binning, version, folder, now) if daily else ()),
        *(_others(ports, deployment, champion, started, now) if hourly else ()),
    )


def _counts(
    ports: Ports,
    model: str,
    started: datetime,
    now: datetime,
    *,
    version: str | None,
    role: Role = Role.CHAMPION,
) -> tuple[Series, Series]:
    """Return the hours before the running one, and the newest minutes."""
    running = floored(now, HOUR)
    first = floored(started, HOUR) - BASELINE
    hours = ports.log.series(model, first, running, HOUR, version=version, role=role)
    minutes = ports.log.series(model, running - MINUTES_KEPT, now, MINUTE, version=version, role=role)
    return hours[ALL], minutes[ALL]


def _segments(
    ports: Ports,
    model: str,
    whole: Scope,
    binning: Binning,
    version: str | None,
    folder: Path,
    now: datetime,
) -> Iterator[Scope]:
    """Yield the counts of segments by the day, each without the column that it is a part by: that never changes."""
    names = {name: column for column, split in binning.segments.items() for name in split.names(column)}
    if not names:
        return
    today, known = floored(now, DAY), read_segments(folder)
    days = ports.log.series(model, today - BASELINE - DAY, today, DAY, version=version, segments=list(names))
    for name, column in names.items():
        counted = days[name].without(column)
        yield replace(
            whole,
            hours=counted,
            minutes=counted.take(slice(0)),
            reference=known.get(name),
            segment=name,
            divided=2 * len(names),
        )


def _others(
    ports: Ports, deployment: Deployment, champion: ModelVersion, started: datetime, now: datetime
) -> Iterator[Scope]:
    """Return the counts of what challengers and the shadow answer: they are asked what the champion is."""
    served = deployment.served
    asked = [(version, Role.CHALLENGER) for version in served.shares]
    asked += [(served.shadow, Role.SHADOW)] if served.shadow else []
    for version, role in asked:
        folder = ports.bundles.folder(deployment.model, version)
        counts = _counts(ports, deployment.model, started, now, version=version, role=role)
        hours, minutes = (_answers(series, champion.schema.score) for series in counts)
        yield Scope(
            hours=hours,
            minutes=minutes,
            limits=read_limits(folder),
            reference=read_profile(folder),
            version=version,
            role=role.value,
        )


def _answers(series: Series, score: str) -> Series:
    return replace(series, columns={score: series.columns[score]})
