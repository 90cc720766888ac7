"""A change of champion ends the split of requests, and says so."""

from types import SimpleNamespace
from typing import Any

import pytest

from setpoint.domain.incident import Remedy
from setpoint.domain.live import Served
from setpoint.domain.rollout import Decision
from setpoint.loop import actions as do
from setpoint.loop.acts import act
from setpoint.loop.replay import RecordedPlatform
from setpoint.loop.verbs.views import status_view

SPLIT = Served(champion="v1", shares={"v5": 0.1, "v6": 0.025})
ENDED = "; the shares end: v5 10%, v6 2.5%"


@pytest.fixture
def ports() -> Any:
    return SimpleNamespace(platform=RecordedPlatform())


@pytest.mark.parametrize(("served", "said"), [(SPLIT, f"better{ENDED}"), (Served(champion="v1"), "better")])
def test_a_promotion_ends_the_shares(made: Any, ports: Any, served: Served, said: str) -> None:
    deployment = made.deployment(served=served, rollouts=(made.rollout(Decision.ACCEPT),))
    after = act(do.Promote(version="v2", why="better"), ports, deployment, made.look())
    assert after.served == Served(champion="v2", standby="v1")
    assert after.decisions[-1].why == said


def test_a_roll_back_of_a_release_ends_the_shares(made: Any, ports: Any) -> None:
    repair = made.repair(Remedy.ROLLBACK)
    deployment = made.deployment(served=SPLIT, incidents=(made.incident(repair),))
    after = act(do.Mend(incident="demand-temp", repair=repair, why="worse"), ports, deployment, made.look())
    assert after.served == Served(champion="v0", standby="v1")
    assert after.decisions[-1].why == f"rollback: worse{ENDED}"


def test_a_repair_and_a_rejection_leave_the_shares_alone(made: Any, ports: Any) -> None:
    repair = made.repair(Remedy.INVERSE_MAP)
    deployment = made.deployment(
        served=Served(champion="v1", shadow="v2", shares=SPLIT.shares),
        incidents=(made.incident(repair),),
        rollouts=(made.rollout(Decision.REJECT),),
    )
    after = act(do.Mend(incident="demand-temp", repair=repair, why="scaled"), ports, deployment, made.look())
    after = act(do.Reject(version="v2", why="worse"), ports, after, made.look())
    assert after.served == Served(champion="v1", shares=SPLIT.shares, maps=(made.map,))


@pytest.mark.parametrize(
    ("served", "challenger", "shares"),
    [
        (Served(champion="v1"), None, {"v1": 1.0}),
        (Served(champion="v1", shadow="v2"), "v2", {"v1": 1.0}),
        (Served(champion="v1", shadow="v2", shares={"v3": 0.1, "v4": 0.2}), "v4", {"v1": 0.7, "v3": 0.1, "v4": 0.2}),
    ],
)
def test_the_status_tells_the_real_shares(made: Any, served: Served, challenger: str | None, shares: Any) -> None:
    (view,) = status_view([made.deployment(served=served)])["deployments"]
    assert (view["challenger"], view["shadow"], view["shares"]) == (challenger, served.shadow, shares)
