"""River's adaptive random forest on a stream, in an environment of its own; its answers are kept like the fits."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
from streams import REFERENCE
from world import DELAYS, Outcome, World

from setpoint.domain.schema import Task

SCRIPT = Path(__file__).parent / "peers" / "river_forest.py"
PACKAGE = "river==0.26.1"


def installed(cache: Path) -> Path:
    """Return the Python that has river; it is installed the first time."""
    python = cache / "river" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", cache / "river"], check=True)
        subprocess.run([python, "-m", "pip", "-q", "install", PACKAGE], check=True)
    return python


def river(world: World, python: Path | None) -> Outcome | None:
    """Return what came of a forest that learns each outcome as it comes; None without Python and answers kept."""
    s = world.stream
    name = hashlib.sha256(f"{s.digest} {PACKAGE}".encode()).hexdigest()
    answers = world.fits.cache / f"river-{name}.npz"
    if not answers.exists():
        if python is None:
            return None
        _run(world, python, answers)
    with np.load(answers) as kept:
        scores = kept["scores"][DELAYS.index(world.delay)]
    return Outcome(world.loss_of(scores)[s.row(REFERENCE) :], scores=scores[s.row(REFERENCE) :])


def _run(world: World, python: Path, answers: Path) -> None:
    s, source, part = world.stream, answers.with_suffix(".in.npz"), answers.with_suffix(".part.npz")
    first, delays = s.row(REFERENCE), [s.row(delay) for delay in DELAYS]
    np.savez(source, X=s.X, y=s.y, classes=s.task is Task.BINARY, first=first, delays=delays)
    subprocess.run([python, SCRIPT, source, part], check=True)
    part.replace(answers)
    source.unlink()
