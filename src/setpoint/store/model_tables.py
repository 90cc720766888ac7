"""The three tables of a model, and the index beside them."""

from dataclasses import dataclass
from pathlib import Path

from setpoint.domain.schema import Schema
from setpoint.store.ids import IdIndex
from setpoint.store.predictions import prediction_schema
from setpoint.store.profiles import PROFILES
from setpoint.store.tables import Table
from setpoint.store.told import TOLD


@dataclass(frozen=True)
class ModelTables:
    """What is kept of one model."""

    predictions: Table
    profiles: Table
    outcomes: Table
    ids: IdIndex

    @property
    def all(self) -> tuple[Table, Table, Table]:
        """The tables."""
        return self.predictions, self.profiles, self.outcomes


def model_tables(folder: Path, schema: Schema) -> ModelTables:
    """Return the tables in a model's folder; they are made if there are none."""
    return ModelTables(
        predictions=Table(folder / "predictions", prediction_schema(schema), partition="day", indexed=["time"]),
        profiles=profiles_table(folder / "profiles"),
        outcomes=outcomes_table(folder / "outcomes"),
        ids=IdIndex(folder / "ids"),
    )


def outcomes_table(folder: Path) -> Table:
    """Return the table of all outcomes, by the day of their prediction."""
    return Table(folder, TOLD, partition="day", indexed=["seq"])


def profiles_table(folder: Path) -> Table:
    """Return the table of counts, by the length of the stretch that they are of."""
    return Table(folder, PROFILES, partition="grain", indexed=["start"])
