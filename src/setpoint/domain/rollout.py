"""A candidate version on its way to traffic: proven at the gate, then in shadow, then promoted or rejected."""

from datetime import datetime
from enum import StrEnum

from setpoint.domain.course import Course, Step
from setpoint.domain.evidence import Judged, Terms
from setpoint.domain.receipt import Gain, Receipt
from setpoint.domain.update import Method
from setpoint.domain.value import field, replace, value
from setpoint.domain.wealth import Evidence
from setpoint.errors import Conflict


class Decision(StrEnum):
    """What evidence says about a candidate."""

    ACCEPT = "accept"
    REJECT = "reject"
    WAIT = "wait"


class Holds(StrEnum):
    """How one check of the gate went."""

    PASS = "pass"
    FAIL = "fail"
    WAIT = "wait"
    NOT_APPLICABLE = "not applicable"


@value
class GateCheck:
    """One thing that the gate looked at.

    `reason` is a short stable code, such as `leak` or `objective:mae`. `numbers` hold what was measured, `needs` is how
    many more outcomes it takes to decide what waits.
    """

    name: str
    holds: Holds
    words: str
    reason: str = ""
    numbers: dict[str, float] = field(default_factory=dict)
    needs: int = 0


@value
class Verdict:
    """Champion against candidate, paired on the same rows.

    `gain` is the champion's loss minus the candidate's (positive: the candidate is better), per row in the loss's unit;
    `low` and `high` bound it. `checks` are the judgements that decided, in words; `judged` are all that the gate made,
    `reason` is the code of the most telling one that failed, and `needs` how many more outcomes a WAIT waits for.
    """

    decision: Decision
    rows: int
    champion_loss: float
    candidate_loss: float
    gain: float
    low: float
    high: float
    checks: tuple[str, ...] = ()
    judged: tuple[GateCheck, ...] = ()
    reason: str = ""
    needs: int = 0


@value
class Contest:
    """What learning from all rows won over learning from the latest, on the same held-out rows.

    Fractions of the loss of the latter, per row, with a two-sided 90 % interval.
    """

    gain: float
    low: float
    high: float
    rows: int


@value
class Candidate:
    """A version that wants to become champion, and the evidence so far.

    `method` is how it was made, `expected` what was expected of it before, `seconds` what its training took, `measures`
    what that measured, as the loss on old rows before and after.
    `trigger` is the objective that was off its set point when it was asked for; empty: the loss has to get better.
    `window_rows` are the rows that its training set was asked for, see `SetSpec.rows`, and `contest` is how that was
    found out, if by this candidate.
    `gated` is the version that passed the gate where this one is the same training on all rows; empty: this one did.
    """

    version: str
    champion: str
    reason: str
    created: datetime
    trained_until: datetime | None = None
    trigger: str = ""
    gate: Verdict | None = None
    method: Method = Method.REFIT
    expected: Gain | None = None
    seconds: float = 0.0
    measures: dict[str, float] = field(default_factory=dict)
    gated: str = ""
    window_rows: int | None = None
    contest: Contest | None = None


class Phase(StrEnum):
    """Where a rollout stands."""

    GATE = "gate"
    REFIT = "refit"  # passed the gate; the same training is done again on all rows there are
    SHADOW = "shadow"
    PROVEN = "proven"  # needs no shadow, and waits to be promoted
    CANARY = "canary"  # answers a share of the requests
    PROMOTED = "promoted"
    REJECTED = "rejected"
    ABORTED = "aborted"  # by a person


@value
class Moving:
    """How far a rollout is on its course, and what is known of it.

    Attributes
    ----------
    by
        Who began it; `setpoint` for a candidate of the loop.
    starts
        When each of its steps began; the last one is where it is.
    served_s
        How long after that the workers served each of them, in seconds; of the last one it may not be known yet.
    until, mature
        Up to which requests it was judged: by what is known at once, and by what is known late.
    requests
        How many the version answered in this step.
    unheard, silent_since
        In the shadow: how many requests have come since the last one that it answered, and when the first of them came.
    paused_by, paused, idle_s
        Who has paused it, and when; empty where nobody has. For how long this step was paused before.
    asked
        What it waits for a person for; empty where it waits for none.
    fast_by
        Who wants it promoted without waiting for what is left of its course.
    """

    course: Course
    terms: Terms
    by: str
    starts: tuple[datetime, ...]
    served_s: tuple[float, ...] = ()
    until: datetime
    mature: datetime
    requests: int = 0
    unheard: int = 0
    silent_since: datetime | None = None
    evidence: Evidence = field(default_factory=Evidence)
    judged: Judged | None = None
    paused_by: str = ""
    paused: datetime | None = None
    idle_s: float = 0.0
    asked: str = ""
    fast_by: str = ""

    @property
    def at(self) -> int:
        """The place of the present step."""
        return len(self.starts) - 1

    @property
    def step(self) -> Step:
        """The present step."""
        return self.course.steps[self.at]

    @property
    def last(self) -> bool:
        """Whether the version is champion after this step."""
        return self.at + 1 == len(self.course.steps)


@value
class Rollout:
    """Traffic moving to a candidate. A finished rollout refuses to change.

    `looks` are those of the gate so far, `looked` the time of the last one. `shadow_since` is when its shadow was
    decided, `shadow_served` from when on every worker asked it. `moving` is how far it is on its course,
    where it has one: see `setpoint.domain.canary`.
    """

    candidate: Candidate
    phase: Phase = Phase.GATE
    shadow_since: datetime | None = None
    shadow_served: datetime | None = None
    ended: datetime | None = None
    looked: datetime | None = None
    looks: int = 0
    shadow: Verdict | None = None
    approved_by: str = ""
    receipt: Receipt | None = None
    moving: Moving | None = None

    @property
    def running(self) -> bool:
        """Whether it still waits for a verdict."""
        return self.phase not in (Phase.PROMOTED, Phase.REJECTED, Phase.ABORTED)

    @property
    def realised_gain(self) -> float | None:
        """What a promotion has brought per row against the champion it replaced; None where it is not measured."""
        measured = self.receipt.realised if self.receipt and self.phase is Phase.PROMOTED else None
        return measured.mean if measured and measured.rows else None


def withdraw(rollout: Rollout, now: datetime) -> Rollout:
    """Return the rollout ended without promotion, whatever its evidence.

    Raises
    ------
    Conflict
        If the rollout has already ended.
    """
    return over(rollout, Phase.REJECTED, now)


def over(rollout: Rollout, phase: Phase, now: datetime) -> Rollout:
    """Return the rollout at its end; the verdict stays, the sums that it was made from are not needed any more."""
    still_running(rollout)
    moving = rollout.moving and replace(rollout.moving, evidence=Evidence(), asked="")
    return replace(rollout, phase=phase, ended=now, moving=moving)


def still_running(rollout: Rollout) -> None:
    """Raise Conflict for a rollout that has ended."""
    if not rollout.running:
        raise Conflict(f"the rollout of {rollout.candidate.version} has already ended ({rollout.phase})")


def refitted(rollout: Rollout, version: str, *, until: datetime, seconds: float, now: datetime) -> Rollout:
    """Return the rollout in its shadow with the version that learnt all rows, in place of the one that was judged.

    Raises
    ------
    Conflict
        If nothing has just passed the gate.
    """
    if rollout.phase is not Phase.REFIT:
        raise Conflict(f"the rollout of {rollout.candidate.version} waits for no second training ({rollout.phase})")
    judged = rollout.candidate
    candidate = replace(
        judged, version=version, gated=judged.version, trained_until=until, seconds=judged.seconds + seconds
    )
    return replace(rollout, candidate=candidate, phase=Phase.SHADOW, shadow_since=now)


def advance(rollout: Rollout, verdict: Verdict, now: datetime) -> Rollout:
    """Return the next state. The caller stores it and moves the traffic.

    Raises
    ------
    Conflict
        If the rollout has already ended.
    """
    still_running(rollout)
    if rollout.phase is Phase.REFIT:
        raise Conflict(f"the rollout of {rollout.candidate.version} waits for its second training, not for a verdict")
    if rollout.phase is Phase.GATE:
        rollout = replace(
            rollout, candidate=replace(rollout.candidate, gate=verdict), looks=rollout.looks + 1, looked=now
        )
    elif rollout.phase is Phase.SHADOW:
        rollout = replace(rollout, shadow=verdict)
    match verdict.decision:
        case Decision.WAIT:
            return rollout
        case Decision.REJECT:
            return replace(rollout, phase=Phase.REJECTED, ended=now)
        case Decision.ACCEPT if rollout.phase is Phase.GATE:
            return replace(rollout, phase=Phase.REFIT)
        case _:
            return replace(rollout, phase=Phase.PROMOTED, ended=now)
