"""What an overview says: frozen values, the most important first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from setpoint.domain.finding import Finding
from setpoint.domain.incident import Incident
from setpoint.domain.ledger import Estimated
from setpoint.domain.reliability import Reliability
from setpoint.domain.value import value

if TYPE_CHECKING:
    import pandas as pd

Numbers = tuple[float | None, ...]


class State(StrEnum):
    """How something stands, worst first."""

    ALARM = "alarm"  # surely beyond its limit
    MOVED = (
        "moved"  # surely another than in the reference, slowly: a season looks the same, and nothing is done about it
    )
    NEAR = "near"  # at least half way to its limit
    QUIET = "quiet"
    UNKNOWN = "unknown"  # not checked; the overview says why


STATES = tuple(State)


@value
class Trace:
    """A number for each stretch of the period; None where there is none.

    `low` and `high` bound it where they are known: of objectives an interval for the number, of columns the band in
    which it is natural.
    """

    name: str
    values: Numbers
    low: Numbers = ()
    high: Numbers = ()
    line: float | None = None  # a level to compare with: a target, or the reference

    @property
    def known(self) -> tuple[float, ...]:
        """The numbers that there are."""
        return tuple(v for v in self.values if v is not None)


@value
class Bars:
    """Shares of the rows by range or level, in the reference and now; both add up to one, or are empty.

    `edges` are those of ranges, one more than bars; without, `labels` name levels or single numbers. What lies outside
    the outer edges is in the outer bars.
    """

    reference: tuple[float, ...]
    now: tuple[float, ...]
    edges: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()


@value
class Said:
    """One sentence of the head line."""

    text: str
    state: State
    about: str = ""
    since: datetime | None = None


@value
class ObjectiveView:
    """An objective over its window, and by stretch over the period."""

    name: str
    metric: str
    target: float
    higher_is_better: bool
    window_s: float
    value: float | None
    low: float | None
    high: float | None
    rows: int
    at_set_point: bool | None
    state: State
    budget_left: float | None = None
    why: str = ""
    realised: Trace | None = None
    estimated: Trace | None = None
    estimate: Estimated | None = None


@value
class ColumnView:
    """A column now and in the reference.

    `importance` orders columns: alarms first, then how close to the limit. `closeness` is the largest finding over its
    limit: 1 is at the limit. `words` say what happened; `kind` names it and `since` dates it where that is known.
    `effect` is its share of what moves the model's answers, where that is known.
    """

    name: str
    counted: str
    answer: bool
    state: State
    importance: float
    rows: int
    closeness: float | None = None
    kind: str = ""
    since: datetime | None = None
    words: str = ""
    effect: float | None = None
    nulls: float | None = None
    nulls_reference: float | None = None
    mean: float | None = None
    mean_reference: float | None = None
    std: float | None = None
    std_reference: float | None = None
    low: float | None = None
    high: float | None = None
    bars: Bars | None = None
    history: Trace | None = None
    nulls_history: Trace | None = None
    why: str = ""  # why it was not checked, if so


@value
class SegmentView:
    """A part of the rows and the worst that was found of it."""

    name: str
    rows: int | None
    state: State
    closeness: float
    words: str


@value
class LedgerView:
    """How estimates of a metric did where the truth has come: windows scored, misses, the mean absolute error.

    `estimator` has the vote; without one `why` says what is lacking, and the figures are those of the nearest.
    """

    metric: str
    version: str
    scored: int
    waiting: int
    misses: int
    estimator: str | None
    error: float | None
    why: str


@value
class Unchecked:
    """What was not checked, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A model over a period; iterating over it yields its findings.

    Every part is sorted by importance. `starts` are the begins of the stretches, each `every_s` long, that all traces
    run over; `service` holds requests, failures and latencies. `newest` is when the last answer was recorded.
    """

    model: str
    version: str
    task: str
    since: datetime
    until: datetime
    every_s: float
    starts: tuple[datetime, ...]
    rows: int
    state: State
    newest: datetime | None = None
    said: tuple[Said, ...] = ()
    objectives: tuple[ObjectiveView, ...] = ()
    service: tuple[Trace, ...] = ()
    columns: tuple[ColumnView, ...] = ()
    segments: tuple[SegmentView, ...] = ()
    ledger: tuple[LedgerView, ...] = ()
    incidents: tuple[Incident, ...] = ()
    reliability: Reliability | None = None
    estimates: tuple[Estimated, ...] = ()
    breaches: tuple[Finding, ...] = ()  # of the data contract
    unchecked: tuple[Unchecked, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)  # metrics of the daily study, and why
    findings: tuple[Finding, ...] = field(default=())

    def __iter__(self) -> Iterator[Finding]:
        """Return the findings, alarms first."""
        return iter(self.findings)

    def __len__(self) -> int:
        """Return the number of findings."""
        return len(self.findings)

    @property
    def quiet(self) -> tuple[str, ...]:
        """Names of the columns that were checked, and of which there is nothing to say."""
        return tuple(c.name for c in self.columns if c.state is State.QUIET)

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a finding."""
        from setpoint.monitor.overview.frames import findings_frame

        return findings_frame(self)

    def columns_frame(self) -> "pd.DataFrame":
        """Return one row a column, in order of importance."""
        from setpoint.monitor.overview.frames import columns_frame

        return columns_frame(self)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold: what `setpoint monitor MODEL --json` prints."""
        from setpoint.monitor.overview.plain import as_dict

        return as_dict(self)

    def to_html(self) -> str:
        """Return one page that needs nothing else."""
        from setpoint.monitor.report.page import overview_page

        return overview_page(self)

    def _repr_html_(self) -> str:
        from setpoint.monitor.report.page import overview_part

        return overview_part(self)
