"""What shall be served is written down first, then served; a stop between the two is made good."""

from types import SimpleNamespace
from typing import Any

import pytest

from setpoint.domain.fleet import Deployment
from setpoint.domain.live import Live, Served
from setpoint.domain.value import replace
from setpoint.errors import Unusable
from setpoint.loop.changes import serve, settle
from setpoint.loop.replay import RecordedPlatform


class Stopped(Exception):
    """The process ended here."""


class Platform(RecordedPlatform):
    """Fails as it is told to, at the next change."""

    fails: Exception | None = None

    def apply(self, live: Live) -> None:
        if self.fails:
            raise self.fails
        super().apply(live)


@pytest.fixture
def ports() -> Any:
    saved = list[Deployment]()
    return SimpleNamespace(platform=Platform(), state=SimpleNamespace(save=saved.append, saved=saved))


@pytest.fixture
def deployments(made: Any, ports: Any) -> tuple[Deployment, Deployment]:
    before = made.deployment()
    settle(ports, None, before)
    return before, replace(before, served=Served(champion="v1", shares={"v2": 0.1}))


def test_what_is_served_was_written_down_before(ports: Any, deployments: Any) -> None:
    _, after = deployments
    ports.platform.fails = Stopped()
    with pytest.raises(Stopped):
        settle(ports, *deployments)
    assert ports.state.saved[-1] == after
    assert ports.platform.live().models["demand"] == deployments[0].served
    ports.platform.fails = None
    serve(ports, ports.state.saved[-1])  # as the next turn does
    assert ports.platform.live().models["demand"] == after.served


def test_what_the_workers_refuse_is_not_written_down(ports: Any, deployments: Any) -> None:
    before, after = deployments
    ports.platform.fails = Unusable("worker 0 refused demand/v2")
    with pytest.raises(Unusable):
        settle(ports, before, after)
    assert ports.state.saved[-1] == before


def test_a_first_version_that_is_refused_leaves_no_deployment(made: Any, ports: Any) -> None:
    ports.platform.fails = Unusable("worker 0 refused demand/v1")
    with pytest.raises(Unusable):
        settle(ports, None, made.deployment())
    assert ports.state.saved == []
