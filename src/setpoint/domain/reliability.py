"""How reliably a model is operated: how fast faults are found, located and mended, and how long it is at set point."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median

from setpoint.domain.as_known import as_known
from setpoint.domain.envelope import LOOP
from setpoint.domain.event import What
from setpoint.domain.fleet import Day, Decided, Deployment, Standing
from setpoint.domain.incident import Cause, Incident, Remedy
from setpoint.domain.value import replace, value

DAY = timedelta(days=1)
MOST_DAYS = 400  # that are remembered
LONGEST = DAY  # between two looks; what lies before is not known
YEAR = timedelta(days=365.25)
PERIOD = timedelta(days=90)
ALL = "all"


@value
class Spread:
    """Some times in seconds: how many, the middle one, the longest; None where there is none."""

    count: int
    median_s: float | None = None
    worst_s: float | None = None


@value
class Times:
    """Of the incidents of one cause: how long after they began they were found, located and well again."""

    cause: str
    incidents: int
    detect: Spread
    locate: Spread
    recover: Spread


@value
class Held:
    """The share of the time that is known for which an objective held."""

    objective: str
    share: float
    known_s: float


@value
class Reliability:
    """A model over a period; `times` is of all incidents first, then by cause.

    `actions` is what was done without a person: repairs and promotions. `false_actions` of them did not help, made the
    answers surely worse, or were taken back by a person; `false_allowed` is what the envelope allows in such a period.
    """

    model: str
    since: datetime
    until: datetime
    times: tuple[Times, ...]
    unlocated: int
    unsolved: int
    actions: int
    false_actions: int
    false_allowed: float
    held: tuple[Held, ...]


def passed(
    days: tuple[Day, ...], standings: Iterable[Standing], since: datetime | None, now: datetime
) -> tuple[Day, ...]:
    """Return the days with the time since the last look counted for how each objective stands now.

    A stretch over midnight counts for the day on which it ends. Beyond a day between two looks nothing is known. What
    was counted by a look that was stopped half-way is not counted again.
    """
    since = max((when for when in (since, days[-1].until if days else None) if when), default=None)
    if since is None or now <= since:
        return days
    length = min(now - since, LONGEST).total_seconds()
    start = now.replace(hour=0, minute=0, second=0, microsecond=0)
    known = days[-1] if days and days[-1].start == start else Day(start=start, until=now)
    held, off = dict(known.held_s), dict(known.off_s)
    for s in standings:
        if s.at_set_point is not None:
            part = held if s.at_set_point else off
            part[s.objective.name] = part.get(s.objective.name, 0.0) + length
    today = replace(known, until=now, held_s=held, off_s=off)
    return (*(d for d in days if d.start != start), today)[-MOST_DAYS:]


def reliability(deployment: Deployment, since: datetime, until: datetime) -> Reliability:
    """Return how reliably a model was operated in a period, by the incidents that were found in it.

    What came of them after the period is left out; what was done in it counts as false whenever that turned out.
    """
    own = [as_known(i, until) for i in deployment.incidents if since <= i.opened < until]
    causes = sorted({cause_of(i) for i in own})
    actions, false = _actions(deployment, since, until)
    return Reliability(
        model=deployment.model,
        since=since,
        until=until,
        times=(_times(ALL, own), *(_times(c, [i for i in own if cause_of(i) == c]) for c in causes)),
        unlocated=sum(i.located is None for i in own),
        unsolved=sum(i.recovered is None for i in own),
        actions=actions,
        false_actions=false,
        false_allowed=deployment.envelope.false_actions_per_year * ((until - since) / YEAR),
        held=_held(deployment.days, [o.name for o in deployment.objectives], since, until),
    )


def cause_of(incident: Incident) -> str:
    """Return the likeliest cause of an incident."""
    return str(incident.causes[0].cause if incident.causes else Cause.UNKNOWN)


def _times(cause: str, incidents: Sequence[Incident]) -> Times:
    return Times(
        cause=cause,
        incidents=len(incidents),
        detect=_spread([_after(i, i.opened) for i in incidents]),
        locate=_spread([_after(i, i.located) for i in incidents if i.located]),
        recover=_spread([_after(i, i.recovered) for i in incidents if i.recovered]),
    )


def _after(incident: Incident, when: datetime) -> float:
    """Return how long after an incident began something was, in seconds; the latest beginning that is likely."""
    began = incident.began[1] if incident.began else incident.since
    return max((when - began).total_seconds(), 0.0)


def _spread(seconds: list[float]) -> Spread:
    if not seconds:
        return Spread(count=0)
    return Spread(count=len(seconds), median_s=median(seconds), worst_s=max(seconds))


def _actions(deployment: Deployment, since: datetime, until: datetime) -> tuple[int, int]:
    """Count what was done without a person, and what of it was false."""
    mended = {
        (i.id, e.at)
        for i in deployment.incidents
        for e in i.timeline
        if e.what is What.MENDED and e.by == LOOP and since <= e.at < until
    }
    undone = sum(
        (i.id, t.repair.applied) in mended and t.repair.remedy is not Remedy.HOLD
        for i in deployment.incidents
        for t in i.tried
    )
    promoted = {d.subject for d in deployment.decisions if _is_promotion(d) and since <= d.at < until}
    worse = sum(
        r.candidate.version in promoted and r.receipt is not None and r.receipt.realised.high < 0
        for r in deployment.rollouts
    )
    return len(mended) + len(promoted), undone + worse


def _is_promotion(decision: Decided) -> bool:
    return decision.action == "promote" and decision.by == LOOP


def _held(days: Iterable[Day], objectives: Sequence[str], since: datetime, until: datetime) -> tuple[Held, ...]:
    own = [d for d in days if since < d.start + DAY and d.start < until]
    found = []
    for name in objectives:
        held, off = (sum(part.get(name, 0.0) for part in parts) for parts in _columns(own))
        if held + off:
            found.append(Held(objective=name, share=held / (held + off), known_s=held + off))
    return tuple(found)


def _columns(days: Sequence[Day]) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    return [d.held_s for d in days], [d.off_s for d in days]
