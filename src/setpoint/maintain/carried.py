"""Whether the other columns moved along with one, as they do on healthy rows."""

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column
from setpoint.domain.schema import Kind, Schema
from setpoint.domain.value import value
from setpoint.maintain.case import Case, as_seen, latest
from setpoint.maintain.loss import Floats, independent_rows

BINS = 10  # of a number, by healthy quantiles; as many of the commonest levels
FEWEST = 30  # rows on either side
INEXACT = 0.25  # of what is foretold, by which it may be off
MOST = 3.0  # nats
FEWEST_ERRORS = 3.0  # that a movement must be foretold to be, to tell anything

Ints = NDArray[np.int64]


@value
class Carried:
    """How much likelier the rest of the rows is as it is if the column's values belong to them (nats), and why."""

    support: float
    words: str


@value
class Along:
    """One column: by how much another foretells that it moves, by how much it did, and the error of that."""

    name: str
    foretold: float
    seen: float
    error: float


def carried(case: Case, name: str) -> Carried | None:
    """Judge the one column of which the moved one foretells most; None where it foretells nothing of any.

    Under another mix of requests the means of the other columns, at each value of the moved one, are what they were; so
    their mean must go where its new values take it. Where its values do not belong to the rows, it stays.
    """
    healthy, suspect = latest(case.healthy), latest(case.suspect)
    if min(len(healthy), len(suspect)) < FEWEST:
        return None
    known, seen = as_seen(healthy, case.maps), as_seen(suspect, case.maps)
    place, now = places(known[name], seen[name])
    others = [f.name for f in case.schema.features if f.name != name and f.sensitive is None]
    found = [along(other, *numbers(case.schema, other, known[other], seen[other]), place, now) for other in others]
    told = max(found, key=lambda a: abs(a.foretold) / a.error, default=None)
    if told is None or abs(told.foretold) < FEWEST_ERRORS * told.error:
        return None
    spread = np.hypot(told.error, INEXACT * told.foretold)
    ratio = (told.seen**2 - (told.seen - told.foretold) ** 2) / (2 * spread**2)
    words = f"{told.name} moved by {told.seen:+.2f} deviations, where {name} foretells {told.foretold:+.2f}"
    return Carried(support=float(np.clip(ratio, -MOST, MOST)), words=words)


def along(name: str, known: Floats, seen: Floats, place: Ints, now: Ints) -> Along:
    """Return how far a column should and did move, in healthy deviations."""
    many = int(max(place.max(), now.max())) + 1
    mean = np.bincount(place, known, many) / np.maximum(np.bincount(place, minlength=many), 1)
    error = np.sqrt(1 / independent_rows(seen) + 1 / independent_rows(known))
    return Along(name=name, foretold=float(mean[now].mean()), seen=float(seen.mean()), error=float(error))


def places(known: Column, seen: Column) -> tuple[Ints, Ints]:
    """Return between which healthy quantiles each value lies, or which common level it is; the last one: none."""
    if known.dtype == object:
        levels, count = np.unique(known.astype(str), return_counts=True)
        common = {level: at for at, level in enumerate(levels[np.argsort(-count, kind="stable")[:BINS]].tolist())}
        rest = len(common)
        a, b = (np.array([common.get(str(v), rest) for v in c.tolist()], np.int64) for c in (known, seen))
        return a, b
    cuts = (
        np.unique(np.nanquantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if np.isfinite(known).any() else known[:0]
    )
    a, b = (np.where(np.isnan(c), len(cuts) + 1, np.searchsorted(cuts, c, "right")) for c in (known, seen))
    return a, b


def numbers(schema: Schema, name: str, known: Column, seen: Column) -> tuple[Floats, Floats]:
    """Return a column in healthy deviations from its healthy mean; of levels, whether it is the commonest one."""
    if next(f for f in schema.features if f.name == name).kind is Kind.NUMERIC:
        middle = np.nanmedian(known) if np.isfinite(known).any() else 0.0
        a, b = (np.where(np.isnan(c), middle, c).astype(np.float64) for c in (known, seen))
        low, high = np.quantile(a, (0.01, 0.99))
        a, b = a.clip(low, high), b.clip(low, high)
    else:
        levels, count = np.unique(known.astype(str), return_counts=True)
        common = levels[count.argmax()]
        a, b = ((c.astype(str) == common).astype(np.float64) for c in (known, seen))
    spread = float(a.std()) or 1.0
    return (a - a.mean()) / spread, (b - a.mean()) / spread
