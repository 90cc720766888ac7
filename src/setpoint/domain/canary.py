"""A rollout on its course: shadow, shares, champion. Pure: the caller stores what comes out, and moves the traffic."""

from datetime import datetime
from enum import StrEnum

from setpoint.domain.course import Course
from setpoint.domain.envelope import LOOP
from setpoint.domain.evidence import Says, Terms
from setpoint.domain.live import Served
from setpoint.domain.rollout import Candidate, Moving, Phase, Rollout, over, still_running
from setpoint.domain.value import replace, value
from setpoint.errors import Conflict

UNJUDGED = "unjudged"  # something cannot be judged at all: a person is asked when there is nothing left but to promote


DISAGREEMENT = "disagreement"  # the one metric that only the shadow can tell
SILENT, SILENT_S = 100, 300.0  # requests that the shadow leaves unanswered, for so long: a person is asked
PATIENCE = 4  # times its least time, and the shadow waits no longer for it: a person is asked


class Turn(StrEnum):
    """What a rollout does next."""

    STAY = "stay"
    STEP = "step"
    PROMOTE = "promote"
    BACK = "back"
    ASK = "ask"


@value
class Next:
    """What a rollout does next, and why."""

    turn: Turn
    why: str


def begun(candidate: Candidate, course: Course, terms: Terms, *, by: str, now: datetime) -> Rollout:
    """Return a rollout in the first step of its course."""
    return on_course(Rollout(candidate=candidate), course, terms, by=by, now=now)


def on_course(rollout: Rollout, course: Course, terms: Terms, *, by: str, now: datetime) -> Rollout:
    """Return a rollout that goes on by a course from here: in its first step."""
    still_running(rollout)
    moving = Moving(course=course, terms=terms, by=by, starts=(now,), until=now, mature=now)
    return _in_phase(replace(rollout, moving=moving), now)


def next_turn(rollout: Rollout, now: datetime, *, held: str, automatic: bool) -> Next:
    """Decide what a rollout does next. Going back comes first: nothing holds it up.

    Parameters
    ----------
    held : str
        What else keeps traffic from moving, such as a freeze window, in words; empty if nothing does.
    automatic : bool
        Whether the envelope lets a version become champion without a person.
    """
    moving = _moving(rollout)
    judged, approved = moving.judged, automatic or bool(rollout.approved_by)
    if judged is not None and judged.says is Says.BACK:
        return Next(turn=Turn.BACK, why=judged.words)
    if hindrance := held_up(moving, held):
        return Next(turn=Turn.STAY, why=hindrance)
    if judged is None:
        return Next(turn=Turn.STAY, why="nothing has been judged yet")
    if moving.fast_by:
        return Next(turn=Turn.PROMOTE, why=f"without waiting for the rest, by {moving.fast_by}: {judged.words}")
    asks = judged.says is Says.ASK
    if asks and not judged.reason.startswith(UNJUDGED):
        return _asking(moving, judged.words)
    if words := silent(moving, now):
        return _asking(moving, words)
    if short := too_short(moving, now):
        return Next(turn=Turn.STAY, why=short)
    if not moving.last:
        if words := unproven(moving):
            patient = (now - moving.starts[-1]).total_seconds() - moving.idle_s < PATIENCE * moving.step.least_s
            return Next(turn=Turn.STAY, why=words) if patient else _asking(moving, words)
        if not approved and moving.by == LOOP:
            return _asking(moving, f"the envelope has a person promote, and so let it answer: {judged.words}")
        answered = f"{moving.requests:,} requests in {_span((now - moving.starts[-1]).total_seconds())}"
        return Next(turn=Turn.STEP, why=f"nothing speaks against it after {answered}")
    if judged.says is Says.WAIT:
        return Next(turn=Turn.STAY, why=judged.words)
    if only := moving.course.only:
        others = "as champion it answers the others too, which nobody has judged"
        return _asking(moving, f"{judged.words}; that is of {only.words}, and {others}")
    return _asking(moving, judged.words) if asks or not approved else Next(turn=Turn.PROMOTE, why=judged.words)


def held_up(moving: Moving, held: str) -> str:
    """Return what keeps a rollout from going on whatever the evidence says; an empty text if nothing does."""
    return f"paused by {moving.paused_by}" if moving.paused_by else held


def too_short(moving: Moving, now: datetime) -> str:
    """Return what the present step lacks, in words; an empty text when it has lasted long enough."""
    step, lasted = moving.step, (now - moving.starts[-1]).total_seconds() - moving.idle_s
    if lasted < step.least_s:
        return f"the step lasts {_span(step.least_s)} at least, {_span(step.least_s - lasted)} of it to come"
    if moving.requests < step.least_requests:
        return f"{moving.requests} of at least {step.least_requests} requests answered in this step"
    return ""


def silent(moving: Moving, now: datetime) -> str:
    """Say that the version has ceased to answer in its shadow, or never began; an empty text while it does."""
    since = moving.silent_since
    if since is None or moving.unheard < SILENT or (now - since).total_seconds() < SILENT_S:
        return ""
    return (
        f"it answered none of the last {moving.unheard:,} requests of its shadow, since {since:%Y-%m-%d %H:%M} UTC: it "
        "hangs, is too slow for this traffic, or no worker could load it; `setpoint rollout abort` ends it"
    )


def listened(moving: Moving, unheard: int, since: datetime | None, *, answered: bool) -> Moving:
    """Return how long a shadow has been silent, after more requests, the last of them unheard."""
    if answered or not moving.unheard:
        return replace(moving, unheard=unheard, silent_since=since)
    return replace(moving, unheard=moving.unheard + unheard)


def unproven(moving: Moving) -> str:
    """Return what the shadow has yet to prove, and no later step can, in words; an empty text if nothing is left."""
    most, judged = moving.terms.margins.disagreement, moving.judged
    if moving.step.share or most is None or judged is None:
        return ""
    open_ = [s for s in judged.streams if s.metric == DISAGREEMENT and not s.held]
    if not open_:
        return ""
    seen = (
        f"{100 * (open_[0].challenger or 0.0):.3g} % of {open_[0].challenger_rows:,} requests were answered otherwise"
    )
    return f"{seen}; it is not proven yet that no more than {100 * most:.3g} % are, and only the shadow can prove it"


def _asking(moving: Moving, why: str) -> Next:
    """Ask once; what was asked is asked until it is answered."""
    return (
        Next(turn=Turn.STAY, why=f"waits for a person: {moving.asked}")
        if moving.asked
        else Next(turn=Turn.ASK, why=why)
    )


def stepped(rollout: Rollout, now: datetime) -> Rollout:
    """Return the rollout in its next step.

    Raises
    ------
    Conflict
        If it has ended, is paused, or is in its last step.
    """
    moving = _moving(rollout)
    _not_paused(rollout)
    if moving.last:
        raise Conflict(f"the rollout of {rollout.candidate.version} is in its last step")
    further = replace(
        moving, starts=(*moving.starts, now), requests=0, unheard=0, silent_since=None, idle_s=0.0, asked=""
    )
    return _in_phase(replace(rollout, moving=further), now)


def begun_to_serve(moving: Moving, now: datetime) -> Moving:
    """Return how far a rollout is, with the time at which its present step was served, unless that is known already."""
    if len(moving.served_s) == len(moving.starts):
        return moving
    late_s = max(0.0, (now - moving.starts[-1]).total_seconds())
    unknown = len(moving.starts) - 1 - len(moving.served_s)  # of an older Setpoint
    return replace(moving, served_s=(*moving.served_s, *(0.0,) * unknown, late_s))


def promoted(rollout: Rollout, now: datetime) -> Rollout:
    """Return the rollout at its end: the version is champion.

    Raises
    ------
    Conflict
        If it has ended, is paused, or was not judged, or if the evidence has it go back.
    """
    moving = _moving(rollout)
    _not_paused(rollout)
    if moving.judged is None or moving.judged.says is Says.BACK:
        raise Conflict(f"{rollout.candidate.version} cannot be promoted: {_said(moving)}")
    return over(rollout, Phase.PROMOTED, now)


def asking(rollout: Rollout, what: str) -> Rollout:
    """Return the rollout waiting for a person."""
    return replace(rollout, moving=replace(_moving(rollout), asked=what))


def paused(rollout: Rollout, now: datetime, *, by: str) -> Rollout:
    """Return the rollout paused: it goes no further, but back if the evidence says so."""
    moving = _moving(rollout)
    _not_paused(rollout)
    return replace(rollout, moving=replace(moving, paused_by=by, paused=now))


def resumed(rollout: Rollout, now: datetime) -> Rollout:
    """Return the rollout going on; the pause does not count as time of its step.

    Raises
    ------
    Conflict
        If it is not paused.
    """
    moving = _moving(rollout)
    if moving.paused is None:
        raise Conflict(f"the rollout of {rollout.candidate.version} is not paused")
    idle_s = moving.idle_s + (now - moving.paused).total_seconds()
    return replace(rollout, moving=replace(moving, paused_by="", paused=None, idle_s=idle_s))


def approved(rollout: Rollout, *, by: str, fast: bool) -> Rollout:
    """Return the rollout with a person's word for it: it may take traffic, and become champion once it is proven.

    `fast`, or where the evidence itself leaves it to a person: without waiting for what is left. What cannot be judged
    is left to a person in the last step, and so is a version that was proven for a part of the requests. What the
    shadow was asked to prove, and did not, is not asked any more; one that was silent is listened to anew.
    """
    moving = replace(_moving(rollout), unheard=0, silent_since=None)
    if moving.asked and unproven(moving):
        margins = replace(moving.terms.margins, disagreement=None)
        moving = replace(moving, terms=replace(moving.terms, margins=margins))
    fast_by = by if fast or _left_to_a_person(moving) else moving.fast_by
    return replace(rollout, approved_by=by, moving=replace(moving, fast_by=fast_by, asked=""))


def _left_to_a_person(moving: Moving) -> bool:
    """Whether all that is missing for the promotion is a person's word."""
    judged = moving.judged
    if judged is None:
        return False
    if judged.says is Says.PROMOTE:
        return moving.last and moving.course.only is not None
    return judged.says is Says.ASK and (moving.last or not judged.reason.startswith(UNJUDGED))


def aborted(rollout: Rollout, now: datetime) -> Rollout:
    """Return the rollout ended by a person, wherever it was."""
    return over(rollout, Phase.ABORTED, now)


def serving(served: Served, rollout: Rollout) -> Served:
    """Return the model served as a running rollout has it: its version in shadow, or with its share.

    Raises
    ------
    Conflict
        If another version has a share.
    """
    moving, version = _moving(rollout), rollout.candidate.version
    if not moving.step.share:
        return replace(without(served, version), shadow=version)
    if others := [v for v in served.shares if v != version]:
        raise Conflict(f"{', '.join(others)} has a share of the requests")
    shadow = None if served.shadow == version else served.shadow
    return replace(served, shadow=shadow, shares={version: moving.step.share}, only=moving.course.only)


def without(served: Served, version: str) -> Served:
    """Return the model served without a version that was on its way."""
    shares = {v: share for v, share in served.shares.items() if v != version}
    shadow = None if served.shadow == version else served.shadow
    return replace(served, shadow=shadow, shares=shares, only=served.only if shares else None)


def _in_phase(rollout: Rollout, now: datetime) -> Rollout:
    if _moving(rollout).step.share:
        return replace(rollout, phase=Phase.CANARY)
    return replace(rollout, phase=Phase.SHADOW, shadow_since=now)


def _moving(rollout: Rollout) -> Moving:
    still_running(rollout)
    if rollout.moving is None:
        raise Conflict(f"the rollout of {rollout.candidate.version} has no steps ({rollout.phase})")
    return rollout.moving


def _not_paused(rollout: Rollout) -> None:
    if by := _moving(rollout).paused_by:
        raise Conflict(f"the rollout of {rollout.candidate.version} is paused by {by}")


def _said(moving: Moving) -> str:
    return moving.judged.words if moving.judged else "nothing has been judged yet"


def _span(seconds: float) -> str:
    """Write a time in its largest unit."""
    for unit, size in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
