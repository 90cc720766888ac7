"""Numbers that come cut down to a few values: what each of those stands for, by the source and healthy rows."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from setpoint.domain.feature_map import Instead, Sign
from setpoint.domain.records import Column, Columns
from setpoint.maintain.remedies.ridge import fitted

FEW, MOST = 2, 24  # values to which numbers may be cut down
OFTEN = 2  # records that show one of them
COVERED = 0.9  # share of the values that differ which must be among them
FEWEST = 30  # healthy rows from which it is told what one stands for


def rounded(
    name: str, healthy: Columns, sent: Column, source: Column, peers: Sequence[str] = (), otherwise: float | None = None
) -> Instead | None:
    """Return what stands in the place of the values to which a number is cut down; None where it is not.

    Each of them stands for a range of what the source holds, in the same order: the healthy values there tell what is
    usual, and with `peers` what other columns say of it.

    Parameters
    ----------
    healthy : mapping of str to ndarray of shape (m,), float64
        Healthy rows in time order.
    sent, source : ndarray of shape (n,), float64
        What was sent of some records, and what the source says of them.
    otherwise : float, optional
        What stands where no value comes.
    """
    differ = (sent != source) & np.isfinite(sent) & np.isfinite(source)
    count = Counter(sent[differ].tolist())
    values = sorted(v for v, n in count.items() if n >= OFTEN)
    if not FEW <= len(values) <= MOST or sum(count[v] for v in values) < COVERED * differ.sum():
        return None
    meant = [source[differ & (sent == v)] for v in values]
    spans = [(float(m.min()), float(m.max())) for m in meant]
    if any(a[1] >= b[0] for a, b in pairwise(spans)):
        return None  # not in the same order: it is something else than a coarser scale
    between = zip(pairwise(values), pairwise(spans), strict=True)
    cuts = [-np.inf, *(_cut(v, w, a[1], b[0]) for (v, w), (a, b) in between), np.inf]
    column = healthy[name]
    inside = [(column >= low) & (column < high) for low, high in pairwise(cuts)]
    if any(rows.sum() < FEWEST for rows in inside):
        return None
    steps = tuple(_step(name, healthy, rows, v, peers) for v, rows in zip(values, inside, strict=True))
    return Instead(constant=otherwise, sign=Sign.HELD, steps=steps, share=float(np.isin(sent, values).mean()))


def _cut(value: float, following: float, highest: float, lowest: float) -> float:
    """Return where the range of a value ends, between the highest that it stood for and the lowest of the next one."""
    if highest < following <= lowest:  # cut down
        return following
    if highest <= value < lowest:  # cut up
        return float(np.nextafter(value, np.inf))
    return (highest + lowest) / 2


def _step(name: str, healthy: Columns, rows: Column, value: float, peers: Sequence[str]) -> Instead:
    column = healthy[name][rows]
    usual = float(np.median(column))
    fit = fitted({n: healthy[n][rows] for n in (name, *peers)}, name, peers) if peers else None
    if fit is None:
        return Instead(held=value, constant=usual)
    low, high = float(column.min()), float(column.max())
    return Instead(held=value, peers=fit.peers, base=fit.base, low=low, high=high, constant=usual)
