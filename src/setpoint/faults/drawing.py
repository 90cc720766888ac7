"""Draw a fault of a kind that these columns can have."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from setpoint.domain.fault import COLUMNS, WAYS, Fault
from setpoint.domain.incident import Cause
from setpoint.domain.records import Column
from setpoint.domain.schema import Kind, Schema, Task
from setpoint.domain.slice import Only
from setpoint.domain.traffic import Traffic
from setpoint.errors import InvalidInput

# scale and offset of what is sent: percent, tenths, °F for °C, K for °C, cents, and one that has no name
UNITS = ((100.0, 0.0), (0.1, 0.0), (1.8, 32.0), (1.0, 273.15), (1000.0, 0.0), (7.0, 3.0))
FEWEST_VALUES = 12  # of a number that is a measurement and no code
NUMBERS_ONLY = (Cause.UNIT, Cause.SWAPPED, Cause.FROZEN)
IN_A_RANGE = (Cause.COVARIATE, Cause.SEASON, Cause.CONCEPT)  # of numbers, measurements: they have two ends
SLICE = 0.35  # share of rows that a level may have to be a slice
DAY = 86_400.0


def possible(kind: Cause, traffic: Traffic, schema: Schema) -> tuple[str, ...]:
    """Return the columns that can have a fault, in the schema's order; none where the fault is about no column."""
    if not COLUMNS.get(kind, (0, 0))[1]:
        return ()
    found = []
    for feature in schema.features:
        column = traffic.inputs[feature.name]
        number = feature.kind is Kind.NUMERIC
        values = _values(column)
        code = number and values < FEWEST_VALUES
        fits = values > 1 and not (kind in NUMBERS_ONLY and (code or not number)) and not (kind in IN_A_RANGE and code)
        if kind is Cause.RENAMED or kind is Cause.EXCEPTION:
            fits = fits and not number
        if fits:
            found.append(feature.name)
    return tuple(found)


def _values(column: Column) -> int:
    """Return how many values a column has."""
    if column.dtype == object:
        return len(set(column.tolist()) - {None})
    return len(np.unique(column[~np.isnan(column)]))


def draw(
    kind: Cause,
    traffic: Traffic,
    schema: Schema,
    *,
    since: datetime,
    until: datetime | None,
    rng: np.random.Generator,
    strength: float = 1.0,
    ramp_s: float = 0.0,
    columns: Sequence[str] = (),
) -> Fault:
    """Draw a fault of a kind.

    Parameters
    ----------
    columns : sequence of str
        Those it may be about, if not all that can have it.

    Raises
    ------
    InvalidInput
        If no column can have it.
    """
    about = _about(kind, traffic, schema, rng, columns)
    ways = [w for w in WAYS[kind] if not (w == "flipped" and schema.task is Task.MULTICLASS)]
    scale, offset = UNITS[int(rng.integers(len(UNITS)))] if kind is Cause.UNIT else (1.0, 0.0)
    return Fault(
        kind=kind,
        since=since,
        until=until,
        how=ways[int(rng.integers(len(ways)))],
        columns=() if kind is Cause.EXCEPTION else about,
        strength=strength,
        ramp_s=ramp_s,
        scale=scale,
        offset=offset,
        delay_s=_delay_s(kind, rng),
        only=Only(segment={about[0]: (_level(traffic, about[0], rng),)}) if kind is Cause.EXCEPTION else None,
    )


def _about(
    kind: Cause, traffic: Traffic, schema: Schema, rng: np.random.Generator, columns: Sequence[str]
) -> tuple[str, ...]:
    most = COLUMNS.get(kind, (0, 0))[1]
    if not most:
        return ()
    fit = [c for c in possible(kind, traffic, schema) if not columns or c in columns]
    if len(fit) < most:
        raise InvalidInput(f"{kind}: no {'pair of columns' if most > 1 else 'column'} here can have it")
    return tuple(str(c) for c in rng.choice(fit, most, replace=False))


def _level(traffic: Traffic, name: str, rng: np.random.Generator) -> str:
    """Return a level that some rows have, and not most."""
    levels, counts = np.unique([v for v in traffic.inputs[name].tolist() if v is not None], return_counts=True)
    share = counts / counts.sum()
    some = np.flatnonzero((share > SLICE / 10) & (share < SLICE))
    return str(levels[rng.choice(some)] if len(some) else levels[share.argmin()])


def _delay_s(kind: Cause, rng: np.random.Generator) -> float:
    if kind is Cause.OUTCOMES:
        return float(rng.integers(10, 30)) * DAY
    return float(rng.uniform(0.05, 0.5)) if kind is Cause.OVERLOAD else 0.0
