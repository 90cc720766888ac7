"""A home with versions that were made by hand: no model in them answers, and none is asked."""

from collections.abc import Callable
from pathlib import Path

import pytest

from setpoint.bootstrap.home import open_home
from setpoint.config import Settings
from setpoint.domain.fleet import Deployment
from setpoint.domain.live import Live
from setpoint.domain.version import ModelVersion
from setpoint.loop.clock import VirtualClock
from setpoint.loop.verbs.operator import Operator
from tests.unit.versions.hand_made import NOW, a_deployment, a_version


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Operator]:
    """Return a function: a home with these versions, and this deployment of them."""

    def home(versions: list[ModelVersion], deployment: Deployment) -> Operator:
        monkeypatch.setenv("SETPOINT_HOME", str(tmp_path / "home"))
        operator = open_home(Settings(), VirtualClock(NOW))
        for version in versions:
            staged = tmp_path / "staged"
            staged.mkdir()
            (staged / version.artifact).write_bytes(version.version.encode() * 10_000)
            (staged / "contract.json").write_text("{}")
            operator.ports.bundles.add(staged, version)
        operator.ports.state.save(deployment)
        operator.ports.platform.apply(Live().having("demand", deployment.served))
        return operator

    return home


@pytest.fixture
def five(home: Callable[..., Operator]) -> Operator:
    """Five versions, each champion in its turn, and the last one still."""
    names = [f"v{i}" for i in range(1, 6)]
    parents = [None, *names]
    versions = [a_version(n, 100 - i, parents[i]) for i, n in enumerate(names)]
    return home(versions, a_deployment(names))
