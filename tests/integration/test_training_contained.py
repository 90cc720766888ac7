"""Trainings that do what they should not: contained, explained, and the champion is untouched."""

import socket
import sys
from pathlib import Path

import pytest

from setpoint.domain.value import to_json
from setpoint.errors import JobFailed
from setpoint.sandbox.guard import NETWORK
from setpoint.update.fit import RESULT, Fitted
from setpoint.update.job import LOG, Cancelled, Killed, believed, run_fit
from setpoint.update.said import Heard
from setpoint.update.supervise import Ended
from tests.trainings import REGRESSION, a_job, a_regressor, failure, rows


def calls(line: str, before: str = "") -> str:
    """A user's training that does one thing."""
    return f"import os, socket, subprocess, sys, time\n{before}\ndef fit(table, schema, artifact):\n    {line}\n"


def test_a_crash_is_told_with_its_signal(tmp_path: Path) -> None:
    told = failure(tmp_path, rows(), code=calls("os.kill(os.getpid(), 11)"))
    assert told.startswith("training j1 was killed by SIGSEGV")


def test_a_hang_is_ended(tmp_path: Path) -> None:
    told = failure(tmp_path, rows(), code=calls("time.sleep(600)"), timeout_s=3)
    assert told == "the training took longer than 3 s and was stopped (SETPOINT_JOB_TIMEOUT_S)"


def test_too_much_memory_is_told(tmp_path: Path) -> None:
    line = "held = np.ones(3 * 10**8); time.sleep(600)"
    told = failure(tmp_path, rows(), code=calls(line, "import numpy as np"), memory_bytes=10**9)
    assert told == "the training needed more than 1 GB of memory and was stopped; set SETPOINT_JOB_MEMORY to allow more"


TRIES = """
def tried(name, what):
    try:
        what()
        return name + " done"
    except OSError as e:
        return name + " " + type(e).__name__

def fit(table, schema, artifact):
    open("mine", "w").write("here it may")
    raise RuntimeError("; ".join([
        tried("champion", lambda: artifact.write_bytes(b"mine now")),
        tried("project", lambda: open(__file__, "a").write("#")),
        tried("password", lambda: open("/etc/shadow").read()),
        tried("home", lambda: open("{home}/key").read()),
        tried("network", lambda: socket.create_connection(("127.0.0.1", {port}))),
        tried("process", lambda: subprocess.run(["true"])),
    ]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the guard is the Linux kernel's")
def test_it_writes_reads_and_reaches_only_what_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "key").write_text("secret")
    project = tmp_path / "project"
    project.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = TRIES.replace("{home}", str(tmp_path / "home")).replace("{port}", str(server.getsockname()[1]))
        told = failure(project, rows(), code=f"import socket, subprocess\n{code}")
    for name in ("champion", "project", "password", "home", "network", "process"):
        assert f"{name} PermissionError" in told


@pytest.mark.skipif(sys.platform != "linux", reason="the guard is the Linux kernel's")
def test_a_refusal_of_the_sandbox_says_what_a_training_runs_without(tmp_path: Path) -> None:
    told = failure(tmp_path, rows(), code=calls("artifact.write_bytes(b'mine now')"))
    assert "train.py:4: PermissionError" in told
    assert "(a training runs without files beyond its own" in told


def test_no_secret_is_in_its_environment_or_in_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETPOINT_KEY", "c2VjcmV0LW9mLXRoZS1ob21l")
    monkeypatch.setenv("STORE_TOKEN", "hunter-2-hunter")
    (tmp_path / ".env").write_text("hunter-2-hunter c2VjcmV0LW9mLXRoZS1ob21l AKIAIOSFODNN7EXAMPLE")
    line = (
        "print(os.environ.get('SETPOINT_KEY'), open('ENV').read(), 'password=open-sesame', flush=True); "
        "print('key', open('ENV').read(), file=sys.stderr); raise ValueError(open('ENV').read())"
    ).replace("ENV", str(tmp_path / ".env"))
    said = list[str]()
    told = failure(tmp_path, rows(), code=calls(line), progress=said.append)
    log = (tmp_path / "work" / LOG).read_text()
    assert "None •••" in "\n".join(said)
    for secret in ("hunter-2", "c2VjcmV0", "AKIAIO", "open-sesame"):
        assert secret not in "\n".join((told, log, *said))


def test_what_it_says_is_bounded_and_an_exit_is_told_with_the_last_words(tmp_path: Path) -> None:
    flood = "print('x' * 10**7, flush=True); [print(i) for i in range(20_000)]; sys.exit('out of \\x1b[2Jlicences')"
    said = list[str]()
    told = failure(tmp_path, rows(), code=calls(flood), progress=said.append)
    assert told.endswith(
        "train.py:4: SystemExit: out of  [2Jlicences: it ended its process; return the fitted model instead"
    )
    assert max(map(len, said)) <= 401
    assert (tmp_path / "work" / LOG).read_text().count("\n") == 10_001


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ("sys.exit(3)", "train.py:4: SystemExit: 3: it ended its process; return the fitted model instead"),
        ("os._exit(0)", "ended its process before it returned a model: no licence is left"),
        ("os._exit(3)", "ended with exit code 3: no licence is left"),
    ],
)
def test_one_that_ends_its_process_is_told_with_what_it_said_last(tmp_path: Path, ends: str, said: str) -> None:
    assert said in failure(tmp_path, rows(), code=calls(f"print('no licence is left', flush=True); {ends}"))


def test_it_is_cancelled_with_all_it_started(tmp_path: Path) -> None:
    line = "print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    (tmp_path / "train.py").write_text(calls(line))
    job, said = a_job(tmp_path, rows(), "train.py:fit", may=(NETWORK,)), [""]
    with pytest.raises(Cancelled, match="the training was cancelled by ann"):
        run_fit(
            job,
            a_regressor(tmp_path),
            REGRESSION,
            tmp_path / "w",
            timeout_s=60,
            progress=said.append,
            cancelled=lambda: "cancelled by ann" if said[-1].isdecimal() else "",
        )
    status = Path(f"/proc/{said[-1]}/stat")
    assert not status.exists() or " Z " in status.read_text()


@pytest.mark.parametrize(
    ("left", "code", "kind", "said"),
    [
        (b"", 0, JobFailed, "left a result that cannot be read"),
        (b"x" * 2**21, 0, JobFailed, "left a result of 2,097,152 bytes"),
        (None, -9, Killed, "was killed by SIGKILL"),
        (None, 3, JobFailed, "ended with exit code 3: it said nothing"),
        (Fitted(artifact="/usr/bin/env"), 0, JobFailed, "lies outside its folder; write the model into"),
        (Fitted(artifact="{work}/empty"), 0, JobFailed, "left no artefact at"),
        (Fitted(artifact="{work}/nothing"), 0, JobFailed, "left no artefact at"),
        (Fitted(artifact="{work}/link"), 0, JobFailed, "lies outside its folder"),
        (Fitted(error="a" * 10_000), 0, JobFailed, "a…"),
    ],
)
def test_what_it_leaves_is_not_believed_unseen(tmp_path: Path, left, code: int, kind: type, said: str) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "empty").touch()
    (work / "link").symlink_to("/usr/bin/env")
    heard = Heard(tmp_path / LOG, ())
    heard.close()
    if left is not None:
        raw = left if isinstance(left, bytes) else to_json(left).replace(b"{work}", str(work).encode())
        (work / RESULT).write_bytes(raw)
    with pytest.raises(kind, match=said) as told:
        believed(Ended(code=code), heard, a_job(tmp_path, rows()), work)
    assert len(str(told.value)) < 600
