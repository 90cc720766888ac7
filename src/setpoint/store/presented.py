"""Rows of the table `predictions` as people ask for them: with the outcome, filtered, in order."""

from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds

from setpoint.domain.schema import Schema
from setpoint.domain.where import matching
from setpoint.store.batch import objects
from setpoint.store.outcomes import Outcomes
from setpoint.store.predictions import TIME
from setpoint.store.rows import join_codes

ORDER = [(name, "ascending") for name in ("time", "arrived", "id", "row")]


def window(
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    days: Sequence[date] | None = None,
    version: str | None = None,
    ids: Sequence[str] | None = None,
) -> ds.Expression:
    """Return the condition that `since` <= time < `until`, on some days, of one version, of some ids."""
    found = ds.scalar(True)
    if days is not None:
        found &= ds.field("day").isin(pa.array(days, pa.date32()))
    if since is not None:
        found &= ds.field("time") >= pa.scalar(since, TIME)
    if until is not None:
        found &= ds.field("time") < pa.scalar(until, TIME)
    if version is not None:
        found &= ds.field("version") == version
    if ids is not None:
        found &= ds.field("id").isin(pa.array(ids, pa.string()))
    return found


def presented(table: pa.Table, outcomes: Outcomes, schema: Schema, where: str | None) -> pa.Table:
    """Return rows as the port's `table` promises: ordered, with `outcome` and `known`, those of a condition.

    The outcome of a regression is a number, that of a classifier the class as text.
    """
    table = _with_outcomes(table.sort_by(ORDER), outcomes, schema)
    return table if where is None else matching(table, where)


def _with_outcomes(table: pa.Table, outcomes: Outcomes, schema: Schema) -> pa.Table:
    value, known = outcomes.known_by(
        join_codes(objects(table["id"].to_pylist())), table["day"].cast(pa.int32()).to_numpy().astype(np.int64)
    )
    if schema.classes:
        outcome = pa.array([None if v != v else str(schema.classes[int(v)]) for v in value], pa.string())
    else:
        outcome = pa.array(value, from_pandas=True)
    return table.append_column("outcome", outcome).append_column("known", pa.array(known).cast(TIME))
