"""The demo's project folder: what a user would have before Setpoint, and the setpoint file `init` proposes for it."""

from pathlib import Path

import pandas as pd

from setpoint.config import FILE_NAME, SetpointFile, read_setpoint_file
from setpoint.demo.models import train, train_bad_release
from setpoint.demo.stream import TARGET, Plan
from setpoint.loop.verbs.proposal import propose_setpoint

MODEL = "bike-demand"


def make_project(folder: Path, reference: pd.DataFrame, seed: int) -> SetpointFile:
    """Train a model on the reference, save both, and propose a setpoint file."""
    folder.mkdir(parents=True)
    reference.to_parquet(folder / "reference.parquet", index=False)
    train(reference, folder / "model.joblib", seed)
    text = propose_setpoint(
        folder / "model.joblib",
        folder / "reference.parquet",
        folder,
        target=TARGET,
        model=MODEL,
        time="time",
        id="id",
    )
    (folder / FILE_NAME).write_text(text)
    return read_setpoint_file(folder)


def make_bad_release(folder: Path, project: SetpointFile, past: pd.DataFrame, plan: Plan, seed: int) -> SetpointFile:
    """Make the release that should not have happened: fresh data, hours shifted by a time zone."""
    folder.mkdir(parents=True)
    rows = past[past["time"] < plan.release_at].tail(len(pd.read_parquet(project.reference_path)))
    rows.to_parquet(folder / "reference.parquet", index=False)
    train_bad_release(rows, folder / "model.joblib", seed)
    (folder / FILE_NAME).write_text((project.root / FILE_NAME).read_text())
    return read_setpoint_file(folder)
