"""What the log counts of a model's rows, for the monitors."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from setpoint.domain.fleet import Deployment
from setpoint.domain.parts import column_of
from setpoint.domain.profile import Profile
from setpoint.domain.record import Role
from setpoint.domain.series import Series
from setpoint.domain.value import replace
from setpoint.domain.version import ModelVersion
from setpoint.loop.ports import Ports
from setpoint.loop.release import read_binning, read_profile, read_segments
from setpoint.loop.spans import doubtful
from setpoint.monitor.limits import read_limits
from setpoint.monitor.scope import BASELINE, HOUR, MINUTE, MINUTES_KEPT, Scope, floored

ALL = ""  # the name of the part that is all rows


def scopes(
    ports: Ports, deployment: Deployment, champion: ModelVersion, version: str | None, started: datetime, now: datetime
) -> tuple[Scope, ...]:
    """Return the counts of all the champion's rows; once an hour, of its segments and of other versions' answers too.

    Parameters
    ----------
    version : str, optional
        The only version whose rows count, where others have other columns.
    """
    folder = ports.bundles.folder(deployment.model, champion.version)
    binning = read_binning(folder)
    names = [name for column, split in binning.segments.items() for name in split.names(column)]
    hourly = floored(started, HOUR) < floored(now, HOUR)
    counts = _counts(ports, deployment.model, started, now, [ALL, *names] if hourly else [ALL], version=version)
    whole = Scope(
        hours=counts[ALL][0],
        minutes=counts[ALL][1],
        limits=read_limits(folder),
        doubtful=doubtful(deployment),
        reference=read_profile(folder),
        divided=2 if names else 1,
    )
    if not hourly:
        return (whole,)
    parts = read_segments(folder) if names else {}
    return (
        whole,
        *(_segment(whole, counts[name], name, column_of(name, binning), parts.get(name), len(names)) for name in names),
        *_others(ports, deployment, champion, started, now),
    )


def _counts(
    ports: Ports,
    model: str,
    started: datetime,
    now: datetime,
    segments: Sequence[str],
    *,
    version: str | None,
    role: Role = Role.CHAMPION,
) -> dict[str, tuple[Series, Series]]:
    """Return, by segment, the hours before the running one and the newest minutes."""
    running = floored(now, HOUR)
    first = floored(started, HOUR) - BASELINE
    hours = ports.log.series(model, first, running, HOUR, version=version, role=role, segments=segments)
    minutes = ports.log.series(
        model, running - MINUTES_KEPT, now, MINUTE, version=version, role=role, segments=segments
    )
    return {segment: (hours[segment], minutes[segment]) for segment in segments}


def _segment(
    whole: Scope, counts: tuple[Series, Series], name: str, column: str, reference: Profile | None, segments: int
) -> Scope:
    """Return the counts of a segment, but for the column that it is a part by: that never changes."""
    hours, minutes = (series.without(column) for series in counts)
    return replace(whole, hours=hours, minutes=minutes, reference=reference, segment=name, divided=2 * segments)


def _others(
    ports: Ports, deployment: Deployment, champion: ModelVersion, started: datetime, now: datetime
) -> Iterator[Scope]:
    """Return the counts of what challengers and the shadow answer: they are asked what the champion is."""
    served = deployment.served
    asked = [(version, Role.CHALLENGER) for version in served.shares]
    asked += [(served.shadow, Role.SHADOW)] if served.shadow else []
    for version, role in asked:
        folder = ports.bundles.folder(deployment.model, version)
        counts = _counts(ports, deployment.model, started, now, [ALL], version=version, role=role)[ALL]
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
