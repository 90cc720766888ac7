"""Looks and deletions that fail are remembered, so that people are told."""

from datetime import datetime
from pathlib import Path
from traceback import extract_tb

from setpoint.domain.fleet import Deployment, Failing
from setpoint.domain.value import replace
from setpoint.errors import SetpointError

LONGEST = 300  # characters


def blinded(deployment: Deployment, now: datetime, error: Exception) -> Deployment:
    """Return the deployment after a look that failed."""
    return replace(deployment, blind=again(deployment.blind, now, error))


def again(before: Failing | None, now: datetime, error: Exception) -> Failing:
    """Return what has failed once more."""
    why = in_words(error)
    if before is None:
        return Failing(since=now, at=now, times=1, why=why)
    return replace(before, at=now, times=before.times + 1, why=why)


def in_words(error: Exception) -> str:
    """Say why something failed. What was not foreseen is named by its place: its own words may hold values of rows."""
    if isinstance(error, SetpointError | OSError):
        return str(error)[:LONGEST]
    last = extract_tb(error.__traceback__)[-1:]
    where = f" in {Path(last[0].filename).name}, line {last[0].lineno}" if last else ""
    return f"{type(error).__name__}{where}; the log of the control process has it whole, please report it"
