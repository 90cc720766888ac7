"""Courses of policies, made up."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from setpoint.domain.fleet import Decided, Deployment, Envelope, Release
from setpoint.domain.live import Served
from setpoint.loop.replay.run import Ran
from setpoint.loop.replay.values import Course, Step

START, DAY, ROWS = datetime(2024, 3, 1, tzinfo=UTC), timedelta(days=1), 24


def at(day: int) -> datetime:
    return START + day * DAY


@pytest.fixture
def ran() -> Callable[..., Ran]:
    """Return a function: what a policy came to over 40 days of 24 rows, with these decisions (day, action, why)."""

    def ran(policy: str, loss: float, *did: tuple[int, str, str], thought: str = "", **settings: Any) -> Ran:
        losses = loss + np.random.default_rng(1).normal(0, 0.1, 40 * ROWS)
        deployment = Deployment(
            model="demand",
            source="",
            served=Served(champion="v1"),
            envelope=Envelope(),
            objectives=(),
            releases=(Release(version="v1", at=START, by="replay"),),
            decisions=tuple(Decided(at=at(d), cause="concept", subject="v2", action=a, why=w) for d, a, w in did),
        )
        steps = tuple(
            Step(
                until=at(day + 1),
                rows=ROWS,
                loss=float(losses[day * ROWS : (day + 1) * ROWS].mean()),
                at_set_point=day > 10,
                thought=thought,
            )
            for day in range(40)
        )
        course = Course(
            policy=policy, means=f"what {policy} does", settings=settings, steps=steps, deployment=deployment,
            loss="mean absolute error",
        )  # fmt: skip
        return Ran(course=course, losses=losses)

    return ran
