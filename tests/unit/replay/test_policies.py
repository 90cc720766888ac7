"""Policies: built in, or an overlay of setpoint.yaml."""

from pathlib import Path

import pytest

from setpoint.config import SetpointFile, check_setpoint_text
from setpoint.errors import InvalidInput
from setpoint.loop.replay.policies import BUILT_IN, policies_of, policy_of, under

FILE = """
model: demand
task: regression
artifact: model.joblib
reference: reference.parquet
target: demand
objectives:
  - {metric: mae, at_most: 16, window: 7d}
update: {every: 7d, worth: 2%}
envelope: {max_actions_per_day: 3}
"""


@pytest.fixture
def file(tmp_path: Path) -> SetpointFile:
    return check_setpoint_text(FILE, tmp_path / "setpoint.yaml")


def test_an_overlay_changes_its_own_keys_alone(file: SetpointFile, tmp_path: Path) -> None:
    (tmp_path / "strict.yaml").write_text("envelope: {automatic: [restart]}\nupdate: {every: 2w}\n")
    policy = policy_of(str(tmp_path / "strict.yaml"))
    found = under(policy, file)
    assert policy.name == "strict"
    assert found.envelope.automatic == ["restart"]
    assert found.envelope.max_actions_per_day == 3
    assert (found.update.every, found.update.worth) == (14 * 86_400.0, 0.02)
    assert found.objectives == file.objectives


def test_whoever_only_watches_may_do_nothing(file: SetpointFile) -> None:
    assert under(BUILT_IN["alarm"], file).envelope.automatic == []


def test_never_is_always_in_the_race() -> None:
    assert [p.name for p in policies_of(["setpoint"])] == ["setpoint", "never"]
    assert [p.name for p in policies_of(["never", "alarm"])] == ["never", "alarm"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("target: y", "target say what the records are"),
        ("- a", "must hold keys"),
        ("a: [", "not valid YAML"),
    ],
)
def test_what_is_no_policy_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "odd.yaml").write_text(text)
    with pytest.raises(InvalidInput, match=says):
        policy_of(str(tmp_path / "odd.yaml"))


def test_a_misspelt_policy_is_told_the_nearest_and_a_wrong_key_its_file(file: SetpointFile, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="did you mean 'setpoint'"):
        policy_of("setpiont")
    (tmp_path / "odd.yaml").write_text("envelop: {}")
    with pytest.raises(InvalidInput, match=r"under odd.yaml:\n.*did you mean 'envelope'"):
        under(policy_of(str(tmp_path / "odd.yaml")), file)
    (tmp_path / "never.yaml").write_text("update: {every: 7d}")
    with pytest.raises(InvalidInput, match="built-in"):
        policy_of(str(tmp_path / "never.yaml"))
