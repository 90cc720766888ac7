"""How often a series comes back to one value, among others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BEYOND = 2.5  # times how far a value went beyond what it was

Codes = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Returns:
    """The value to which each stretch comes back most often; arrays of shape (n_stretches,).

    `hits` are the rows that hold it of the `tried` whose row before holds another, so given the past each is an
    independent trial where rows are, and a value that stays is one trial only.
    """

    code: Codes
    hits: Codes
    tried: Codes

    @property
    def share(self) -> NDArray[np.float64]:
        """Hits of those tried."""
        return np.asarray(self.hits / np.maximum(self.tried, 1))


def returns(codes: Codes, rows: int, counted: Bools | None = None) -> Returns:
    """Cut a series into stretches of so many rows, ending with the last one, and count in each.

    Parameters
    ----------
    codes : ndarray of shape (n,), int64
        The number of each row's value, −1 where none is given; what does not fill a stretch is left out at the start.
    rows : int
        Rows of a stretch, 2 at least.
    counted : ndarray of shape (n,), bool, optional
        Which rows may be hits.
    """
    count = len(codes) // rows
    cut = codes[len(codes) - count * rows :].reshape(count, rows)
    came = (cut[:, 1:] != cut[:, :-1]) & (cut[:, 1:] >= 0)
    if counted is not None:
        came &= counted[len(codes) - count * rows :].reshape(count, rows)[:, 1:]
    many = int(codes.max(initial=0)) + 1
    where, place = np.nonzero(came)
    keys, often = np.unique(where * many + cut[:, 1:][where, place], return_counts=True)
    code, hits = np.full(count, -1, np.int64), np.zeros(count, np.int64)
    for_each = np.lexsort((often, keys // many))  # of each stretch the last one is the commonest
    code[keys[for_each] // many], hits[keys[for_each] // many] = keys[for_each] % many, often[for_each]
    return Returns(code=code, hits=hits, tried=(cut[:, :-1] != code[:, None]).sum(axis=1))


def returning(codes: Codes, rows: int, code: int) -> NDArray[np.float64]:
    """Return the share of returns to one value in each stretch of so many rows, as `returns` counts; shape (n,)."""
    count = len(codes) // rows
    cut = codes[len(codes) - count * rows :].reshape(count, rows)
    other = cut[:, :-1] != code
    hits = (other & (cut[:, 1:] == code)).sum(axis=1)
    return np.asarray(hits / np.maximum(other.sum(axis=1), 1), np.float64)


def natural_share(before: Codes, window: Codes, rows: int, code: int) -> float:
    """Return the share of a window's rows up to which returns to one value may be natural.

    Its own largest share in stretches of so many rows before; beyond that, `BEYOND` times as far as the commonest value
    of any stretch went beyond its share in all others; and what some other value lost, for that one may only have
    moved: a set point that is another one today.

    Parameters
    ----------
    before, window : ndarray of int64
        The numbers of the values, −1 where none is given.
    """
    often = np.unique(returns(before, rows).code)
    apart = [np.sort(returning(before, rows, int(c)))[-2:] for c in often[often >= 0]]
    rise = max((float(two[-1] - two[0]) if len(two) > 1 else float(two[-1]) for two in apart), default=0.0)
    own = float(returning(before, rows, code).max(initial=0.0))
    return own + BEYOND * rise + _moved(before, window, code)


def _moved(before: Codes, window: Codes, code: int) -> float:
    """Return the largest share of rows that a value other than one code lost."""
    many = int(max(before.max(initial=0), window.max(initial=0))) + 1
    share = [np.bincount(part[part >= 0], minlength=many) / max(len(part), 1) for part in (before, window)]
    lost = share[0] - share[1]
    lost[code] = 0.0
    return float(lost.max())
