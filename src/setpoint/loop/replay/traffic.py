"""Recorded traffic: a table of requests in time order, with the outcome of each and when it became known."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from setpoint.config import SetpointFile
from setpoint.deploy.reference import features_of, target_of
from setpoint.domain.record import Role
from setpoint.domain.records import Column, Columns, moment
from setpoint.domain.schema import Schema
from setpoint.domain.traffic import Traffic as Traffic
from setpoint.errors import InvalidInput
from setpoint.loop.replay.existing import propensities

EPOCH = np.datetime64(0, "us")


def as_traffic_table(table: pa.Table, file: SetpointFile) -> tuple[pa.Table, SetpointFile]:
    """Return what `setpoint records --out` wrote as a table of traffic, with a setpoint file that names its columns.

    Any other table is returned as it is.
    """
    if "inputs" not in table.column_names or not pa.types.is_struct(table.schema.field("inputs").type):
        return table, file
    asked = table.filter(pc.and_(pc.equal(table["role"], Role.CHAMPION), pc.equal(table["status"], 200)))
    names = [field.name for field in table.schema.field("inputs").type]
    columns = {name: pc.struct_field(asked["inputs"], [name]) for name in names}
    beside = {file.target: asked["outcome"], "time": asked["time"], "id": asked["id"], "known": asked["known"]}
    named = file.model_copy(update={"time": "time", "id": "id", "outcome_time": "known"})
    return pa.table({**columns, **beside}), named


def traffic_of(table: pa.Table, file: SetpointFile, schema: Schema) -> Traffic:
    """Read recorded traffic from a table with the features, the target and the event time.

    Raises
    ------
    InvalidInput
        If a column is missing, or the table holds no rows.
    """
    assert file.time is not None  # `start_of` has read it
    wanted = [*schema.names, file.target, file.time, *filter(None, [file.id, file.outcome_time])]
    missing = [name for name in wanted if name not in table.column_names]
    if missing or not table.num_rows:
        raise InvalidInput(
            f"the recorded table lacks {', '.join(missing)}; it has {', '.join(table.column_names)}"
            if missing
            else "the recorded table holds no rows"
        )
    time = _times(table, file.time)
    order = np.argsort(time, kind="stable")
    delay = np.timedelta64(int(file.outcome_delay * 1e6), "us")
    known = _times(table, file.outcome_time) if file.outcome_time else time + delay
    outcome = target_of(table, schema)[order]
    ids = table[file.id].to_pylist() if file.id else [f"row-{i}" for i in range(table.num_rows)]
    return Traffic(
        time=time[order],
        id=np.array([str(i) for i in ids], dtype=object)[order],
        inputs={name: column[order] for name, column in features_of(table, schema.features).items()},
        outcome=outcome,
        known=known[order],
        propensity=propensities(file.outcomes, table, order, np.isfinite(outcome)),
    )


def start_of(table: pa.Table, file: SetpointFile, every: timedelta) -> datetime:
    """Return the whole multiple of `every` at or before the first recorded event."""
    if file.time is None:
        raise InvalidInput("replay needs event times: name their column as `time:` in setpoint.yaml")
    if file.time not in table.column_names:
        raise InvalidInput(
            f"the recorded table lacks {file.time}, the event time that setpoint.yaml names; "
            f"it has {', '.join(table.column_names)}"
        )
    step = np.timedelta64(int(every.total_seconds() * 1e6), "us")
    first = _times(table, file.time).min() - EPOCH
    return moment(EPOCH + first // step * step)


def windows_of(traffic: Traffic, every: timedelta) -> Iterator[tuple[datetime, Column]]:
    """Yield the end of each window that holds requests, and the places of its rows.

    The last one ends with the table, at the next whole second: of what came after it nothing is known, and a look from
    the end of its window would take that for silence.
    """
    step = np.timedelta64(int(every.total_seconds() * 1e6), "us")
    index, over = (traffic.time - EPOCH) // step, traffic.time[-1].astype("datetime64[s]") + np.timedelta64(1, "s")
    for number in np.unique(index):
        yield moment(min(EPOCH + (number + 1) * step, over.astype("datetime64[us]"))), np.flatnonzero(index == number)


def inputs_of(traffic: Traffic, rows: Column) -> Columns:
    """Return what some requests sent."""
    return {name: column[rows] for name, column in traffic.inputs.items()}


def _times(table: pa.Table, name: str) -> Column:
    column = table[name]
    if not pa.types.is_timestamp(column.type):
        raise InvalidInput(f"column {name!r} must hold times; it holds {column.type}")
    times: Column = column.to_numpy().astype("datetime64[us]")
    return times
