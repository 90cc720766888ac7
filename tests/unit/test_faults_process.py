"""Faults of real processes and files: done, and undone."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from setpoint.errors import InvalidInput
from setpoint.faults import process


@pytest.fixture
def sleeper():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield child
    child.kill()
    child.wait()


def state_of(pid: int, wanted: str) -> str:
    """Return the state of a process, once it is the wanted one or a second has passed."""
    for _ in range(100):
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        if state == wanted:
            break
        time.sleep(0.01)
    return state


def test_a_killed_process_is_gone(sleeper):
    process.killed(sleeper.pid)
    assert sleeper.wait(10) == -signal.SIGKILL


def test_a_hung_process_stands_still_and_goes_on(sleeper):
    with process.hung(sleeper.pid):
        assert state_of(sleeper.pid, "T") == "T"
    assert state_of(sleeper.pid, "S") == "S"


def test_one_byte_is_another_and_is_restored(tmp_path):
    file = tmp_path / "model.onnx"
    file.write_bytes(b"abc")
    with process.flipped(file, 1):
        assert file.read_bytes() == bytes([97, 98 ^ 0xFF, 99])
    assert file.read_bytes() == b"abc"
    with pytest.raises(InvalidInput, match="no byte 3"), process.flipped(file, 3):
        pass


def test_the_disk_of_a_machine_is_not_filled(tmp_path):
    with pytest.raises(InvalidInput, match="file system of its own"), process.full(tmp_path, largest=0):
        pass
    assert not list(tmp_path.iterdir())


def test_a_small_disk_is_filled_to_the_last_byte_and_freed(tmp_path, monkeypatch):
    """The limit of a file's size stands for a file system of 100,000 bytes."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(process.shutil, "disk_usage", lambda folder: SimpleNamespace(free=100_000))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with process.full(tmp_path):
            assert (tmp_path / process.FILLER).stat().st_size == 100_000
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(tmp_path.iterdir())


def test_a_slowed_model_answers_the_same_later():
    slept = []
    ask = process.slowed(lambda inputs: {"prediction": inputs["x"] * 2}, 0.5, slept.append)
    assert ask({"x": np.array([1.0])})["prediction"].tolist() == [2.0]
    assert slept == [0.5]
