"""What a worker loads before it knows its models."""

import json
import subprocess
import sys

HEAVY = {
    "deltalake",
    "fastapi",
    "google",
    "grpc",
    "keras",
    "onnx",
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "tensorflow",
}


def test_a_worker_loads_nothing_that_only_some_models_need():
    code = (
        "import json, sys, setpoint.bootstrap.worker; print(json.dumps(sorted({n.split('.')[0] for n in sys.modules})))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert HEAVY.isdisjoint(json.loads(run.stdout))
