"""What is done of a roll back before anything large is imported."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from setpoint.cli import hurry
from setpoint.cli.hurry import Asked, plain
from setpoint.domain.live import Live, Served, WorkerStatus
from setpoint.domain.value import to_json
from setpoint.errors import Unusable
from setpoint.platforms.files import HomeFiles
from setpoint.platforms.local import LocalPlatform


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["demand"], Asked(model="demand", to=None, by=None)),
        (["--to", "v1", "demand", "--by", "ann"], Asked(model="demand", to="v1", by="ann")),
        (["demand", "--to=v1"], None),
        (["demand", "--help"], None),
        (["demand", "other"], None),
        (["demand", "--to"], None),
        (["demand", "--to", "--by"], None),
        (["demand", "--to", "v1", "--to", "v2"], None),
        ([], None),
    ],
)
def test_only_what_is_plain_is_done_in_a_hurry(words: list[str], asked: Asked | None) -> None:
    assert plain(words) == asked


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HomeFiles:
    """A home where v2 serves; `standing` writes what a worker holds."""
    monkeypatch.setenv("SETPOINT_HOME", str(tmp_path))
    files = HomeFiles(tmp_path)
    files.workers.mkdir(parents=True)
    files.swap_live(Live(generation=1, models={"demand": Served(champion="v2", standby="v1")}))
    return files


def test_a_version_that_is_not_held_ready_is_left_to_the_command(files: HomeFiles) -> None:
    assert hurry.hurry(["demand"]) is None
    assert files.read_live().generation == 1


def test_one_that_is_held_answers(files: HomeFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    status = WorkerStatus(pid=os.getpid(), generation=2, standby={"demand": "v1"}, beat=time.time())
    (files.workers / "0.json").write_bytes(to_json(status))
    assert hurry.hurry(["demand", "--by", "ann"]) == "v1"
    live = LocalPlatform(files.home).live()
    assert live.models["demand"] == Served(champion="v1")
    assert (live.orders["demand"].version, live.orders["demand"].by) == ("v1", "ann")


def test_an_order_that_a_worker_is_slow_to_follow_stands_and_is_not_given_again(
    files: HomeFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = WorkerStatus(pid=os.getpid(), generation=1, standby={"demand": "v1"}, beat=time.time())
    (files.workers / "0.json").write_bytes(to_json(status))

    def not_in_time(platform: LocalPlatform, live: Live) -> None:
        files.swap_live(live)
        raise Unusable("worker 0 did not follow in time")

    monkeypatch.setattr(LocalPlatform, "apply", not_in_time)
    assert hurry.hurry(["demand"]) == "v1"


def test_a_home_that_is_spelt_in_two_ways_is_left_to_the_command(files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("setpoint_home", "/elsewhere")
    assert hurry._home() is None


def test_nothing_large_is_imported_for_it() -> None:
    large = "{'numpy', 'pydantic', 'typer', 'rich', 'sqlalchemy'}"
    code = f"import sys, setpoint.cli.hurry; sys.exit(bool({large} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
