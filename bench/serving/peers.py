"""The peers of the serving benchmark: each in an environment of its own, serving the same model as its users would.

`python bench/serving/peers.py FOLDER` installs them (a GB, some minutes); `run.py --peers FOLDER` measures them.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
APPS = HERE / "peers"
PACKAGES = {
    "fastapi": ("fastapi", "uvicorn", "uvloop", "httptools", "onnxruntime", "numpy"),
    "litserve": ("litserve", "scikit-learn"),
    "bentoml": ("bentoml>=1.4,<1.5", "scikit-learn"),
    "mlserver": ("mlserver", "mlserver-sklearn", "uvloop<0.22"),  # with a newer one its workers die at the start
    "mlflow": ("mlflow>=3,<4", "scikit-learn"),
    "triton": ("nvidia-pytriton", "onnxruntime"),
}


@dataclass(frozen=True)
class Peer:
    """How a peer is asked: its path, and the body that it takes for rows."""

    path: str
    key: str  # "v2", or the name of the list of rows
    tensor: str = "predict"

    def body(self, rows):
        """Return the request body for rows."""
        if self.key == "v2":
            flat = [value for row in rows for value in row]
            tensor = {"name": self.tensor, "shape": [len(rows), len(rows[0])], "datatype": "FP32", "data": flat}
            return json.dumps({"inputs": [tensor]}).encode()
        return json.dumps({self.key: rows}).encode()


PEERS = {
    "fastapi": Peer("/predict", "inputs"),
    "litserve": Peer("/predict", "inputs"),
    "bentoml": Peer("/predict", "x"),
    "mlserver": Peer("/v2/models/cancer/infer", "v2"),
    "mlflow": Peer("/invocations", "inputs"),
    "triton": Peer("/v2/models/cancer/infer", "v2", "X"),
}


def install(folder):
    """Make an environment for each peer that has none."""
    for name, packages in PACKAGES.items():
        python = folder / name / "bin" / "python"
        if not python.exists():
            print(f"installing {name}", flush=True)
            # pytriton brings a standard library of its own, older than that of the latest Python 3.11
            base = "/usr/bin/python3.11" if name == "triton" else sys.executable
            subprocess.run([base, "-m", "venv", "--without-pip", folder / name], check=True)
            subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", "-q", *packages], check=True)


def version(folder, name):
    """Return the version of a peer that is installed."""
    package = "nvidia-pytriton" if name == "triton" else name
    ask = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.check_output([folder / name / "bin" / "python", "-c", ask], text=True).strip()


def start(folder, work, name, port, workers, onnx):
    """Start a peer; its log is `work/<name>.log`."""
    binary = folder / name / "bin"
    environment = {
        **os.environ,
        "PATH": f"{binary}:{os.environ['PATH']}", "PYTHONPATH": str(APPS), "PORT": str(port), "WORKERS": str(workers),
        "MODEL": onnx if name in ("fastapi", "triton") else str(model(binary, work, name)), "OMP_NUM_THREADS": "1",
        "BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(work / "bentoml"),
    }  # fmt: skip
    (work / "bentoml").mkdir(exist_ok=True)
    with (work / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [str(part) for part in command(binary, work, name, port, workers)],
            env=environment, cwd=APPS, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def model(binary, work, name):
    """Make the model with the peer's own packages."""
    path = work / f"{name}.joblib" if name != "mlflow" else work / "mlflow-model"
    if not path.exists():
        kind = "mlflow" if name == "mlflow" else "joblib"
        subprocess.run([binary / "python", APPS / "model.py", kind, path], check=True, capture_output=True)
    return path


def command(binary, work, name, port, workers):
    """Return the command that serves, as the peer's documentation gives it."""
    match name:
        case "fastapi":
            quiet = ["--no-access-log", "--log-level", "warning"]
            return [binary / "uvicorn", "fastapi_app:app", "--port", port, "--workers", workers, *quiet]
        case "triton":
            return [binary / "python", "triton_app.py"]
        case "litserve":
            return [binary / "python", "litserve_app.py"]
        case "bentoml":
            return [binary / "bentoml", "serve", "bentoml_app:Cancer", "--host", "127.0.0.1", "--port", port]
        case "mlflow":
            manager = ["--env-manager", "local", "-h", "127.0.0.1"]
            return [
                binary / "mlflow",
                "models",
                "serve",
                "-m",
                work / "mlflow-model",
                *manager,
                "-p",
                port,
                "-w",
                workers,
            ]
        case "mlserver":
            folder = work / "mlserver"
            (folder / "metrics").mkdir(parents=True, exist_ok=True)
            settings = {
                "debug": False, "host": "127.0.0.1", "http_port": port, "grpc_port": port + 1, "metrics_port": port + 2,
                "parallel_workers": workers, "environments_dir": str(folder / "env"),
                "metrics_dir": str(folder / "metrics"),
            }  # fmt: skip
            served = {"name": "cancer", "implementation": "mlserver_sklearn.SKLearnModel",
                      "parameters": {"uri": str(work / "mlserver.joblib")}}  # fmt: skip
            (folder / "settings.json").write_text(json.dumps(settings))
            (folder / "model-settings.json").write_text(json.dumps(served))
            return [binary / "mlserver", "start", folder]
    raise KeyError(name)


if __name__ == "__main__":
    install(Path(sys.argv[1]))
