"""A native model in a process of its own: same answers, and a worker that survives whatever becomes of it."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import joblib
import numpy as np
import pytest

from setpoint import runtime
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import to_json
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.errors import ModelFailed, ModelGone, NotFound
from setpoint.runtime.process import ChildModel, delay

MODULE = """
import os, time

class Moody:
    '''Does what its first column says.'''

    def predict(self, X):
        mood = X["a"].iloc[0]
        if mood == 1:
            time.sleep(0.3)
        elif mood == 2:
            os._exit(3)
        elif mood == 3:
            raise ZeroDivisionError("too hot")
        elif mood == 4:
            time.sleep(600)
        return X["a"].to_numpy() * 2 + X["sky"].isna()

    def predict_proba(self, X):
        p = (X["a"] > 0).to_numpy() * 0.8 + 0.1
        import numpy
        return numpy.column_stack([1 - p, p])
"""
FEATURES = (
    Feature(name="a", kind=Kind.NUMERIC, dtype=DType.FLOAT),
    Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, nullable=True),
)


def a_version(framework="sklearn", **schema):
    lineage = Lineage(created=datetime(2024, 1, 1, tzinfo=UTC), reason="test", artifact_sha256="", reference_sha256="")
    schema = Schema(**{"features": FEATURES, "target": "y", "task": Task.REGRESSION, **schema})
    return ModelVersion(
        model="m", version="v1", framework=framework, runtime="native", artifact="m.joblib", schema=schema,
        lineage=lineage, files={},
    )  # fmt: skip


def rows(*moods):
    sky = np.empty(len(moods), dtype=object)
    sky[:] = [None if i % 2 else "klar ☀" for i in range(len(moods))]
    return {"a": np.array(moods, np.float64), "sky": sky}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "moody.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.syspath_prepend(tmp_path)
    import moody

    joblib.dump(moody.Moody(), tmp_path / "m.joblib")
    yield tmp_path
    del sys.modules["moody"]


def gone(pid):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_it_lives_answers_fails_dies_and_is_started_again(folder):
    """One child for all questions, for starting one takes a second."""
    model = runtime.load(folder, a_version())
    assert model.predict(rows(5, 6, 7))["prediction"].tolist() == [10, 13, 14]
    many = model.predict(rows(*range(10, 50_000)))["prediction"]
    assert (len(many), many[0], many.dtype) == (49_990, 20, np.float64)

    pid = model.pid
    with pytest.raises(ModelFailed, match=r"^ZeroDivisionError: too hot$"):
        model.predict(rows(3))
    assert model.pid == pid

    with pytest.raises(ModelGone, match=r"^its process ended with exit code 3$"):
        model.predict(rows(2))
    assert model.predict(rows(5))["prediction"].tolist() == [10]

    os.kill(model.pid, signal.SIGKILL)  # while nothing runs: nobody need notice
    os.waitid(os.P_PID, model.pid, os.WEXITED | os.WNOWAIT)
    assert model.predict(rows(5))["prediction"].tolist() == [10]

    threading.Timer(0.1, os.kill, (model.pid, signal.SIGKILL)).start()
    with pytest.raises(ModelGone, match=r"^its process was killed by SIGKILL$"):
        model.predict(rows(1))
    pid = model.pid
    del model
    assert gone(pid)


def test_one_that_hangs_is_killed_and_one_that_dies_again_is_waited_with(folder):
    model = ChildModel(folder, a_version(), answer_s=1.0)
    with pytest.raises(ModelGone, match=r"^its process did not answer in time and was killed$"):
        model.predict(rows(4))
    with pytest.raises(ModelGone, match=r"^its process ended with exit code 3$"):
        model.predict(rows(2))
    with pytest.raises(ModelGone, match=r"^its process is started again in 0\.\d s$"):
        model.predict(rows(5))


def test_labels_come_as_the_training_data_spells_them(folder):
    model = runtime.load(folder, a_version(task=Task.BINARY, classes=("nein", "ja")))
    answer = model.predict(rows(-1, 5))
    assert answer["label"].tolist() == ["nein", "ja"]
    assert answer["probability"].tolist() == pytest.approx([0.1, 0.9])


def test_what_cannot_be_loaded_is_said_as_if_it_were_loaded_here(folder):
    with pytest.raises(NotFound, match="'native' of 'abacus'"):
        runtime.load(folder, a_version("abacus"))
    (folder / "m.joblib").unlink()
    with pytest.raises(ModelFailed, match="FileNotFoundError"):
        runtime.load(folder, a_version())


def test_it_ends_with_the_process_that_started_it_even_within_a_run(folder):
    (folder / "bundle.json").write_bytes(to_json(a_version()))
    program = f"""
import os, signal, sys, threading, time
from pathlib import Path
import numpy as np
from setpoint import runtime
from setpoint.domain.value import from_json
from setpoint.domain.version import ModelVersion
folder = Path({str(folder)!r})
model = runtime.load(folder, from_json((folder / "bundle.json").read_bytes(), ModelVersion))
print(model.pid, flush=True)
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGKILL)).start()
model.predict({{"a": np.array([4.0]), "sky": np.array(["x"], dtype=object)}})
"""
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert gone(int(done.stdout))


def test_the_delay_doubles_from_the_second_failure_to_half_a_minute():
    assert [delay(n) for n in (1, 2, 3, 4, 50)] == [0, 0.25, 0.5, 1, 30]
