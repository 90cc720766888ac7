"""What a version was made with: this program and its code, Python, the machine, and the code that trains it."""

import hashlib
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

ALWAYS = ("numpy", "onnx", "onnxruntime")  # what every version is made with, whatever its framework


def packages(framework: dict[str, str]) -> dict[str, str]:
    """Return the versions of a framework's packages, and of those that every version is made with."""
    return {name: version(name) for name in ALWAYS} | framework


def made_with() -> dict[str, str]:
    """Return those fields of a lineage that are the same for all versions made by this process."""
    return {
        "setpoint": version("setpoint"),
        "setpoint_sha256": _own_digest(),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def train_digest(train: str, source: str) -> str:
    """Return the SHA-256 of the file that `train: train.py:fit` names; empty where there is none."""
    file = Path(source) / train.rpartition(":")[0]
    return sha256_of(file) if train and file.is_file() else ""


def sha256_of(path: Path) -> str:
    """Return the digest of a file; of a folder that of its files' names and digests."""
    if path.is_dir():
        return _of_all(path, [p for p in path.rglob("*") if p.is_file()])
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _own_digest() -> str:
    """Return the digest of this program's code: a version number says little of a checkout."""
    home = Path(__file__).parents[1]
    return _of_all(home, list(home.rglob("*.py")))


def _of_all(home: Path, files: list[Path]) -> str:
    listed = "".join(f"{sha256_of(p)}  {p.relative_to(home).as_posix()}\n" for p in sorted(files))
    return hashlib.sha256(listed.encode()).hexdigest()
