"""Recorded requests in time order, with the outcome of each: what a replay meets, and what faults are planted in."""

from dataclasses import dataclass, replace

from setpoint.domain.records import Column, Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Recorded requests in time order, with the outcome of each and when it became known; arrays of shape (n,).

    `outcome` is float64: a number, or the place of a class among the schema's; NaN where none is on record. `source`
    holds what the source of the features says of a row when it is asked, where that differs from what was sent.
    """

    time: Column  # datetime64[us]
    id: Column
    inputs: Columns
    outcome: Column
    known: Column  # datetime64[us]
    propensity: Column | None = None  # with which probability each outcome came to be on record
    caller: Column | None = None  # None: one and the same
    source: Columns | None = None  # None: as sent

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self.time)

    def take(self, rows: Column) -> "Traffic":
        """Return the requests of an index array or a boolean mask."""
        return replace(
            self,
            time=self.time[rows],
            id=self.id[rows],
            inputs=_of(self.inputs, rows),
            outcome=self.outcome[rows],
            known=self.known[rows],
            propensity=None if self.propensity is None else self.propensity[rows],
            caller=None if self.caller is None else self.caller[rows],
            source=None if self.source is None else _of(self.source, rows),
        )


def _of(columns: Columns, rows: Column) -> Columns:
    return {name: column[rows] for name, column in columns.items()}
