"""What one look at a model sees."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.audited import Audited
from setpoint.domain.data_contract import DataContract
from setpoint.domain.live import WorkerStatus
from setpoint.domain.objective import Objective
from setpoint.domain.record import ProcessEvent
from setpoint.domain.records import Records, moment
from setpoint.domain.requested import Requested
from setpoint.domain.schema import Schema
from setpoint.domain.segments import Split
from setpoint.monitor.limits import Limits
from setpoint.monitor.scope import Scope
from setpoint.stats.fairness import Gap
from setpoint.stats.quality import Measured

NO_CONTRACT = DataContract()
YEAR_S = 365.25 * 86_400.0
SMALLEST_LOOK = 24  # rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Losses of the champion and of the version it replaced, on the same labelled requests, shape (n,).

    The first `before` of them are from before its release, the others since.
    """

    champion: str
    replaced: str
    since: datetime
    losses: NDArray[np.float64]
    losses_replaced: NDArray[np.float64]
    before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The records of one look, and what they are judged by.

    Parameters
    ----------
    recent : Records
        Champion rows since the last look: the micro-window.
    baseline : Records
        Rows of the weeks before that no open incident has touched. Where the deployment is young, rows of the reference
        may stand in.
    labelled : Records
        Rows whose outcome is known, over the longest window of an objective.
    refused : dict
        Violation code → count since the last look; `""` → all requests.
    scopes : tuple of Scope
        What is counted of all the champion's rows, first, and of those of segments.
    threshold : float
        Decision threshold of a binary task.
    own : dict
        What the user's own metrics said of the rows of their objectives' windows.
    segments : dict
        By feature, how the rows fall into segments; their quality is compared.
    reference_gaps : dict
        Rate and feature → the gap that the reference itself has between the segments.
    answers : Records, optional
        All rows of the champion over the longest window of an objective; without it, those of `baseline` and `recent`.
    requests : dict
        Seconds → what `refused` holds, over a window of so many seconds; without one, `refused` stands for it.
    contest : Contest, optional
        Champion against the version it replaced, in its first week.
    looks_per_year : float, optional
        How often the loop looks; by default from the time since the last look.
    reports : dict
        What each worker that runs reports.
    asked, asked_before : Requested, optional
        Requests of all callers since the last look, ten minutes at least, and of the week before; None where no caller
        sent many that are nearly the same.
    model : str
        Its name.
    contract : DataContract
        Of the champion; its rules are watched.
    audited, audits : tuple of Audited
        What came of asking the source of the inputs again, since the last look; and before, where no incident was.
    healthy : Records, optional
        Rows of `answers` that no incident makes doubtful; without it, those of `baseline`.
    behind_s : float
        The longest that outcomes had been known before they were delivered (seconds).
    """

    now: datetime
    schema: Schema
    limits: Limits
    recent: Records
    baseline: Records
    labelled: Records
    objectives: tuple[Objective, ...]
    false_actions_per_year: float
    refused: dict[str, int]
    scopes: tuple[Scope, ...] = ()
    events: tuple[ProcessEvent, ...] = ()
    reports: Mapping[int, WorkerStatus] = field(default_factory=dict)
    asked: Requested | None = None
    asked_before: Requested | None = None
    model: str = ""
    since: datetime | None = None
    answers: Records | None = None
    requests: Mapping[float, Mapping[str, int]] = field(default_factory=dict)
    contest: Contest | None = None
    threshold: float = 0.5
    own: Mapping[Objective, Measured] = field(default_factory=dict)
    segments: Mapping[str, Split] = field(default_factory=dict)
    reference_gaps: Mapping[tuple[str, str], Gap] = field(default_factory=dict)
    looks_per_year: float | None = None
    contract: DataContract = NO_CONTRACT
    audited: tuple[Audited, ...] = ()
    audits: tuple[Audited, ...] = ()
    healthy: Records | None = None
    behind_s: float = 0.0

    @property
    def started(self) -> datetime:
        """When the last look was: given, else the first recent row's time."""
        if self.since is not None:
            return self.since
        return moment(self.recent.time[0]) if len(self.recent) else self.now

    @property
    def looks(self) -> float:
        """Looks a year, between one a month and one a minute."""
        if self.looks_per_year is not None:
            return self.looks_per_year
        gap_s = (self.now - self.started).total_seconds()
        return float(np.clip(YEAR_S / max(gap_s, 1.0), 12.0, YEAR_S / 60))

    def requests_over(self, window_s: float) -> Mapping[str, int]:
        """Return the counts of requests by violation code over a window, all of them under `""`."""
        return self.requests.get(window_s, self.refused)

    def separate(self, length: timedelta) -> float:
        """Return how many looks a year see other rows: the windows of neighbouring looks overlap."""
        return min(self.looks, 4 * YEAR_S / max(length.total_seconds(), 1.0))

    def level(self, tests: int, looks: float | None = None) -> float:
        """Return the one-sided error one test of a family may have, in one look.

        The budget of false actions is divided between `FAMILIES` of monitors, the looks of a year, and the tests.
        """
        return level_of(self.false_actions_per_year, looks or self.looks, tests)


def level_of(false_actions_per_year: float, looks: float, tests: int) -> float:
    """Return the one-sided error of one test of a family that makes so many in each of so many looks a year."""
    share = false_actions_per_year / FAMILIES
    return float(np.clip(share / (looks * max(tests, 1)), 1e-12, 0.05))


# data quality, rows (rules, repeats, volume), sudden drift, quality, steps, estimates, service, what comes from around
# (audits of inputs, the feed of outcomes, requests turned away); slow drift and outcomes spend nothing, for they open
# no incident
FAMILIES = 8
PARTS = 3  # data quality, requests refused, stuck divide a family's share among them; so do rules, repeats, volume
STEPS = 2  # in the loss, and at a release: so do these
SOURCES = 3  # inputs, outcomes and requests turned away: so do these
