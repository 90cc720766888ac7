"""The rows among which a fault began: those of the incident, and some just before it."""

from dataclasses import dataclass, replace

import numpy as np

from setpoint.domain import records
from setpoint.domain.records import Columns, Records, moment
from setpoint.maintain.case import Case, as_seen, latest
from setpoint.maintain.signs import missing

FEWEST = 30  # healthy rows
LACKING = 0.1  # share of rows
TAIL_ROWS = 72  # rows before the incident among which the step may lie


@dataclass(frozen=True, slots=True)
class Stretch:
    """Healthy rows, and the rows of the incident with a tail of healthy ones before them, as the model saw them."""

    healthy: Records
    rows: Records
    known: Columns
    seen: Columns

    def since(self, onset: int) -> str:
        """Return the time of a row in words."""
        return f"{moment(self.rows.time[onset]):%Y-%m-%d %H:%M}"

    def lacks(self, name: str) -> bool:
        """Whether a column fails to come much more often than it did: it tells nothing of the others then."""
        return float(missing(self.seen[name]).mean() - missing(self.known[name]).mean()) > LACKING

    def after(self, onset: int) -> Records:
        """Return the rows from an onset on."""
        return self.rows.take(np.arange(onset, len(self.rows)))


def stretch_of(case: Case) -> Stretch | None:
    """Return what an investigation of columns looks at; None where too few rows say what is natural."""
    if len(case.healthy) < FEWEST or not len(case.suspect):
        return None
    healthy = latest(case.healthy)
    rows = joined(latest(case.healthy, TAIL_ROWS), latest(case.suspect))
    return Stretch(healthy, rows, as_seen(healthy, case.maps), as_seen(rows, case.maps))


def joined(a: Records, b: Records) -> Records:
    """Return two stretches as one, with the inputs of the second."""
    return records.joined(replace(a, inputs={name: a.inputs[name] for name in b.inputs}), b)
