"""A training set from the reference and the record log: repaired, point in time, reproducible."""

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from setpoint.domain.records import Records
from setpoint.domain.schema import Schema
from setpoint.update.sets.choose import Span, choose
from setpoint.update.sets.digest import digest
from setpoint.update.sets.fill import Maps, filled, repaired_inputs
from setpoint.update.sets.origin import known_of

__all__ = ["build", "digest", "repaired_inputs"]


def build(
    reference: pa.Table,
    records: Records,
    schema: Schema,
    *,
    maps: Maps = (),
    until: datetime,
    as_of: datetime | None = None,
    exclude: Sequence[Span] = (),
) -> pa.Table:
    """Return the reference rows followed by the labelled rows of the log before `until`, all of them and as they are.

    Parameters
    ----------
    reference : pa.Table
        What the root version was trained on: features and target, and the time and id columns if it has them.
    records : Records
        Rows of the log in time order, inputs as they came.
    maps : sequence of (FeatureMap, since, until)
        Repairs with the spans of their faults (`until` None: still there). A row is repaired if its time lies in the
        span, served repaired or not, or if it was served under that repair.
    until : datetime
        Rows from then on are left out.
    as_of : datetime, optional
        Outcomes known after it are left out; by default `until`. A table of outcomes delivered at once is known at
        once: held-out rows lie later in event time all the same.
    exclude : sequence of (since, until)
        Spans whose rows are dropped.

    Returns
    -------
    pa.Table
        See `setpoint.update.sets.fill.filled`. Of rows with the same id the last is kept.
    """
    known = known_of(reference, schema.time, schema.id)
    chosen = choose(known, records, until=until, as_of=as_of or until, exclude=exclude)
    return filled(reference, records, schema, chosen, maps)[0]
