"""A part of the fault bench: each kind of fault on two data sets, above the floors that the reported rates allow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench" / "faults" / "run.py"


@pytest.mark.timeout(900)
def test_faults_are_found_named_and_mended_as_reported(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCH), "--quick", "--jobs", "1", "--out", str(tmp_path / "trials")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
