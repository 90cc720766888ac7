"""What the guard is made of, and what it lets a process do."""

import json
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from setpoint.sandbox.environment import minimal
from setpoint.sandbox.guard import Guard, guard_of, hint
from setpoint.sandbox.network import filter_for
from setpoint.sandbox.start import Ended, run
from setpoint.sandbox.usage import machine_bytes, members, most_bytes, resident

SECRETS = (
    "AWS_ACCESS_KEY_ID", "SETPOINT_KEY", "SETPOINT_STATE", "HF_TOKEN", "PYTHON_API_KEY", "LC_PASSWORD", "DATABASE_URL",
    "TF_TOKEN_app_terraform_io", "OMP_SECRET",
)  # fmt: skip


def test_no_secret_gets_through() -> None:
    given = dict.fromkeys(SECRETS, "x") | {"PATH": "/bin", "LC_ALL": "C", "PYTHONPATH": "/code", "HOME": "/home/me"}
    kept = minimal(given, "/private")
    assert not set(SECRETS) & set(kept)
    assert (kept["PATH"], kept["LC_ALL"], kept["PYTHONPATH"]) == ("/bin", "C", "/code")
    assert {kept["HOME"], kept["TMPDIR"]} == {"/private"}


def test_a_guard_is_one_argument() -> None:
    guard = Guard(read=("/a b", "/ü"), write="/w", file_bytes=7, bound=True)
    assert guard_of(guard.text()) == guard


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_jump_of_the_filter_lands_on_an_answer(machine: str) -> None:
    steps = [struct.unpack("=HBBI", filter_for(machine)[i : i + 8]) for i in range(0, len(filter_for(machine)), 8)]
    for at, (code, then, other, _) in enumerate(steps):
        if code & 0x07 == 0x05:
            assert at + 1 + max(then, other) < len(steps)
    assert steps[-1][0] == 0x06


def test_a_machine_that_is_not_known_is_not_filtered() -> None:
    with pytest.raises(OSError, match="not known here"):
        filter_for("sparc")


def test_memory_is_counted() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "x = bytearray(2**26); input()"], stdin=subprocess.PIPE, process_group=0
    )
    try:
        while resident([process.pid]) < 2**26:
            assert process.poll() is None
        assert members(process.pid) == [process.pid]
    finally:
        process.communicate(b"\n")
    assert resident([process.pid]) == 0
    assert 0 < most_bytes(None) < machine_bytes()
    assert most_bytes(5) == 5


def test_a_hint_is_for_guarded_processes_and_what_they_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SETPOINT_KEPT_FROM", raising=False)
    assert hint(PermissionError()) == ""
    monkeypatch.setenv("SETPOINT_KEPT_FROM", "network")
    assert hint(PermissionError()) == " (a model runs without network and processes of its own)"
    assert hint(ValueError()) == ""
    outer = ValueError()
    outer.__context__ = socket.gaierror(-3, "no such name")  # what a look-up ends with where no socket can be made
    assert hint(outer)


def ran(folder: Path, program: str, timeout_s: float) -> Ended:
    (folder / "job.py").write_text(program)
    (folder / "out").mkdir()
    path = ":".join([str(folder), *filter(None, sys.path)])
    return run(
        "job", [], read=[], folder=folder / "out", timeout_s=timeout_s, memory_bytes=None,
        environment={"PYTHONPATH": path},
    )  # fmt: skip


def test_a_job_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    ended = ran(tmp_path, "import time; time.sleep(60)", 0.2)
    assert ended.stopped == "took longer than 0.2 s and was stopped (SETPOINT_JOB_TIMEOUT_S)"
    assert ended.code == -9


def test_how_a_job_ended_and_its_last_words_are_kept(tmp_path: Path) -> None:
    ended = ran(tmp_path, "import sys; print('so long', file=sys.stderr); sys.exit(3)", 60)
    assert (ended.code, ended.stopped, ended.said) == (3, "", "so long\n")


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels keep a model from neither")
def test_a_guarded_process_says_what_it_is_kept_from(tmp_path: Path) -> None:
    program = "import json, os; json.dump(os.environ['SETPOINT_KEPT_FROM'], open('said.json', 'w'))"
    (tmp_path / "told.py").write_text(program)
    guard = Guard(read=(), write=str(tmp_path))
    subprocess.run([sys.executable, "-m", "setpoint.sandbox", guard.text(), "told"], cwd=tmp_path, check=True)
    assert set(json.loads((tmp_path / "said.json").read_text()).split(",")) <= {"files", "network"}
