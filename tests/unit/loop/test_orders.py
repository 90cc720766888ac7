"""Going back at once, whoever holds the state, and writing it down afterwards."""

import threading
from typing import Any

import pytest

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.fleet import Deployment
from setpoint.domain.live import Live, Order, Served, alone
from setpoint.domain.rollout import Candidate, Phase, Rollout
from setpoint.domain.value import replace
from setpoint.errors import Conflict, NotFound
from setpoint.loop.changes import settle
from setpoint.loop.verbs import deploying
from setpoint.loop.verbs.operator import Operator
from setpoint.loop.verbs.orders import order_back
from tests.unit.versions.conftest import five, home
from tests.unit.versions.hand_made import NOW, SCHEMA, a_deployment, a_version

__all__ = ["five", "home"]


def ordered(operator: Operator, to: str | None = None) -> str | None:
    ports = operator.ports
    return order_back(lambda: ports.bundles, ports.platform, "demand", to=to, by="ann", now=NOW)


@pytest.fixture
def two(home: Any) -> Operator:
    """Two versions; the first one is held ready, and a candidate is in shadow."""
    shadow = Rollout(candidate=Candidate(version="v3", champion="v2", reason="", created=NOW), phase=Phase.SHADOW)
    served = Served(champion="v2", standby="v1", shadow="v3")
    operator: Operator = home(
        [a_version("v1"), a_version("v2", 50)], a_deployment(["v1", "v2"], served=served, rollouts=(shadow,))
    )
    return operator


def known(operator: Operator) -> tuple[Live, Deployment]:
    return operator.ports.platform.live(), operator.deployments("demand")[0]


def test_requests_move_while_somebody_else_holds_the_state(two: Operator) -> None:
    moved = threading.Thread(target=ordered, args=(two,))
    with two.ports.state.lease():
        moved.start()
        moved.join(10)
        live, deployment = known(two)
    assert live.models["demand"] == Served(champion="v1")
    assert deployment.served.champion == "v2"


def test_what_was_ordered_is_written_down_once_and_ends_the_rollout(two: Operator) -> None:
    ordered(two)
    two.written("demand")
    live, deployment = known(two)
    assert deployment.served == live.models["demand"] == Served(champion="v1")
    assert (live.orders, deployment.rollouts[0].phase) == ({}, Phase.REJECTED)
    assert [(d.action, d.subject, d.by) for d in deployment.decisions] == [("release", "v1", "ann")]
    assert two.written("demand") == deployment


def test_a_turn_under_way_cannot_bring_the_bad_version_back(two: Operator) -> None:
    _, before = known(two)
    ordered(two)
    with pytest.raises(Conflict, match="ann has taken demand back to v1 meanwhile"):
        settle(two.ports, before, replace(before, served=replace(before.served, shadow=None)))
    live, after = known(two)
    assert (live.models["demand"].champion, after) == ("v1", before)


def test_an_order_that_a_stop_left_behind_is_adopted_by_the_next_who_decides(two: Operator) -> None:
    ordered(two)
    deploying.rollout(two, "demand", {"v2": 0.5}, by="bob")
    live, deployment = known(two)
    assert deployment.releases[-1].by == "ann"
    assert live.models["demand"] == deployment.served == Served(champion="v1", shares={"v2": 0.5})


def test_the_same_order_twice_is_one(two: Operator) -> None:
    assert ordered(two) == ordered(two) == ordered(two, to="v1") == "v1"
    assert known(two)[0].generation == 2


def test_without_a_standby_the_state_knows_what_came_before(five: Operator) -> None:
    assert ordered(five) is None
    assert five.rollback("demand", to=None, by="ann").served.champion == "v4"


def test_a_second_roll_back_goes_further_back_and_never_to_what_was_left(five: Operator) -> None:
    went = [five.rollback("demand", to=None, by="ann").served for _ in range(4)]
    assert [s.champion for s in went] == ["v4", "v3", "v2", "v1"]
    assert [s.standby for s in went] == ["v3", "v2", "v1", None]
    with pytest.raises(Conflict, match=r"no good version of demand before v1 to roll back to; .*--to"):
        five.rollback("demand", to=None, by="ann")
    assert five.rollback("demand", to="v5", by="ann").way_back == "v1"


@pytest.mark.parametrize(
    ("model", "to", "error", "words"),
    [
        ("demand", "v2", Conflict, "v2 is champion of demand already"),
        ("other", None, NotFound, "deployed are: demand"),
        ("demand", "v9", NotFound, "no version 'v9'"),
    ],
)
def test_what_cannot_be_changes_nothing(two: Operator, model: str, to: str, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        order_back(lambda: two.ports.bundles, two.ports.platform, model, to=to, by="ann", now=NOW)
    assert known(two)[0].generation == 1


def test_repairs_of_features_that_the_version_has_stay(home: Any) -> None:
    maps = tuple(FeatureMap(id=n, feature=n, scale=2.0, offset=0.0) for n in ("temp", "hum"))
    narrow = replace(SCHEMA, features=SCHEMA.features[:1])
    served = Served(champion="v2", standby="v1", maps=maps)
    operator = home([a_version("v1", schema=narrow), a_version("v2", 50)], a_deployment(["v1", "v2"], served=served))
    ordered(operator)
    assert known(operator)[0].models["demand"].maps == maps[:1]
    assert operator.written("demand").served.maps == maps[:1]


def test_an_order_survives_what_happens_to_other_models() -> None:
    order = Order(version="v1", replaced="v2", at=NOW, by="ann")
    live = Live().having("a", Served(champion="v2")).ordered("a", alone(Served(champion="v2"), "v1"), order)
    assert live.having("b", Served(champion="v1")).orders == {"a": order}
    assert live.fulfilled("a", live.models["a"]).orders == {}
