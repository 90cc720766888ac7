"""Logs that a former release wrote, brought to the present form.

Format 1 had outcomes without a day and profiles of another make. Both are made anew beside the old ones; then
`model.json` says so, in one rename, and the old ones go.
"""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

from setpoint.store.ids import IdIndex, by_day
from setpoint.store.model_tables import outcomes_table, profiles_table
from setpoint.store.profiler import Profiler
from setpoint.store.profiles import PROFILES
from setpoint.store.segments import segments
from setpoint.store.spool import OUTCOMES, RECORDS
from setpoint.store.tables import CONFIGURATION
from setpoint.store.told import TOLD, placed

NEW = ".new"
TABLES = ("outcomes", "profiles")


def prepare(folder: Path, spool: Path, profiler: Profiler) -> None:
    """Make tables of the present form beside those of format 1; what an earlier attempt left is thrown away."""
    for name in TABLES:
        shutil.rmtree(folder / (name + NEW), ignore_errors=True)
    index = IdIndex(folder / "ids")
    index.forget()
    predictions, told = DeltaTable(folder / "predictions"), DeltaTable(folder / "outcomes")
    predictions.alter.set_table_properties(CONFIGURATION)
    profiles = profiles_table(folder / ("profiles" + NEW))
    for batch in predictions.to_pyarrow_dataset().scanner().to_batches():
        rows = pa.table(batch)
        index.add(by_day(rows["id"], rows["day"]))
        profiles.append(profiler.add_up(profiler.count(rows)), {})
    profiles.append(PROFILES.empty_table(), _cursors(predictions, segments(spool, RECORDS)))
    outcomes = outcomes_table(folder / ("outcomes" + NEW))
    rows = told.to_pyarrow_table()
    rows = rows.append_column("day", pa.nulls(len(rows), pa.date32())).select(TOLD.names).cast(TOLD)
    outcomes.append(placed(rows, index), _cursors(told, segments(spool, OUTCOMES)))


def unfinished(folder: Path) -> bool:
    """Whether a stop left new tables beside the old ones."""
    return any((folder / (name + NEW)).exists() for name in TABLES)


def finish(folder: Path) -> None:
    """Put the new tables in place of the old ones; may be done again after a stop."""
    for name in TABLES:
        new = folder / (name + NEW)
        if new.exists():
            shutil.rmtree(folder / name, ignore_errors=True)
            new.rename(folder / name)


def _cursors(table: DeltaTable, paths: Iterable[Path]) -> Mapping[str, int]:
    found = {path.name: table.transaction_version(path.name) for path in paths}
    return {name: at for name, at in found.items() if at is not None}
