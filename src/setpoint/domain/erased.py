"""Ids that were erased: it can be asked of an id whether it is one of them, and nothing names them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from setpoint.domain.keys import HASHED
from setpoint.domain.records import Column

SALT = 16  # characters

Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedIds:
    """Salted 64-bit hashes (SipHash, as pandas defines it), sorted, shape (n,).

    That one of a million rows meets one of a million erased ids by chance is less likely than 1 in 10⁷.
    """

    salt: str
    hashes: Hashes

    def among(self, ids: Column) -> NDArray[np.bool_]:
        """Return which of some ids were erased, shape (n,); texts, or None for rows that have none."""
        found = np.zeros(len(ids), bool)
        if len(self.hashes) and len(ids):
            known = ids != np.array(None)
            found[known] = np.isin(salted(ids[known], self.salt), self.hashes)
        return found


NOBODY = ErasedIds(salt="", hashes=np.empty(0, np.uint64))


def salted(ids: Column, salt: str) -> Hashes:
    """Return the hash of each id, shape (n,): the same for the same salt."""
    return pd.util.hash_array(ids.astype(object), hash_key=salt, categorize=False)


def to_remember(ids: Iterable[str], *, sensitive: bool) -> tuple[str, ...]:
    """Return the ids that may be remembered: sensitive ones only as they are recorded, by their keyed hash."""
    return tuple(i for i in ids if not sensitive or HASHED.fullmatch(i))


def erased_rows(ids: Column, erased: ErasedIds) -> int:
    """Return how many rows of a training set are of erased ids."""
    return int(erased.among(ids).sum())
