"""How rollouts are stored: each once, and what ended is not overwritten by what begins again."""

from datetime import UTC, datetime
from typing import Any

from setpoint.domain import canary
from setpoint.domain.course import USUAL, Course
from setpoint.domain.evidence import Judged, Says, Terms
from setpoint.domain.rollout import Candidate, Phase, Rollout
from setpoint.domain.value import replace
from setpoint.loop.changes import find_rollout, with_rollout
from setpoint.loop.plan.rollouts import _on_course

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def a_rollout(by: str = "ann") -> Rollout:
    candidate = Candidate(version="v2", champion="v1", reason="", created=NOW)
    return canary.begun(candidate, Course(steps=USUAL), Terms(), by=by, now=NOW)


def test_a_version_that_sets_out_again_leaves_what_became_of_it_before(made: Any) -> None:
    first = a_rollout()
    ended = canary.aborted(first, NOW)
    deployment = with_rollout(with_rollout(made.deployment(), first), ended)
    assert deployment.rollouts == (ended,)
    again = with_rollout(deployment, a_rollout("bob"))
    assert [r.phase for r in again.rollouts] == [Phase.ABORTED, Phase.SHADOW]
    over = with_rollout(again, canary.aborted(find_rollout(again, "v2"), NOW))
    assert [r.phase for r in over.rollouts] == [Phase.ABORTED, Phase.ABORTED]


def test_a_step_that_a_person_approved_is_taken(made: Any) -> None:
    judged = Judged(says=Says.WAIT, reason="waiting", words="not known yet")
    rollout = a_rollout("setpoint")
    moving = replace(rollout.moving, judged=judged, requests=10_000, idle_s=-1e6)
    waits = replace(rollout, moving=moving)
    deployment: Any = made.deployment()
    deployment = with_rollout(replace(deployment, envelope=replace(deployment.envelope, ask=("promote",))), waits)

    class At:
        now = NOW

    assert type(_on_course(waits, moving, deployment, At)).__name__ == "AskToPromote"
    approved = canary.approved(canary.asking(waits, "may it?"), by="ann", fast=False)
    assert type(_on_course(approved, approved.moving, deployment, At)).__name__ == "Step"
