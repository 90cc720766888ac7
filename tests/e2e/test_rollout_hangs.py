"""A challenger that hangs once it has a share goes back by itself: nobody has to notice that no answers come."""

import contextlib
import http.client
import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest

from setpoint.domain.value import replace
from setpoint.store.bundles import FolderBundleStore

pytestmark = pytest.mark.timeout(120)
MODULE = """
import time
from pathlib import Path

class Hanging:
    def __init__(self, model, file):
        self.model, self.file, self.classes_ = model, file, model.classes_

    def predict_proba(self, X):
        while Path(self.file).exists():
            time.sleep(0.1)
        return self.model.predict_proba(X)
"""


@pytest.fixture
def hangs(setpoint: Any, deployed: None, campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A second version of the same model that hangs while the file is there."""
    (tmp_path / "hanging.py").write_text(MODULE)
    setpoint.environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    monkeypatch.syspath_prepend(tmp_path)
    import hanging

    file, bundles, staged = tmp_path / "hang", FolderBundleStore(setpoint.home / "bundles"), tmp_path / "staged"
    shutil.copytree(bundles.folder("campaign", "v1"), staged)
    joblib.dump(hanging.Hanging(joblib.load(campaign / "campaign.joblib"), str(file)), staged / "hanging.joblib")
    v1 = bundles.get("campaign", "v1")
    bundles.add(staged, replace(v1, version="v2", framework="sklearn", runtime="native", artifact="hanging.joblib"))
    return file


class Clients:
    """Callers with little patience: each asks again and again until it is told to stop."""

    def __init__(self, setpoint: Any, rows: pd.DataFrame) -> None:
        self.port, self.stop = setpoint.port, threading.Event()
        self.bodies = [json.dumps({"instances": [row]}) for row in json.loads(rows.to_json(orient="records"))]
        self.threads = [threading.Thread(target=self.run, args=(at,)) for at in range(4)]

    def run(self, at: int) -> None:
        while not self.stop.wait(0.02):
            at += 4
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=0.5)
            with contextlib.suppress(TimeoutError), contextlib.closing(connection):
                connection.request("POST", "/v1/models/campaign:predict", self.bodies[at % len(self.bodies)])
                connection.getresponse().read()

    def __enter__(self) -> None:
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()


def test_a_challenger_that_hangs_goes_back(
    setpoint: Any, campaign: Path, hangs: Path, until: Callable[..., Any]
) -> None:
    setpoint.environment["SETPOINT_TICK_EVERY_S"] = "0.5"
    setpoint.up()
    setpoint.run("rollout", "start", "campaign", "v2", "--steps", "50%")
    rows = pd.read_parquet(campaign / "reference.parquet").drop(columns=["call", "bought"])

    def served() -> dict[str, Any]:
        return dict(json.loads((setpoint.home / "live.json").read_text())["models"]["campaign"])

    assert served()["shares"] == {"v2": 0.5}
    hangs.touch()
    with Clients(setpoint, rows):
        try:
            until(lambda: not served()["shares"], 60, "the way back")
        finally:
            hangs.unlink()
    (view,) = setpoint.json("rollout", "status", "campaign")["rollouts"]
    assert view["phase"] == "rejected"
    assert "worse in errors" in json.dumps(view)
    assert ("v2", 429) in {(r["version"], r["status"]) for r in setpoint.records("campaign")}
