"""What the loop remembers of one deployed model between two looks."""

from datetime import datetime, timedelta

from setpoint.domain.audited import Audit, Audited, Unanswered
from setpoint.domain.baseline import Baseline
from setpoint.domain.calibration import Calibration
from setpoint.domain.course import Rolling
from setpoint.domain.envelope import Envelope, Fact, Ruled
from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.feed import Delivered
from setpoint.domain.finding import Finding
from setpoint.domain.incident import Incident, Remedy
from setpoint.domain.ledger import Estimated, Ledger
from setpoint.domain.live import Served
from setpoint.domain.notice import Alerts, Telling
from setpoint.domain.objective import Objective
from setpoint.domain.owner import Owners
from setpoint.domain.receipt import Gain
from setpoint.domain.rehearsal import Kept, Rehearsal
from setpoint.domain.rollout import Rollout, Verdict
from setpoint.domain.study import Study
from setpoint.domain.update import Advised, Method, Updates
from setpoint.domain.value import field, value


@value
class Retention:
    """For how long (event time, seconds) and up to which size records are kept; None is for ever, and any size."""

    keep_s: float | None = None
    at_most_bytes: int | None = None


@value
class Decided:
    """One decision, as it is shown, audited and compared between live and replay.

    `facts` are what an envelope judges it by, see `Change`.
    """

    at: datetime
    cause: str
    subject: str
    action: str
    why: str
    by: str = "setpoint"
    facts: dict[str, Fact] = field(default_factory=dict)


@value
class Standing:
    """An objective and where the model stands; `why` says why nothing is known.

    `budget_left` is the share that is left of the failures which a service objective allows; below 0 it is overdrawn.
    """

    objective: Objective
    value: float | None
    rows: int
    at_set_point: bool | None
    why: str = ""
    budget_left: float | None = None


@value
class Day:
    """For how many seconds of a day each objective held, and was off, by name; counted up to `until`."""

    start: datetime
    until: datetime
    held_s: dict[str, float] = field(default_factory=dict)
    off_s: dict[str, float] = field(default_factory=dict)


@value
class Release:
    """A version that became champion: when, by whom, and which one it replaced."""

    version: str
    at: datetime
    by: str
    replaced: str | None = None


@value
class Hold:
    """A version that must be kept whatever happens, and why."""

    version: str
    why: str
    by: str
    at: datetime


@value
class Failing:
    """What failed each time, one after another: since when, the last time, how often, and why it did then."""

    since: datetime
    at: datetime
    times: int
    why: str


@value
class Training:
    """A training under way: what it learns from, what it is judged on, who asked.

    The candidate learns rows before `holdout_since`, of them the latest `window_rows` (None: as many as the reference
    has), and is judged on those from there to `until`. `since` is the time of the first row that no training has seen.
    `parent` is the version that it begins with; empty where an earlier release began it. `trigger` names the objective
    that was off its set point, if one was. `submitted` is false until the training set is written and the trainer knows
    of the job. `repeats` is the version that passed the gate where this is the same training once more, on all rows;
    empty: a candidate is yet to be judged. `contest`: a second candidate shall learn from all rows, and the better of
    the two is judged; `rival` is the first, which took `rival_s` seconds, while the second is made. `line` is the
    calibration that a recalibrated version gets, and `proof` what speaks for it: there is nothing left to hold out. The
    candidate is born with a line through its answers, fitted on the newest `lined_rows`, which it does not learn.
    `without` is what stands in the place of a column that the version shall do without, for as long as an `incident`
    lasts: it is no candidate for champion. `frontier` and `learnt_until` are what `last_fit` and `learnt_until` of the
    deployment were before, for a training that comes to nothing uses up no rows.
    """

    job: str
    parent: str = ""
    reason: str
    by: str
    holdout_since: datetime
    until: datetime
    since: datetime | None = None
    method: Method = Method.REFIT
    window_rows: int | None = None
    expected: Gain | None = None
    trigger: str = ""
    submitted: bool = True
    repeats: str = ""
    contest: bool = False
    rival: str = ""
    rival_s: float = 0.0
    line: Calibration | None = None
    proof: Verdict | None = None
    lined_rows: int = 0
    without: FeatureMap | None = None
    incident: str = ""
    frontier: datetime | None = None
    learnt_until: datetime | None = None


@value
class Deployment:
    """One deployed model: what serves, what is under way, what was decided.

    `source` is the folder of its setpoint.yaml; `releases` are in time order, the last one is champion; `train`,
    `updates`, `rolling` and `allow` are as in the file; `looked` is the time of the last look. `last_fit` is the
    frontier of the data of the last training that did not come to nothing, and `learnt_until` the event time of the
    newest row that it could have; later rows are new, whenever they were asked. `tried` is when one that did was begun;
    `expired` is the last time that it was seen to which records are too old.
    `advised` is what was last thought of an update, `estimates` are the objectives before their labels are there,
    `ledger` what became of earlier ones; `envelopes` are those that were in force, from when on.
    `rehearsal` is how the last rehearsal of going back went, `answers` what champions answered then.
    `audit` says how inputs are fetched again, `audits` what came of it in the last weeks, `unanswered`
    that the source does not answer, `source_spent` until when incidents have used the rows that it may be asked for.
    `blind` is set while looks fail, `undeleted` while old records cannot be deleted.
    `delivered` is what looks have seen of the deliveries of outcomes.
    """

    model: str
    source: str
    served: Served
    envelope: Envelope
    objectives: tuple[Objective, ...]
    releases: tuple[Release, ...]
    train: str | None = None
    allow: tuple[str, ...] = ()
    updates: Updates = Updates()
    rolling: Rolling = Rolling()
    retention: Retention = Retention()
    holds: tuple[Hold, ...] = ()
    alerts: Alerts = Alerts()
    telling: Telling = Telling()
    owners: Owners = Owners()
    expired: datetime | None = None
    standings: tuple[Standing, ...] = ()
    findings: tuple[Finding, ...] = ()
    study: Study | None = None
    estimates: tuple[Estimated, ...] = ()
    ledger: Ledger = Ledger()
    incidents: tuple[Incident, ...] = ()
    rollouts: tuple[Rollout, ...] = ()
    training: Training | None = None
    advised: Advised | None = None
    last_fit: datetime | None = None
    learnt_until: datetime | None = None
    tried: datetime | None = None
    looked: datetime | None = None
    decisions: tuple[Decided, ...] = ()
    envelopes: tuple[Ruled, ...] = ()
    days: tuple[Day, ...] = ()  # of the last year, in time order
    rehearsal: Rehearsal | None = None
    answers: tuple[Kept, ...] = ()
    audit: Audit | None = None
    baseline: Baseline | None = None
    audits: tuple[Audited, ...] = ()
    unanswered: Unanswered | None = None
    source_spent: datetime | None = None
    blind: Failing | None = None
    undeleted: Failing | None = None
    delivered: Delivered | None = None

    @property
    def way_back(self) -> str | None:
        """The last version before the champion that was good: none that somebody or something went back from."""
        good: list[str] = [self.releases[0].replaced] if self.releases[0].replaced else []
        for version in (release.version for release in self.releases):
            good = [*good[: good.index(version)], version] if version in good else [*good, version]
        return good[-2] if len(good) > 1 else None

    @property
    def new_since(self) -> datetime | None:
        """The event time from which on no row was in a training; None: all are new."""
        return self.last_fit if self.learnt_until is None else self.learnt_until + timedelta(microseconds=1)

    @property
    def distrusts(self) -> Incident | None:
        """The incident for which nothing may learn from outcomes, or be judged by them; None if there is none."""
        held = (i for i in self.incidents if i.live and i.repair and i.repair.remedy is Remedy.HOLD)
        return next((i for i in held if i.repair and i.repair.in_force), None)
