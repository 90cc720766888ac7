"""What is done to a model's tables now and then, so that reading them stays quick."""

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from setpoint.store.ids import by_day
from setpoint.store.model_tables import ModelTables
from setpoint.store.profiler import Profiler
from setpoint.store.profiles import PROFILES
from setpoint.store.tables import Table
from setpoint.store.told import placed

HOUR, DAY = 60, 1_440  # minutes


def tidy(tables: ModelTables, profiler: Profiler, amended: datetime | None) -> bool:
    """Where it is due, sum the amendments of profiles, give outcomes the day they lacked, and join small files.

    Parameters
    ----------
    amended : datetime, optional
        The earliest interval of a profile that got an amendment since the last time.

    Returns
    -------
    bool
        Whether profiles were summed.
    """
    due = [table for table in tables.all if table.due()]
    summed = False
    if tables.profiles in due and amended is not None:
        for grain in (HOUR, DAY):  # every commit adds rows to the same few
            _sum_profiles(tables.profiles, profiler, grain, amended)
        summed = True
    if tables.outcomes in due:
        _place_late(tables)
    for table in due:
        table.tidy()
    return summed


def make_index(tables: ModelTables) -> None:
    """Read the ids of all predictions: of a log whose index was deleted."""
    batches = tables.predictions.dataset().scanner(columns=["id", "day"]).to_batches()
    tables.ids.make(by_day(batch["id"], batch["day"]) for batch in batches)


def _sum_profiles(profiles: Table, profiler: Profiler, grain: int, since: datetime) -> None:
    start = since.replace(minute=0, second=0, microsecond=0, hour=since.hour if grain == HOUR else 0)
    where = (ds.field("grain") == grain) & (ds.field("start") >= pa.scalar(start, PROFILES.field("start").type))
    rows = profiles.load(where=where)
    if rows.num_rows:
        profiles.replace(f"grain = {grain} AND start >= '{start.isoformat()}'", profiler.add_up(rows))


def _place_late(tables: ModelTables) -> None:
    """Find the outcomes whose prediction came after them: a row for each day, the one there is gets the last."""
    found = placed(tables.outcomes.load(where=ds.field("day").is_null()), tables.ids)
    late = found.filter(pc.is_valid(found["day"])).sort_by("day")
    if not late.num_rows:
        return
    pairs = list(zip(late["seq"].to_pylist(), late["day"].to_pylist(), strict=True))
    last = dict(pairs)
    more = [last[seq] != day for seq, day in pairs]
    if any(more):
        tables.outcomes.append(late.filter(pa.array(more)), {})
    for day in sorted(set(last.values())):
        listed = ", ".join(str(seq) for seq, of_day in last.items() if of_day == day)
        tables.outcomes.update({"day": f"DATE '{day.isoformat()}'"}, f"day IS NULL AND seq IN ({listed})")
