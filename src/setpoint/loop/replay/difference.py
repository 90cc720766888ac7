"""Where two policies over the same traffic first part, and why."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import zip_longest
from typing import Any

from setpoint.domain.fleet import Decided
from setpoint.domain.value import value
from setpoint.errors import InvalidInput
from setpoint.loop.replay.run import Ran, gain_between
from setpoint.loop.replay.values import Step
from setpoint.stats.paired import Interval


@value
class Setting:
    """A key of setpoint.yaml on which two policies differ."""

    key: str
    a: str
    b: str


@value
class Side:
    """What one of them did at the look at which they parted; `thought` is what it thought best there, if it said."""

    policy: str
    did: tuple[Decided, ...]
    thought: str
    alone: int  # decisions that only it took, over the whole traffic


@value
class Difference:
    """Two policies: what they differ in, the first look at which they did something else, and what came of it.

    `at` None: they decided the same throughout. `gain` is what A lost less per row than B.
    """

    a: Side
    b: Side
    settings: tuple[Setting, ...]
    at: datetime | None
    gain: Interval | None


def difference(a: Ran, b: Ran) -> Difference:
    """Return where A and B part.

    Raises
    ------
    InvalidInput
        If they were not run over the same traffic.
    """
    if [(s.until, s.rows) for s in a.course.steps] != [(s.until, s.rows) for s in b.course.steps]:
        raise InvalidInput(
            f"{a.course.policy} and {b.course.policy} looked at other times or at other rows; run both over the same "
            "table with the same --every"
        )
    ours, theirs = a.course.deployment.decisions, b.course.deployment.decisions
    at = _parted(ours, theirs)
    return Difference(
        a=_side(a, at, theirs),
        b=_side(b, at, ours),
        settings=tuple(_settings(a.course.settings, b.course.settings)),
        at=at,
        gain=gain_between(a, b),
    )


def _parted(ours: tuple[Decided, ...], theirs: tuple[Decided, ...]) -> datetime | None:
    for one, other in zip_longest(ours, theirs):
        if one is None or other is None or _same(one) != _same(other):
            return min(d.at for d in (one, other) if d is not None)
    return None


def _same(decision: Decided) -> tuple[datetime, str, str, str]:
    """Return what makes two decisions one: not their words."""
    return decision.at, decision.action, decision.subject, decision.cause


def _side(ran: Ran, at: datetime | None, theirs: tuple[Decided, ...]) -> Side:
    others = {_same(d) for d in theirs}
    mine = ran.course.deployment.decisions
    return Side(
        policy=ran.course.policy,
        did=tuple(d for d in mine if d.at == at),
        thought="" if at is None else _thought(ran.course.steps, at),
        alone=sum(_same(d) not in others for d in mine),
    )


def _thought(steps: tuple[Step, ...], at: datetime) -> str:
    """Return what was last thought at or before a time."""
    return next((s.thought for s in reversed(steps) if s.until <= at and s.thought), "")


def _settings(a: Mapping[str, Any], b: Mapping[str, Any], above: str = "") -> Iterator[Setting]:
    for key in sorted({*a, *b}):
        one, other = a.get(key), b.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from _settings(one, other, f"{above}{key}.")
        elif one != other:
            yield Setting(key=f"{above}{key}", a=_written(one), b=_written(other))


def _written(setting: Any) -> str:
    return "nothing" if setting in (None, [], {}) else str(setting)
