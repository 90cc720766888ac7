"""One model's part of the record log in memory: what the reading side of the port is answered from."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import numpy as np

from setpoint.domain.classes import Classes, classes_of
from setpoint.domain.record import MODEL_ERROR, Role
from setpoint.domain.records import Column, Records, stamp
from setpoint.domain.requested import FIXED, Requested
from setpoint.domain.schema import Kind, Schema, Task
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
        truth, known = self.outcomes.known_by(columns["hash"], columns["time"] // DAY_US, by)
        classes = self._classes(columns, truth)
        return Records(
            id=columns["id"],
            time=columns["time"].view("datetime64[us]"),
            version=columns["version"],
            score=columns[f"out.{self.schema.score}"],
            outcome=truth if classes is None else classes.right,
            known=known,
            latency_us=columns["latency_us"],
            maps=_joined(columns["maps"]),
            inputs={name: columns[f"in.{name}"] for name in self.schema.names},
            classes=classes,
            caller=columns["caller"],
        )

    def _classes(self, columns: Mapping[str, Column], truth: Column) -> Classes | None:
        """Say of each row's own answer whether it was right: outcomes come late and are corrected, answers are not."""
        if self.schema.task is not Task.MULTICLASS:
            return None
        outputs = {name: columns[f"out.{name}"] for name in self.schema.outputs}
        return classes_of(outputs, truth, self.schema)

    def requests(self, since: datetime, until: datetime) -> Requested:
        """Return all rows of all requests, in whichever role a version was asked."""
        columns = self.rows.all(since, until)
        if not columns:
            return no_requests(self.schema)
        model_failed = (MODEL_ERROR,)
        return Requested(
            **{name: columns[name] for name in FIXED if name != "broke"},
            broke=np.array([bool(v) and v != model_failed for v in columns["violations"]], bool),
            inputs={name: columns[f"in.{name}"] for name in self.schema.names},
        )

    def refused(self, since: datetime, until: datetime) -> dict[str, int]:
        """Return how often requests were refused for each violation code, and all requests under the key `""`."""
        requests = self.rows.requests(since, until)
        codes = Counter(code for violations in requests for code in violations)
        return {"": len(requests), **dict(sorted(codes.items()))}


def no_requests(schema: Schema) -> Requested:
    """Return no rows, with the types that some would have."""
    text, whole = np.empty(0, object), np.empty(0, np.int64)
    texts = dict.fromkeys(("id", "version", "role", "caller"), text)
    numbers = dict.fromkeys(("time", "arrived", "row", "status", "latency_us"), whole)
    return Requested(**texts, **numbers, broke=np.empty(0, bool), inputs=no_records(schema).inputs)


def _joined(maps: Column) -> Column:
    """Return the ids of each row's maps as one text; most rows have none."""
    found = np.full(len(maps), "", object)
    filled = np.flatnonzero(maps.astype(bool))
    found[filled] = objects([" ".join(m) for m in maps[filled].tolist()])
    return found


def no_records(schema: Schema) -> Records:
    """Return no rows, with the types that some would have."""
    text, number, time = np.empty(0, object), np.empty(0), np.empty(0, "datetime64[us]")
    classes = None
    if schema.task is Task.MULTICLASS:
        classes = Classes(decided=number, truth=number, probabilities=np.empty((0, len(schema.probabilities))))
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
        classes=classes,
        caller=text,
    )
