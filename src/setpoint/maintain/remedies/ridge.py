"""One column as a linear function of others, fitted by ridge regression on healthy rows."""

from collections.abc import Sequence

import numpy as np

from setpoint.domain.feature_map import Peer
from setpoint.domain.records import Columns
from setpoint.domain.value import value
from setpoint.maintain.loss import Floats

MOST = 6  # columns that a value is made from: each costs a request a microsecond
PENALTY = 0.01  # of the squared weights, times the number of rows
CLIPPED = 0.005  # share of healthy rows on either side beyond the range that counts
LATER = 0.25  # share of rows, the latest, on which the function must foretell the column
LEAST = 0.1  # share of the variance of those that it must explain


@value
class Fit:
    """`base` plus the parts of the peers, and the share of the variance of later rows that this explains."""

    peers: tuple[Peer, ...]
    base: float
    skill: float


def fitted(columns: Columns, name: str, others: Sequence[str]) -> Fit | None:
    """Return the function of other columns that foretells a column; None where none of at most six does.

    Parameters
    ----------
    columns : mapping of str to ndarray of shape (n,), float64
        Healthy rows in time order, NaN where a value is missing.

    References
    ----------
    Hoerl, Kennard, "Ridge regression: biased estimation for nonorthogonal problems", Technometrics 12 (1970).
    """
    rows = ~np.isnan(columns[name])
    x, y = np.array([columns[o][rows] for o in others]).reshape(len(others), -1).T, columns[name][rows]
    first = len(y) - int(LATER * len(y))
    if not others or first <= len(others):
        return None
    low, high = np.nanquantile(x, [CLIPPED, 1 - CLIPPED], axis=0)
    x = np.clip(np.where(np.isnan(x), np.nanmedian(x, axis=0), x), low, high)
    chosen = np.sort(np.argsort(-np.abs(_weights(x[:first], y[:first]) * x[:first].std(axis=0)), kind="stable")[:MOST])
    skill = _skill(x[:, chosen], y, first)
    if skill < LEAST:
        return None
    weights = _weights(x[:, chosen], y)
    base = float(y.mean() - x[:, chosen].mean(axis=0) @ weights)
    peers = tuple(
        Peer(feature=others[j], weight=float(w), low=float(low[j]), high=float(high[j]))
        for j, w in zip(chosen, weights, strict=True)
    )
    return Fit(peers=peers, base=base, skill=skill)


def _weights(x: Floats, y: Floats) -> Floats:
    """Return the weights of the columns of x, shape (d,); of those that do not move, 0."""
    spread = x.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    z = (x - x.mean(axis=0)) / scale
    gram = z.T @ z + PENALTY * len(y) * np.eye(z.shape[1])
    weights: Floats = np.linalg.solve(gram, z.T @ (y - y.mean())) / scale
    return weights


def _skill(x: Floats, y: Floats, first: int) -> float:
    """Return the share of the variance of the later rows that a function of the earlier ones explains."""
    weights = _weights(x[:first], y[:first])
    foretold = y[:first].mean() + (x[first:] - x[:first].mean(axis=0)) @ weights
    spread = float(y[first:].var())
    return 1 - float(np.mean((y[first:] - foretold) ** 2)) / spread if spread else 0.0
