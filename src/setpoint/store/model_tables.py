"""The three tables of a model."""

from pathlib import Path

import pyarrow as pa

from setpoint.store.profiles import PROFILES
from setpoint.store.tables import Table
from setpoint.store.told import TOLD


def predictions_table(folder: Path, types: pa.Schema) -> Table:
    """Return the table of the rows of all records, which `prediction_schema` describes."""
    return Table(folder, types, partition="day", indexed=["time"])


def outcomes_table(folder: Path) -> Table:
    """Return the table of all outcomes, by the day of their prediction."""
    return Table(folder, TOLD, partition="day", indexed=["seq"])


def profiles_table(folder: Path) -> Table:
    """Return the table of counts, by the length of the stretch that they are of."""
    return Table(folder, PROFILES, partition="grain", indexed=["start"])
