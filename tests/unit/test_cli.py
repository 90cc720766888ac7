"""The command line: help for every command, nothing loaded before it is needed, refusals in words."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import setpoint
from setpoint.cli import main
from setpoint.cli.app import COMMANDS, app
from setpoint.cli.lazy import Later

HEAVY = (
    "pandas",
    "pyarrow",
    "sklearn",
    "deltalake",
    "sqlalchemy",
    "onnx",
    "onnxruntime",
    "scipy",
    "fastapi",
    "uvicorn",
)


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function: what a command that must fail says on the error stream."""

    def says(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["setpoint", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 1
        told = capsys.readouterr()
        assert told.out == ""
        return told.err.removeprefix("setpoint: ").strip()

    return says


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(app, ["--help"])
    assert shown.exit_code == 0
    assert all(f"│ {name} " in shown.output for name, _, _ in COMMANDS)


@pytest.mark.parametrize(("name", "place", "summary"), COMMANDS, ids=[name for name, _, _ in COMMANDS])
def test_each_command_renders_its_help_and_begins_with_its_summary(name: str, place: str, summary: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0
    assert f"Usage: setpoint {name}" in shown.output
    assert "--help" in shown.output
    command = Later(name, summary, f"setpoint.cli.{place}").load()
    assert command.help.startswith(summary.removesuffix("."))


def test_a_group_keeps_its_commands() -> None:
    shown = CliRunner().invoke(app, ["repair", "approve", "--help"])
    assert "Usage: setpoint repair approve [OPTIONS] {ID}" in shown.output


def test_a_misspelt_command_is_a_usage_error_that_names_the_nearest() -> None:
    shown = CliRunner().invoke(app, ["stauts"])
    assert shown.exit_code == 2
    assert "Did you mean 'status'?" in shown.output


def test_the_version_is_said() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"setpoint {setpoint.__version__}\n"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, json\nsys.argv = ['setpoint', '--help']\nfrom setpoint.cli import main\n"
        "try:\n    main()\nexcept SystemExit as e:\n    assert not e.code\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stderr)) & set(HEAVY) == set()


def test_commands_and_the_control_process_start_without_what_only_learning_needs() -> None:
    code = "import json, sys, setpoint.api.__main__, setpoint.api.verbs\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) & {"sklearn", "scipy.stats", "scipy.optimize", "onnx", "onnxruntime"} == set()


@pytest.mark.parametrize(
    "command",
    [
        ["status", "nosuch"],
        ["records", "nosuch"],
        ["monitor", "nosuch"],
        ["incidents", "nosuch"],
        ["rollout", "nosuch"],
        ["rollout", "nosuch", "--share", "v2=10%"],
        ["update", "nosuch"],
        ["rollback", "nosuch"],
        ["outcomes", "nosuch", "table.csv"],
        ["repair", "approve", "x", "--model", "nosuch"],
    ],
    ids=lambda c: c[0],
)
def test_every_command_that_takes_a_model_says_which_there_are(says: Any, command: list[str], tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("id,y\na,1\n")
    named = [str(tmp_path / part) if part.endswith(".csv") else part for part in command]
    assert says(*named) == "no model called 'nosuch' is deployed; deployed are: none"


def test_predict_says_that_nothing_is_up(says: Any) -> None:
    assert says("predict", "nosuch", "table.csv") == "nothing is up: `setpoint up --detach` starts it"


def test_down_says_that_nothing_is_up(says: Any, tmp_path: Path) -> None:
    assert says("down") == f"nothing is up on {tmp_path / 'setpoint-home'}"


def test_approving_what_there_is_not_says_what_waits(says: Any) -> None:
    assert says("repair", "approve", "x") == "nothing named 'x' waits for a person; there is nothing that does"


def test_a_home_that_cannot_be_written_is_said(says: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SETPOINT_HOME", str(tmp_path / "file" / "home"))
    expected = "home not writable: {} (Not a directory); set SETPOINT_HOME to a folder you may write"
    assert says("status") == expected.format(tmp_path / "file" / "home")


def test_a_setting_that_does_not_fit_is_named(says: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETPOINT_TICK_EVERY_S", "often")
    assert says("status") == (
        "SETPOINT_TICK_EVERY_S=often: Input should be a valid number, unable to parse string as a number; "
        "change it in the environment"
    )


def test_equal_ports_are_refused(says: Any) -> None:
    told = says("up", "--port", 8090, "--control-port", 8090)
    assert told == "--port and --control-port are both 8090; they must differ"


def test_comparing_says_which_table_cannot_be_read(says: Any, tmp_path: Path) -> None:
    assert says("monitor", "compare", "a.csv", "b.csv") == "there is no file a.csv"
    (tmp_path / "a.parquet").write_text("no table")
    assert says("monitor", "compare", tmp_path / "a.parquet", "b.csv").startswith(f"cannot read the table {tmp_path}")


def test_the_usual_command_of_a_group_may_be_named_too(says: Any) -> None:
    none = "no model called 'nosuch' is deployed; deployed are: none"
    assert says("monitor", "look", "nosuch") == says("monitor", "--json", "nosuch") == none


def test_two_tables_are_compared(tmp_path: Path) -> None:
    """As a table for people; the JSON is tested with the monitors."""
    (tmp_path / "a.csv").write_text("x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(200)))
    (tmp_path / "b.csv").write_text("x,z\n" + "".join(f"{i},1\n" for i in range(200)))
    shown = CliRunner().invoke(app, ["monitor", "compare", str(tmp_path / "a.csv"), str(tmp_path / "b.csv")])
    assert shown.exit_code == 0
    assert [line.split()[:2] for line in shown.output.splitlines()[1:]][:2] == [["y", "missing"], ["z", "extra"]]


def test_a_setpoint_file_that_is_missing_is_said(says: Any, tmp_path: Path) -> None:
    missing = f"cannot read {tmp_path / 'setpoint.yaml'}: No such file or directory"
    assert says("deploy", tmp_path) == f"{missing}; `setpoint init MODEL REFERENCE` writes one"
    assert says("replay", tmp_path, "--data", "x.csv").startswith("cannot read")
