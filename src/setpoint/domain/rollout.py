"""A candidate version on its way to traffic: proven at the gate, then in shadow, then promoted or rejected."""

from datetime import datetime
from enum import StrEnum

from setpoint.domain.receipt import Gain, Receipt
from setpoint.domain.update import Method
from setpoint.domain.value import replace, value
from setpoint.errors import Conflict


class Decision(StrEnum):
    """What evidence says about a candidate."""

    ACCEPT = "accept"
    REJECT = "reject"
    WAIT = "wait"


@value
class Verdict:
    """Champion against candidate, paired on the same rows.

    `gain` is the champion's loss minus the candidate's (positive: the candidate is better), per row in the loss's unit;
    `low` and `high` bound it. `checks` are the single judgements in words.
    """

    decision: Decision
    rows: int
    champion_loss: float
    candidate_loss: float
    gain: float
    low: float
    high: float
    checks: tuple[str, ...] = ()


@value
class Candidate:
    """A version that wants to become champion, and the evidence so far.

    `method` is how it was made, `expected` what was expected of it before, `seconds` what its training took.
    """

    version: str
    champion: str
    reason: str
    created: datetime
    trained_until: datetime | None = None
    gate: Verdict | None = None
    method: Method = Method.REFIT
    expected: Gain | None = None
    seconds: float = 0.0


class Phase(StrEnum):
    """Where a rollout stands."""

    GATE = "gate"
    SHADOW = "shadow"
    PROMOTED = "promoted"
    REJECTED = "rejected"


@value
class Rollout:
    """Traffic moving to a candidate. A finished rollout refuses to change."""

    candidate: Candidate
    phase: Phase = Phase.GATE
    shadow_since: datetime | None = None
    ended: datetime | None = None
    shadow: Verdict | None = None
    approved_by: str = ""
    receipt: Receipt | None = None

    @property
    def running(self) -> bool:
        """Whether it still waits for a verdict."""
        return self.phase in (Phase.GATE, Phase.SHADOW)

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
    _still_running(rollout)
    return replace(rollout, phase=Phase.REJECTED, ended=now)


def _still_running(rollout: Rollout) -> None:
    if not rollout.running:
        raise Conflict(f"the rollout of {rollout.candidate.version} has already ended ({rollout.phase})")


def advance(rollout: Rollout, verdict: Verdict, now: datetime) -> Rollout:
    """Return the next state. The caller stores it and moves the traffic.

    Raises
    ------
    Conflict
        If the rollout has already ended.
    """
    _still_running(rollout)
    if rollout.phase is Phase.GATE:
        rollout = replace(rollout, candidate=replace(rollout.candidate, gate=verdict))
    else:
        rollout = replace(rollout, shadow=verdict)
    match verdict.decision:
        case Decision.WAIT:
            return rollout
        case Decision.REJECT:
            return replace(rollout, phase=Phase.REJECTED, ended=now)
        case Decision.ACCEPT if rollout.phase is Phase.GATE:
            return replace(rollout, phase=Phase.SHADOW, shadow_since=now)
        case _:
            return replace(rollout, phase=Phase.PROMOTED, ended=now)
