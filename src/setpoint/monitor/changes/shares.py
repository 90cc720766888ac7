"""Shares of rows: nulls, values outside the reference, and columns that stand still."""

import math

from setpoint.domain.far import beyond
from setpoint.domain.profile import ColumnProfile
from setpoint.domain.value import replace
from setpoint.monitor.changes.values import INDEPENDENT, NEW, SHARE, STILL, Change, Effect, Noise
from setpoint.stats.intervals import share_high, share_low

MUST_REPEAT = 10  # rows of one value before a column may be called frozen


def risen(
    hits: float, rows: float, before: float, reference: float, noise: Noise, *, name: str, floor: float
) -> Effect:
    """Return by how much a share surely rose.

    The bound joins the exact bounds of both shares (Clopper & Pearson) as Newcombe does, "Interval estimation for the
    difference between independent proportions", Statistics in Medicine 17, 1998, method 10.

    Parameters
    ----------
    hits, rows : float
        Rows that count in the window, of all.
    before, reference : float
        The same of the reference.
    """
    statistic = "nulls" if name == "nulls" else "shares"
    phi, tau = getattr(noise.design, statistic), getattr(noise.moves, statistic)
    now, then = hits / rows, before / reference
    low = share_low(hits / phi, rows / phi, noise.alpha / 2)
    high = share_high(before / phi, reference / phi, noise.alpha / 2)
    width = math.sqrt((now - low) ** 2 + (high - then) ** 2 + (noise.z * tau) ** 2)
    return Effect(name=name, size=now - then, low=now - then - width, floor=floor)


def null_effects(p: ColumnProfile, w: ColumnProfile, noise: Noise) -> tuple[Effect, Effect]:
    """Return by how much the share of nulls rose, and by how much it fell."""
    more = risen(w.nulls, w.rows, p.nulls, p.rows, noise, name="nulls", floor=SHARE)
    return more, risen(w.filled, w.rows, p.filled, p.rows, noise, name="nulls", floor=SHARE)


def nulls(p: ColumnProfile, w: ColumnProfile, noise: Noise, column: str) -> Change | None:
    """Tell whether surely more, or fewer, rows are null."""
    more, fewer = null_effects(p, w, noise)
    found = max(more, fewer, key=lambda effect: effect.low)
    if not found.sure:
        return None
    detail = f"{w.nulls / w.rows:.1%} of rows are null, {p.nulls / p.rows:.1%} in the reference"
    return _change(column, "nulls", more.size, found, detail)


def odd(p: ColumnProfile, w: ColumnProfile, noise: Noise, column: str) -> Change | None:
    """Tell whether more rows of a time hold none."""
    found = risen(w.odd, w.filled, p.odd, p.filled, noise, name="odd", floor=NEW)
    if not found.sure:
        return None
    return _change(column, "type", found.size, found, f"{w.odd / w.filled:.1%} of rows hold text that is no time")


def frozen(share: float, w: ColumnProfile, noise: Noise, column: str, held: str) -> Change | None:
    """Tell whether a window that holds one value only stands still; `share` is the value's share in the reference."""
    independent = w.filled / noise.design.shares
    if w.filled < MUST_REPEAT or independent * math.log(max(share, 1e-12)) > math.log(noise.alpha):
        return None
    low = share_low(independent, independent, noise.alpha) - share
    found = Effect(name="frozen", size=1.0 - share, low=low, floor=SHARE)
    detail = f"all {w.filled:,} rows hold {held}, {share:.1%} of them in the reference"
    return _change(column, "frozen", 1.0, found, detail) if found.sure else None


def outside(p: ColumnProfile, w: ColumnProfile, noise: Noise) -> Effect:
    """Return how many more rows lie outside the reference: of m rows the largest is passed by few of the next."""
    hits, before = (int(c.bins[0] + c.bins[-1]) for c in (w, p))
    return risen(hits, w.filled, before, p.filled, noise, name="range", floor=NEW)


def far_outside(p: ColumnProfile, w: ColumnProfile, noise: Noise) -> Effect:
    """Return how many rows lie further outside the reference than its range is wide.

    However much neighbouring rows hang together, a column that moves as it did does not go there: each row counts.
    """
    low, high = 2 * p.low - p.high, 2 * p.high - p.low
    whole = w.low > high or w.high < low
    told = beyond(w.marks, w.cuts.edges, low, high) if len(w.marks) else 0
    alone = replace(noise, design=INDEPENDENT, moves=STILL)
    return risen(w.filled if whole else told, w.filled, p.infinite, p.filled, alone, name="far", floor=SHARE)


def _change(column: str, kind: str, effect: float, found: Effect, detail: str) -> Change:
    return Change(
        column=column, kind=kind, effect=effect, low=found.low, floor=found.floor, detail=detail, evidence=(found,)
    )
