"""Shares by a person's word: what is served, what is written down, and what is refused."""

from typing import Any

import pytest

from setpoint.domain.live import Served
from setpoint.errors import Conflict, InvalidInput, NotFound
from setpoint.loop.verbs import deploying


def test_a_version_is_deployed_with_a_share_grows_and_is_made_champion(world: Any) -> None:
    w = world()
    with pytest.raises(InvalidInput, match="the share v2 100% is none"):
        deploying.deploy(w.operator, w.file, share=1.0, by="ann")
    assert w.operator.ports.bundles.next_name("demand") == "v2"  # refused before the long work
    before = w.deployment
    deploying.deploy(w.operator, w.file, share=0.1, by="ann")
    assert w.live.models["demand"] == w.deployment.served == Served(champion="v1", shares={"v2": 0.1})
    assert w.deployment.releases == before.releases
    assert deploying.rollout(w.operator, "demand", {"v2": 0.4}, by="bob").served.shares == {"v2": 0.4}
    deploying.rollout(w.operator, "demand", {"v2": 0.4}, by="bob")  # twice is once
    assert [(d.subject, d.why, d.by) for d in w.did("share")] == [
        ("v2", "v2 10% of the requests, was 0%", "ann"),
        ("v2", "v2 40% of the requests, was 10%", "bob"),
    ]
    assert (
        w.operator.rollback("demand", to="v2", by="ann").served
        == w.live.models["demand"]
        == Served(champion="v2", standby="v1")
    )
    assert w.did("release")[-1].why == "rolled back, replacing v1; the shares end: v2 40%"


def test_shares_that_cannot_be_are_refused_and_change_nothing(world: Any) -> None:
    w = world()
    with pytest.raises(NotFound, match="model 'demand' has no version 'v9'; it has: v1"):
        deploying.rollout(w.operator, "demand", {"v9": 0.1}, by="ann")
    with pytest.raises(InvalidInput, match="v1 is champion"):
        deploying.rollout(w.operator, "demand", {"v1": 0.1}, by="ann")
    with pytest.raises(NotFound, match="no model called 'nosuch'"):
        deploying.rollout(w.operator, "nosuch", {"v1": 0.1}, by="ann")
    other = w.file.model_copy(update={"model": "other"})
    with pytest.raises(Conflict, match="other has no champion yet to share requests with; deploy it without a share"):
        deploying.deploy(w.operator, other, share=0.1, by="ann")
    assert (w.live.models["demand"], w.did("share")) == (Served(champion="v1"), [])
