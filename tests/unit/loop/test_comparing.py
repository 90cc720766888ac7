"""Two versions on what they answered: which is better, on what evidence, and what is said where there is none."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import setpoint
from setpoint.domain.cuts import Binning
from setpoint.domain.fleet import Decided
from setpoint.domain.record import Role
from setpoint.domain.records import Records, stamp
from setpoint.domain.segments import Split
from setpoint.domain.value import replace, to_json
from setpoint.errors import InvalidInput
from setpoint.loop.verbs.comparing import Compared, compared
from setpoint.loop.verbs.comparing_words import compared_view, notes, sentence

DAYS = 60


class Log:
    """A record log that holds these rows, by version and role."""

    def __init__(self, made: Any, folder: Path, rows: dict[tuple[str, Role], Records]) -> None:
        (folder / "binning.json").write_bytes(
            to_json(Binning(columns={}, segments={"temp": Split(edges=(15.0, 16.0))}))
        )
        self.made, self.home, self.rows = made, folder, rows
        self.ports: Any = SimpleNamespace(log=self, bundles=self)

    def get(self, model: str, version: str) -> Any:
        found = self.made.version(version)
        return found if version != "odd" else replace(found, schema=replace(found.schema, features=()))

    def folder(self, model: str, version: str) -> Path:
        return self.home

    def read(self, model: str, *, since: Any, until: Any, as_of: Any, role: Role, version: str) -> Records:
        none = self.made.rows(self.made.now, self.made.now)
        return self.rows.get((version, role), none).between(since, until)

    def compare(self, a: str = "v1", b: str = "v2", **asked: Any) -> Compared:
        decisions = asked.pop("decisions", ())
        deployment = self.made.deployment(decisions=decisions)
        return compared(self.ports, deployment, a, b, now=self.made.now, **asked)


@pytest.fixture
def log(made: Any, tmp_path: Path) -> Any:
    """A function: a log in which v1 answered, and v2 with another loss was asked in shadow, or had a share."""

    def log(loss: float, share: float | None = None) -> Log:
        since = made.now - DAYS * made.day
        one, two = (made.rows(since, made.now, loss=x, seed=s) for x, s in ((1.0, 0), (loss, 1)))
        two = replace_rows(two, version=np.full(len(two), "v2", dtype=object), outcome=one.outcome,
                           score=one.outcome + (two.score - two.outcome))  # fmt: skip
        if share is None:
            return Log(made, tmp_path, {("v1", Role.CHAMPION): one, ("v2", Role.SHADOW): two})
        mine = np.random.default_rng(2).random(len(one)) < share
        return Log(made, tmp_path, {("v1", Role.CHAMPION): one.take(~mine), ("v2", Role.CHALLENGER): two.take(mine)})

    return log


def replace_rows(rows: Records, **columns: Any) -> Records:
    return Records(**{**{f: getattr(rows, f) for f in Records.__dataclass_fields__}, **columns})


@pytest.mark.parametrize("share", [None, 0.4])
def test_the_better_version_is_named_with_by_how_much_and_how_sure(log: Any, share: float | None) -> None:
    found = log(0.5, share).compare()
    assert found.best is (found.pairs if share is None else found.split)
    assert found.best.better == "b"
    assert found.best.low <= 0.5 <= found.best.high
    assert {s for s, v in found.segments.items() if v.better == "b"} >= {"temp<=15", "temp>16"}
    said = sentence(found)
    assert said.startswith("v2 is better than v1: a loss of v1 ")
    assert "; sure at 9" in said
    assert log(0.5, share).compare("v2", "v1").best.better == "a"


def test_equal_versions_cannot_be_told_apart_and_may_be_looked_at_again(log: Any) -> None:
    assert "cannot be told apart yet" in sentence(log(1.0).compare())


def test_what_answered_at_different_times_is_not_compared(log: Any, made: Any) -> None:
    one = log(0.5)
    middle = made.now - DAYS / 2 * made.day
    one.rows = {
        ("v1", Role.CHAMPION): one.rows["v1", Role.CHAMPION].between(None, middle),
        ("v2", Role.CHAMPION): one.rows["v2", Role.SHADOW].between(middle, None),
    }
    release = Decided(at=middle, cause="", subject="v2", action="release", why="")
    found = one.compare(decisions=(release,))
    assert found.best is None
    assert "have not answered the same traffic" in sentence(found)
    assert compared_view(found)["better"] is None


def test_rows_that_are_too_young_for_their_outcome_are_left_out(log: Any, made: Any) -> None:
    """Wrong answers that are found out sooner than right ones would make the newer version look worse."""
    one = log(1.0)
    for key, rows in one.rows.items():
        late = rows.time + np.timedelta64(10, "D")
        wrong = rows.score - rows.outcome > 1.0
        known = np.where(wrong, rows.time, late)
        arrived = known <= stamp(made.now)
        one.rows[key] = replace_rows(
            rows,
            known=np.where(arrived, known, np.datetime64("NaT")),
            outcome=np.where(arrived, rows.outcome, np.nan),
        )
    found = one.compare()
    assert found.age_s == 10 * 86_400
    assert found.pairs.rows_a == pytest.approx((DAYS - 10) * 24, abs=2)
    assert found.best.better == ""


def test_a_start_that_was_chosen_is_told_of(log: Any, made: Any) -> None:
    found = log(0.5).compare(since=made.now - timedelta(days=30))
    assert found.pairs.rows_a <= 30 * 24
    assert any("your choice" in line for line in notes(found))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"b": "v1"}, "v1 cannot be compared with itself"),
        ({"b": "odd"}, "other columns or classes"),
        ({"metric": "value"}, "no objective says what a decision brings"),
    ],
)
def test_what_cannot_be_compared_is_refused(log: Any, asked: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        log(1.0).compare(**asked)


def test_interleaved_rankings_are_compared_from_a_table_of_clicks() -> None:
    import pandas as pd

    shown = setpoint.interleave(["x", "y"], ["y", "z"], length=3, seed=1)
    assert {slot.item for slot in shown} == {"x", "y", "z"}
    clicks = pd.DataFrame({"clicks_a": [0, 1] * 200, "clicks_b": [1, 1] * 200})
    assert setpoint.compare_interleaved(clicks).better() == "b"
    with pytest.raises(InvalidInput, match="lacks clicks_b; it has clicks_a"):
        setpoint.compare_interleaved(clicks[["clicks_a"]])
    with pytest.raises(InvalidInput, match="a count of clicks is missing"):
        setpoint.compare_interleaved(clicks.assign(clicks_a=np.nan))
