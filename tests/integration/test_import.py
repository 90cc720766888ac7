"""What `import setpoint` costs."""

import json
import subprocess
import sys

HEAVY = {"keras", "onnx", "onnxruntime", "pandas", "pyarrow", "scipy", "sklearn", "sqlalchemy", "tensorflow", "torch"}


def test_import_loads_nothing_heavy() -> None:
    """Heavy libraries load where they are used, so that a command that needs none answers at once."""
    code = "import json, sys, setpoint; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert HEAVY.isdisjoint(json.loads(run.stdout))
