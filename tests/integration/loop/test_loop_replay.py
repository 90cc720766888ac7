"""A replay decides the same to the byte: run at once or in turn, to the end or killed and run again."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from setpoint.bootstrap.replaying import replay_table
from setpoint.config import Settings
from setpoint.loop.replay import Checkpoints, kept
from tests.integration.loop.conftest import DAY, START, hours_of_weather, with_more_demand

DAYS = 20


class Killed(BaseException):
    """What no code catches."""


@pytest.fixture(scope="module")
def raced(deployed: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a function that races into a folder; from day 12 on demand follows another law."""
    _, file, _ = deployed
    rows = with_more_demand(hours_of_weather(DAYS, START, seed=2), 12)
    table = pa.Table.from_pandas(pd.DataFrame(rows), preserve_index=False)

    def raced(out: str, policies: tuple[str, ...] = ("setpoint",), **options: Any) -> Any:
        folder = tmp_path_factory.getbasetemp() / out
        return folder, replay_table(file, table, Settings(), every=2 * DAY, policies=policies, out=folder, **options)

    return raced


@pytest.fixture(scope="module")
def plain(raced: Any) -> Any:
    return raced("plain", ("setpoint", "alarm"))


def written(folder: Path) -> list[bytes]:
    return [(folder / "setpoint" / name).read_bytes() for name in (kept.DECISIONS, "losses.npy")]


def test_the_loop_and_those_who_only_watch_see_the_same_and_do_otherwise(plain: Any) -> None:
    _, replayed = plain
    ours, watching = (replayed.policies[name] for name in ("setpoint", "alarm"))
    assert ours.retrains > 0
    assert (watching.retrains, watching.promotions) == (0, 0)
    assert watching.incidents > 0
    assert watching.quality == replayed.policies["never"].quality
    assert {d.policy for d in replayed.decisions} == {"setpoint", "alarm"}


def test_a_replay_that_was_killed_goes_on_and_decides_the_same(
    raced: Any, plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between two looks, and again in the middle of one, when a version was made that is then made anew."""
    monkeypatch.setattr(Checkpoints, "every_s", 0.0)
    looks: list[int] = []

    def until(rows: int) -> Any:
        def told(policy: str, done: int) -> None:
            looks.append(done)
            if policy == "setpoint" and done >= rows:
                raise Killed

        return told

    with pytest.raises(Killed):
        raced("killed", progress=until(24 * 8))
    keep, trained = Checkpoints.save, []

    def save(self: Any, kept_: Any) -> None:
        if kept_.deployment.rollouts:
            trained.append(kept_)
            raise Killed
        keep(self, kept_)

    with monkeypatch.context() as killing:
        killing.setattr(Checkpoints, "save", save)
        with pytest.raises(Killed):
            raced("killed")
    assert trained
    looks.clear()
    folder, _ = raced("killed", jobs=2)
    assert written(folder) == written(plain[0])
    assert {f.name for f in folder.iterdir()} == {"setpoint", "never"}


def test_what_is_finished_is_not_run_again(raced: Any, plain: Any) -> None:
    def told(policy: str, done: int) -> None:
        raise AssertionError(policy)

    _, again = raced("plain", ("setpoint", "alarm"), progress=told)
    assert again == plain[1]
