"""Rows of the table `profiles` in memory: a window is found without reading those of other times."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from setpoint.store.profiles import PROFILES, Chosen

SUM_AT = 100_000  # rows; that many are worth adding up,
ALIKE = 0.1  # if so many of them have keys that others have too

AddUp = Callable[[pa.Table], pa.Table]


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows in one piece, with their keys as NumPy arrays; texts are coded by `Counts`."""

    rows: pa.Table
    keys: dict[str, NDArray[np.int64]]

    def __len__(self) -> int:
        return int(self.rows.num_rows)


class Counts:
    """Profiles in order of their arrival, in few parts: each is at least twice as large as the next.

    Parameters
    ----------
    add_up : callable
        Adds rows of equal keys up; it is asked where many rows are merged.
    """

    def __init__(self, add_up: AddUp) -> None:
        self._add_up = add_up
        self._parts: list[_Part] = []
        self._codes: dict[str, int] = {}

    def add(self, rows: pa.Table) -> None:
        """Take rows in."""
        if not rows.num_rows:
            return
        self._parts.append(self._part(rows))
        while len(self._parts) > 1 and len(self._parts[-2]) < 2 * len(self._parts[-1]):
            self._merge()

    def chosen(self, which: Chosen) -> pa.Table:
        """Return the rows that a sum is made of, in order of their arrival."""
        found = [part.rows.filter(pa.array(which.among(part.keys, self._codes))) for part in self._parts]
        return pa.concat_tables([PROFILES.empty_table(), *found])

    def _merge(self) -> None:
        last, before = self._parts.pop(), self._parts.pop()
        rows = pa.concat_tables([before.rows, last.rows])
        keys = {name: np.concatenate([key, last.keys[name]]) for name, key in before.keys.items()}
        if rows.num_rows > SUM_AT and _alike(before.keys, last.keys) > ALIKE:
            self._parts.append(self._part(self._add_up(rows)))
        else:
            self._parts.append(_Part(rows.combine_chunks(), keys))

    def _part(self, rows: pa.Table) -> _Part:
        texts = {name: self._coded(rows[name].combine_chunks()) for name in ("version", "role", "segment")}
        numbers = {name: rows[name].cast(pa.int64()).to_numpy() for name in ("grain", "start")}
        return _Part(rows.combine_chunks(), {**numbers, **texts})

    def _coded(self, texts: pa.Array) -> NDArray[np.int64]:
        coded = texts.dictionary_encode()
        codes = [self._codes.setdefault(text, len(self._codes)) for text in coded.dictionary.to_pylist()]
        found: NDArray[np.int64] = np.array(codes, np.int64)[coded.indices.to_numpy()]
        return found


def _alike(before: Mapping[str, NDArray[np.int64]], last: Mapping[str, NDArray[np.int64]]) -> float:
    """Return the share of the last rows whose times are among those before, as those of late or repeated rows are."""
    return float(np.isin(last["start"], np.unique(before["start"])).mean())
