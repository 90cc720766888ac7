"""Columns in memory that grow at their end, and are now and then rewritten near it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Growing:
    """Arrays of equal length with room to grow."""

    def __init__(self) -> None:
        self._columns: dict[str, NDArray[Any]] = {}
        self._size = 0

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._size

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a column as a view, which a later `splice` may change: copy what is handed out."""
        return self._columns[name][: self._size]

    def names(self) -> list[str]:
        """Return the names of the columns; none before the first rows."""
        return list(self._columns)

    def splice(self, at: int, columns: dict[str, NDArray[Any]]) -> None:
        """Replace every row from `at` on by the given ones."""
        size = at + len(next(iter(columns.values())))
        for name, column in columns.items():
            self._columns[name] = _roomy(self._columns.get(name), column, at, size)
            self._columns[name][at:size] = column
        self._size = size


def _roomy(old: NDArray[Any] | None, column: NDArray[Any], at: int, size: int) -> NDArray[Any]:
    if old is not None and len(old) >= size:
        return old
    new = np.empty(max(2 * size, 1024), column.dtype)
    if old is not None:
        new[:at] = old[:at]
    return new
