"""Which home a function of the Python API means."""

from pathlib import Path
from typing import TypeAlias

from setpoint.bootstrap.home import open_home
from setpoint.config import Settings
from setpoint.loop.verbs.operator import Operator

Place: TypeAlias = str | Path


def settings_of(home: Place | None) -> Settings:
    """Return the settings of a home; by default of the one the environment names."""
    return Settings(home=Path(home)) if home is not None else Settings()


def opened(home: Place | None) -> Operator:
    """Open a home; by default the one the environment names."""
    return open_home(settings_of(home))
