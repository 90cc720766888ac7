"""How often a series comes back to one value, among others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
