"""Every malicious file is refused by `deploy` before anything of it runs, and the refusal names the thing."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from setpoint.deploy.package import PackageRequest
from setpoint.errors import Unsafe
from setpoint.loop.release import make_version
from setpoint.store.bundles import FolderBundleStore
from tests.malicious import all_attacks

SETPOINT = """model: m
task: binary
artifact: {artifact}
reference: reference.csv
target: y
objectives: [{{metric: accuracy, at_least: 0.5}}]
"""


def written(name: str, tmp_path: Path) -> tuple[Path, str, Path]:
    folder, marker = tmp_path / "model", tmp_path / "marker"
    folder.mkdir()
    artifact = all_attacks()[name][0](folder, marker)
    rows = "\n".join(f"{i},{i % 2}" for i in range(100))
    (folder / "reference.csv").write_text(f"a,y\n{rows}\n")
    return folder, artifact, marker


@pytest.mark.parametrize("name", list(all_attacks()))
def test_it_never_runs_and_its_refusal_names_it(name: str, tmp_path: Path) -> None:
    folder, artifact, marker = written(name, tmp_path)
    bundles = FolderBundleStore(tmp_path / "bundles")
    request = PackageRequest(
        model="m", version="v1", artifact=folder / artifact, reference=folder / "reference.csv", target="y",
        created=datetime(2024, 1, 1, tzinfo=UTC), reason="test",
    )  # fmt: skip
    with pytest.raises(Unsafe) as refusal:
        make_version(bundles, request)
    said = str(refusal.value)
    assert not marker.exists()
    assert [part for part in all_attacks()[name][1] if part not in said] == [], said
    assert bundles.versions("m") == []


@pytest.mark.parametrize("name", ["joblib_compressed", "keras_lambda", "onnx_above"])
def test_the_command_refuses_it(name: str, tmp_path: Path) -> None:
    folder, artifact, marker = written(name, tmp_path)
    (folder / "setpoint.yaml").write_text(SETPOINT.format(artifact=artifact))
    done = subprocess.run(
        [sys.executable, "-m", "setpoint", "deploy", str(folder)],
        env={**os.environ, "SETPOINT_HOME": str(tmp_path / "home"), "COLUMNS": "500"},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert not marker.exists()
    said = " ".join(done.stderr.split())
    assert [part for part in all_attacks()[name][1] if part not in said] == [], said
    assert "Traceback" not in said
