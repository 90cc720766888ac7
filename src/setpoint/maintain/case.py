"""What an investigation may look at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from setpoint.domain.baseline import Baseline
from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.fleet import Release
from setpoint.domain.live import WorkerStatus
from setpoint.domain.profile import Binning
from setpoint.domain.records import Columns, Records
from setpoint.domain.repaired import repaired_where
from setpoint.domain.requested import Requested
from setpoint.domain.schema import Schema
from setpoint.maintain.fatal import Fatal

Score = Callable[[str, Columns], Columns]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = 2_000  # rows of a stretch that are looked at, so that an investigation stays short


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The records around an incident, and the versions and repairs in force.

    `healthy` are rows of the weeks before it that no incident makes doubtful, with usual inputs; `suspect` are those
    since `incident.since`, with inputs as they came. `previous` is the release that `champion` replaced; with
    `backtest` it may be judged by outcomes from before its release. `maps` are the repairs now
    live, `baseline` is what is stated to answer where no version does. `unreadable` says why no version can be asked
    again with these inputs, if so. `asked` are the requests around an incident of the service, those that failed among
    them; `fatal` what was asked when a process ended; `reports` what the workers that run report `now`. `behind_s` is
    how long outcomes are known before they are delivered, at most (seconds).
    `bursting` are callers whose burst is an incident of its own.
    `sourced` are suspect rows, and the columns that their source holds of them.
    """

    schema: Schema
    binning: Binning
    healthy: Records
    suspect: Records
    champion: Release
    previous: Release | None
    backtest: bool = False
    maps: tuple[FeatureMap, ...] = ()
    baseline: Baseline | None = None
    unreadable: str = ""
    behind_s: float = 0.0
    bursting: frozenset[str | None] = frozenset()
    asked: Requested | None = None
    fatal: Fatal | None = None
    reports: Mapping[int, WorkerStatus] = field(default_factory=dict)
    now: datetime = EPOCH
    sourced: tuple[Records, Columns] | None = None


def latest(records: Records, rows: int = LATEST) -> Records:
    """Return the last rows of a stretch."""
    return records.take(np.arange(max(0, len(records) - rows), len(records)))


def as_seen(records: Records, maps: tuple[FeatureMap, ...]) -> Columns:
    """Return the inputs as the model saw them: to each row the repairs that its own record names."""
    named = [(m, np.array([m.id in str(ids).split() for ids in records.maps], dtype=bool)) for m in maps]
    return repaired_where(records.inputs, named)
