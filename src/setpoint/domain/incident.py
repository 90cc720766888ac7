"""A departure from the set point: what was seen, its ranked causes, what was done, how it ended."""

from datetime import datetime
from enum import StrEnum

from setpoint.domain.event import Event, What
from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.finding import Finding
from setpoint.domain.isolation import Isolation
from setpoint.domain.throttle import Throttle
from setpoint.domain.value import value
from setpoint.domain.within import Fallback


class Cause(StrEnum):
    """The short names of the fault catalogue."""

    NULL = "null"
    UNIT = "unit"
    RENAMED = "renamed"
    FROZEN = "frozen"
    SWAPPED = "swapped"
    SKEW = "skew"
    RELEASE = "release"
    ARTEFACT = "artefact"
    EXCEPTION = "exception"
    CRASH = "crash"
    OVERLOAD = "overload"
    DISK = "disk"
    OUTCOMES = "outcomes"
    PRIOR = "prior"
    COVARIATE = "covariate"
    CONCEPT = "concept"
    SEASON = "season"
    ATTACK = "attack"
    UNKNOWN = "unknown"


class Remedy(StrEnum):
    """What can be done; the names an envelope uses."""

    RESTART = "restart"
    ISOLATE = "isolate"  # rows that end the model are refused
    ROLLBACK = "rollback"
    INVERSE_MAP = "inverse_map"
    MAP_LEVELS = "map_levels"
    SWAP_BACK = "swap_back"
    IMPUTE = "impute"
    IGNORE = "ignore"
    FALLBACK = "fallback"  # an earlier version answers a part of the rows
    THROTTLE = "throttle"  # a caller is answered so many requests a second
    WORKERS = "workers"  # more of them answer
    RETRAIN = "retrain"
    RECALIBRATE = "recalibrate"
    PROMOTE = "promote"
    HOLD = "hold"  # nothing learns from outcomes, or is judged by them
    WAIT = "wait"

    @property
    def is_advice(self) -> bool:
        """Whether an incident only names it: another part of the loop does it, or nothing is done."""
        return self in (Remedy.RETRAIN, Remedy.RECALIBRATE, Remedy.PROMOTE, Remedy.WAIT)


@value
class Hypothesis:
    """A cause with its posterior weight, what it is about (a column, a version, a worker), and why."""

    cause: Cause
    weight: float
    subject: str
    evidence: tuple[str, ...] = ()


@value
class Repair:
    """A remedy for one incident: what it expects, and how to undo it.

    `expected` and `realised` are the loss per record without and with the repair that was expected before, and measured
    after, in the unit of the target. `map` is set for a repair at the door, `to_version` for a roll back, `fallback`
    where an earlier version answers a part of the rows, `workers` where more of them shall answer, `throttle` where a
    caller is held to fewer requests, `isolation` where rows are refused; `stopped` is how many requests these two have
    refused. `cause` is what it is for, `weight` how sure that was (posterior, among the causes that it excludes);
    `recovered` is when it was proven to help.
    """

    id: str
    remedy: Remedy
    subject: str
    map: FeatureMap | None = None
    to_version: str | None = None
    fallback: Fallback | None = None
    throttle: Throttle | None = None
    isolation: Isolation | None = None
    stopped: int = 0
    worker: int | None = None  # that is to start anew
    workers: int = 0
    workers_before: int = 0
    proof: str = ""
    loss_before: float | None = None
    loss_expected: float | None = None
    loss_realised: float | None = None
    cause: Cause | None = None
    weight: float = 1.0
    applied: datetime | None = None
    recovered: datetime | None = None
    lifted: datetime | None = None
    refuted: bool = False  # taken back for it did not help: what it did to a row is no way to mend it

    @property
    def in_force(self) -> bool:
        """Whether it is in place."""
        return self.applied is not None and self.lifted is None

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two repairs the same one: what is done, and to what."""
        about = self.map.changes if self.map is not None else (self.subject, self.to_version or "")
        return (str(self.remedy), *sorted(about))

    @property
    def changes_answers(self) -> bool:
        """Whether callers are answered otherwise while it is in place."""
        return self.at_door or self.to_version is not None

    @property
    def stays(self) -> bool:
        """Whether it stays in place until it is taken away again, for the fault is gone."""
        return self.at_door or bool(self.workers)

    @property
    def undoable(self) -> bool:
        """Whether it can be taken back."""
        return self.stays or self.to_version is not None or self.remedy is Remedy.HOLD

    @property
    def at_door(self) -> bool:
        """Whether it stands between callers and the champion, to be taken away again when the fault is gone."""
        return bool(self.map or self.fallback or self.throttle or self.isolation)


@value
class Tried:
    """A repair that was in place and was taken back: when, by whom, and why."""

    repair: Repair
    at: datetime
    by: str
    why: str


class IncidentStatus(StrEnum):
    """Where an incident stands."""

    OPEN = "open"  # seen, not yet explained well enough to act
    WAITING = "waiting"  # a remedy is proposed and needs a person
    MENDING = "mending"  # a remedy is in place, recovery not yet proven
    HELD = "held"  # recovered under a remedy that stays until the fault itself is gone
    CLOSED = "closed"


@value
class Weight:
    """A cause and what it is about, with its weight in one look."""

    cause: Cause
    subject: str
    weight: float


@value
class Ranking:
    """How likely each cause was thought at a time, likeliest first."""

    at: datetime
    weights: tuple[Weight, ...]


@value
class Harm:
    """What an incident has cost: the answers given since it began, until it was mended or over.

    `loss` is their mean loss where the outcome is known (`labelled` of them), `healthy` what healthy rows of the same
    hours lose, both in the unit `unit`. `value` is what the answers were worth, less what as many healthy ones were
    worth (negative: a loss), where an objective says what an answer is worth.
    """

    until: datetime
    records: int
    labelled: int = 0
    loss: float | None = None
    healthy: float | None = None
    unit: str = ""
    value: float | None = None

    @property
    def times(self) -> float | None:
        """How many times the healthy loss it was."""
        return None if self.loss is None or not self.healthy else self.loss / self.healthy


@value
class Refusal:
    """A remedy that a person does not want, until they approve it."""

    remedy: Remedy
    subject: str
    by: str
    at: datetime
    why: str = ""


@value
class Incident:
    """Findings with one suspected cause, and everything that followed.

    `began` bounds the moment of the change (95 %), `examples` are ids of requests that show it. `handled_by` is the
    person who took it over: the loop goes on watching it, and does nothing about it. `better` is a proven repair that
    may take the place of the one in force, `stand_in` the version that was fitted for it (`none`: none is of use).
    `asked_again` is when the source of inputs was asked again what would bring a held column back.
    """

    id: str
    model: str
    status: IncidentStatus
    since: datetime
    opened: datetime
    investigated: datetime | None = None
    subject: str
    findings: tuple[Finding, ...]
    causes: tuple[Hypothesis, ...] = ()
    repair: Repair | None = None
    better: Repair | None = None
    stand_in: str = ""
    asked_again: tuple[datetime, ...] = ()
    tried: tuple[Tried, ...] = ()  # repairs that were taken back: none of them is put in place again for it
    acted_by: str = ""
    approved_by: str = ""
    taken_by: str = ""  # who took the last repair back: they are asked before another one acts
    acknowledged_by: str = ""  # who said that they know: nobody is reminded of it any more
    handled_by: str = ""
    refused: tuple[Refusal, ...] = ()
    closed: datetime | None = None
    timeline: tuple[Event, ...] = ()
    forgotten: int = 0  # events that the timeline held once
    rankings: tuple[Ranking, ...] = ()
    began: tuple[datetime, datetime] | None = None
    examples: tuple[str, ...] = ()
    harm: Harm | None = None

    @property
    def live(self) -> bool:
        """Whether the incident still needs attention."""
        return self.status is not IncidentStatus.CLOSED

    @property
    def began_by(self) -> datetime:
        """By when the change had happened: the end of its interval, where that is known, else of the first alarm's."""
        return self.began[1] if self.began else self.since

    @property
    def remedy(self) -> str:
        """What is proposed or in place, in words; empty where nothing is."""
        repair = self.repair
        if repair is None:
            return ""
        return f"{repair.remedy} of {repair.subject}" + (f" to {repair.to_version}" if repair.to_version else "")

    @property
    def refusal(self) -> Refusal | None:
        """The refusal of the remedy that is proposed, if a person does not want it."""
        repair = self.repair
        if repair is None:
            return None
        return next((r for r in self.refused if (r.remedy, r.subject) == (repair.remedy, repair.subject)), None)

    @property
    def located(self) -> datetime | None:
        """When a cause other than `unknown` was found that is still the likeliest; None where there is none."""
        if not self.causes or self.causes[0].cause is Cause.UNKNOWN:
            return None
        top = (self.causes[0].cause, self.causes[0].subject)
        same = [r for r in self.rankings if r.weights and (r.weights[0].cause, r.weights[0].subject) == top]
        return same[0].at if same else None

    @property
    def recovered(self) -> datetime | None:
        """When it was proven to be well again: under a remedy, or because it was over; None while it is not."""
        course = [e for e in self.timeline if e.what in (What.RECOVERED, What.UNDONE)]
        proven = course[-1].at if course and course[-1].what is What.RECOVERED else None
        return proven if proven and (self.closed or self.status is IncidentStatus.HELD) else self.closed

    def named(self, part: str) -> str:
        """Return the id of a repair of this incident, or of a part of it: a new one after each that was taken back."""
        return f"{self.id}{part}" + (f"-{len(self.tried) + 1}" if self.tried else "")

    @property
    def regained(self) -> float | None:
        """The share of the lost quality that the repair brought back; None where that was not measured."""
        repair = self.repair
        if repair is None or repair.loss_before is None or repair.loss_realised is None:
            return None
        well = self.harm.healthy if self.harm and self.harm.healthy is not None else repair.loss_expected
        if well is None or not repair.loss_before > well:
            return None
        return (repair.loss_before - repair.loss_realised) / (repair.loss_before - well)
