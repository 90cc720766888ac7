"""One model's part of the record log in memory: what the reading side of the port is answered from."""

from collections import Counter
from datetime import datetime

import numpy as np

from setpoint.domain.record import Role
from setpoint.domain.records import Records, stamp
from setpoint.domain.schema import Kind, Schema
from setpoint.store.batch import objects
from setpoint.store.outcomes import FOREVER, Outcomes
from setpoint.store.rows import Rows

DAY_US = 86_400_000_000


class Shelf:
    """Rows and outcomes of a model."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.rows = Rows()
        self.outcomes = Outcomes()

    def read(
        self,
        since: datetime | None,
        until: datetime | None,
        as_of: datetime | None,
        role: Role,
        version: str | None,
    ) -> Records:
        """Return answered rows with the outcomes known by `as_of`."""
        columns = self.rows.answered(since, until, role, version)
        if not columns:
            return no_records(self.schema)
        by = FOREVER if as_of is None else int(stamp(as_of).astype(np.int64))
        outcome, known = self.outcomes.known_by(columns["hash"], columns["time"] // DAY_US, by)
        return Records(
            id=columns["id"],
            time=columns["time"].view("datetime64[us]"),
            version=columns["version"],
            score=columns[f"out.{self.schema.score}"],
            outcome=outcome,
            known=known,
            latency_us=columns["latency_us"],
            maps=objects([" ".join(m) for m in columns["maps"]]),
            inputs={name: columns[f"in.{name}"] for name in self.schema.names},
        )

    def refused(self, since: datetime, until: datetime) -> dict[str, int]:
        """Return how often requests were refused for each violation code, and all requests under the key `""`."""
        requests = self.rows.requests(since, until)
        codes = Counter(code for violations in requests for code in violations)
        return {"": len(requests), **dict(sorted(codes.items()))}


def no_records(schema: Schema) -> Records:
    """Return no rows, with the types that some would have."""
    text, number, time = np.empty(0, object), np.empty(0), np.empty(0, "datetime64[us]")
    return Records(
        id=text,
        time=time,
        version=text,
        score=number,
        outcome=number,
        known=time,
        latency_us=np.empty(0, np.int64),
        maps=text,
        inputs={f.name: text if f.kind is Kind.CATEGORICAL else number for f in schema.features},
    )
