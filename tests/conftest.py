"""What every test shares: markers by folder, a home of its own, property tests that a busy machine does not upset."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
MARKED_FOLDERS = ("integration", "e2e")

# A shared runner can stall for a second at any moment, so one example has no deadline; the test's own timeout holds.
settings.register_profile("setpoint", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("setpoint")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by folder, so that `-m "not e2e"` needs no mark in each file."""
    for item in items:
        for folder in MARKED_FOLDERS:
            if item.path.is_relative_to(TESTS / folder):
                item.add_marker(folder)


@pytest.fixture(autouse=True)
def _home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test out of the developer's own state, and the developer's settings out of every test."""
    monkeypatch.setenv("SETPOINT_HOME", str(tmp_path / "setpoint-home"))
    monkeypatch.delenv("SETPOINT_STATE", raising=False)
    monkeypatch.delenv("SETPOINT_KEY", raising=False)
