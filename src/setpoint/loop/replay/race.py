"""Several policies over the same traffic, side by side, and what that says."""

from collections.abc import Mapping

import numpy as np

from setpoint.config import CostPart, SetpointFile
from setpoint.domain.update import DERIVED, Cost
from setpoint.errors import InvalidInput
from setpoint.loop.replay.existing import check
from setpoint.loop.replay.policies import NEVER, SETPOINT
from setpoint.loop.replay.run import Ran, gain_between
from setpoint.loop.replay.scored import mean_of
from setpoint.loop.replay.values import Course, PolicyResult, Replayed, Window, decisions_of
from setpoint.loop.replay.verdict import Race, Verdict, judge


def raced(rans: Mapping[str, Ran], file: SetpointFile) -> Replayed:
    """Return the race of policies, `never` among them, over the same traffic.

    Raises
    ------
    InvalidInput
        If what a policy would have come to cannot be known from these records.
    """
    for name, ran in rans.items():
        if ran.course.existing is not None:
            check(name, ran.course.existing)
    judged = next((n for n in (SETPOINT.name, *rans) if n in rans and n != NEVER.name), None)
    return Replayed(
        policies={name: _result(ran, rans[NEVER.name], file.update.cost) for name, ran in rans.items()},
        windows=_windows(rans),
        decisions=tuple(d for n, ran in rans.items() for d in decisions_of(n, ran.course.deployment.decisions)),
        verdict=None if judged is None else verdict_of(rans[judged], rans[NEVER.name], file),
        loss=rans[NEVER.name].course.loss,
        courses={name: ran.course for name, ran in rans.items()},
    )


def verdict_of(ours: Ran, never: Ran, file: SetpointFile) -> Verdict:
    """Answer whether a policy is worth switching on."""
    counts, cost = _did(ours.course), file.update.cost
    return judge(
        Race(
            policy=ours.course.policy,
            gain=gain_between(ours, never),
            loss=mean_of(never.losses, never.weights) or 0.0,
            moved=not np.array_equal(ours.losses, never.losses, equal_nan=True),
            trainings=counts["fit"],
            promotions=counts["promote"],
            repairs=counts["mend"],
            seconds=ours.course.training_s,
            worth=file.update.worth,
            cost=None if cost is None else Cost(training=cost.training, loss=cost.loss),
        )
    )


def _result(ran: Ran, never: Ran, cost: CostPart | None) -> PolicyResult:
    course, counts = ran.course, _did(ran.course)
    held = [s.at_set_point for s in course.steps if s.at_set_point is not None]
    return PolicyResult(
        quality=mean_of(ran.losses, ran.weights),
        retrains=counts["fit"],
        promotions=counts["promote"],
        actions=tuple(f"{d.at:%Y-%m-%d %H:%M} {d.action} {d.subject}" for d in course.deployment.decisions),
        cost=course.training_s,
        means=course.means,
        gain=None if course.policy == NEVER.name else gain_between(ran, never),
        value=None if ran.values is None else mean_of(ran.values, ran.weights),
        at_set_point=sum(held) / len(held) if held else None,
        recalibrations=sum(r.candidate.method in DERIVED for r in course.deployment.rollouts),
        rejections=counts["reject"],
        incidents=len(course.deployment.incidents),
        money=None if cost is None else counts["fit"] * cost.training,
        outcomes=course.existing,
    )


def _did(course: Course) -> dict[str, int]:
    did = [d.action for d in course.deployment.decisions]
    return {action: did.count(action) for action in ("fit", "promote", "reject", "mend")}


def _windows(rans: Mapping[str, Ran]) -> tuple[Window, ...]:
    steps = {name: ran.course.steps for name, ran in rans.items()}
    if len({tuple(s.until for s in of) for of in steps.values()}) != 1:
        raise InvalidInput("the policies were not run over the same traffic; choose another folder with --out")
    return tuple(
        Window(
            until=first.until,
            rows=first.rows,
            loss={name: of[at].loss for name, of in steps.items()},
            value={name: v for name, of in steps.items() if (v := of[at].value) is not None},
            at_set_point={name: h for name, of in steps.items() if (h := of[at].at_set_point) is not None},
        )
        for at, first in enumerate(next(iter(steps.values())))
    )
