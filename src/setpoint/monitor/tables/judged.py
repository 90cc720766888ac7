"""One column of two tables, judged."""

import math
from dataclasses import dataclass, field

from setpoint.domain.profile import ColumnProfile, Counted
from setpoint.monitor.changes.engine import change_of, effects_of
from setpoint.monitor.changes.values import LOCATION, Change, Effect, Noise
from setpoint.monitor.tables.distances import distances
from setpoint.monitor.tables.pairs import READ_TEXTS, Pair, pair_of
from setpoint.monitor.tables.reading import Holds, holds
from setpoint.monitor.tables.runs import frozen
from setpoint.monitor.tables.sources import Source

NAMED, LARGE = (
    0.2,
    0.5,
)  # deviations of a shift that is spoken of, and of one that must be found if there is to be a verdict
POWER = 1.28  # normal quantile of finding it in nine cases of ten
NUMBERS = {Holds.NUMBERS, Holds.BOOLEANS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Profiles, what natural movement was taken for, and the change if any; `why` says what could not be told."""

    p: ColumnProfile = field(default_factory=ColumnProfile)
    w: ColumnProfile = field(default_factory=ColumnProfile)
    noise: Noise = field(default_factory=Noise)
    counted: str = ""
    change: Change | None = None
    effects: tuple[Effect, ...] = ()
    distances: dict[str, float] = field(default_factory=dict)
    why: str = ""
    sampled: bool = False


def judge(name: str, before: Source, after: Source, alpha: float) -> Judged:
    """Read a column of both tables, count it and judge it."""
    reference, current = before.column(name), after.column(name)
    kinds = {holds(column.type) for column in (reference, current)} - {Holds.NOTHING}
    if len(kinds) > 1 and not kinds <= NUMBERS:
        detail = f"it holds {current.type}, and {reference.type} in the reference"
        return Judged(change=Change(column=name, kind="type", effect=1.0, low=1.0, floor=1e-3, detail=detail))
    if Holds.OTHER in kinds:
        return Judged(why=f"not compared: it holds {reference.type}")
    pair = pair_of(reference, current, alpha)
    change = change_of(pair.p, pair.w, pair.noise, name)
    change = frozen(change, pair.before, pair.rows, name)
    return Judged(
        p=pair.p,
        w=pair.w,
        noise=pair.noise,
        counted=pair.counted.value,
        change=change,
        effects=effects_of(pair.p, pair.w, pair.noise),
        distances=distances(pair.p, pair.w),
        why=_why(pair),
        sampled=pair.counted in (Counted.TEXT, Counted.DATETIME) and max(before.rows, after.rows) > READ_TEXTS,
    )


def _why(pair: Pair) -> str:
    """Say where there are too few rows for a verdict, and how many it takes."""
    n, m = pair.w.filled, pair.p.filled
    if not pair.p.rows or not pair.w.rows:
        return "one of the tables has no rows"
    if not n or not m:
        return "all rows are null" if not n and not m else "too few rows to tell"
    if pair.noise.width("location", n, m) + LOCATION <= LARGE:
        return ""
    needed = 2 * pair.noise.design.location * ((pair.noise.z + POWER) / (NAMED - LOCATION)) ** 2
    digits = max(int(math.log10(needed)) - 1, 0)
    return f"too few rows to tell: {min(n, m):,}; a shift of {NAMED} sd needs about {round(needed, -digits):,.0f}"
