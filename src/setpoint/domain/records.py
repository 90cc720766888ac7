"""A stretch of the record log in memory, one entry a row, columns as arrays."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.classes import Classes

Column = NDArray[Any]  # float64 with NaN for missing (numeric), or object holding str and None (categorical)
Columns = Mapping[str, Column]


class Numbers(Mapping[str, Column]):
    """Numeric columns of one type that lie in one array: a single row costs no array a column.

    Parameters
    ----------
    names : sequence of str
    array : ndarray of shape (n_columns, n)
    """

    __slots__ = ("array", "names")

    def __init__(self, names: Sequence[str], array: Column) -> None:
        self.names, self.array = names, array

    def __getitem__(self, name: str) -> Column:
        """Return one column."""
        try:
            column: Column = self.array[self.names.index(name)]
        except ValueError:
            raise KeyError(name) from None
        return column

    def __iter__(self) -> Iterator[str]:
        """Return the names in their order."""
        return iter(self.names)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Rows of answered requests in time order, with the outcome where it is known.

    Every array has shape (n,). `time` and `known` are datetime64[us] in UTC; `outcome` is float64: the value of a
    regression, or 1.0 and 0.0 for the second and the first class; where none was known it is NaN and `known` is NaT.
    `score` is the output compared with the outcome: the prediction, or the probability of the second class. Of several
    classes the outcome says whether the row's label was right, the score is the label's probability, and `classes` has
    the classes themselves. `maps` holds the ids of the repairs applied to a row, joined by a space. `inputs` are the
    values as they came. `caller` says who asked, as the log has it; None where nobody looked it up.
    """

    id: Column
    time: Column
    version: Column
    score: Column
    outcome: Column
    known: Column
    latency_us: Column
    maps: Column
    inputs: Columns
    classes: Classes | None = None
    caller: Column | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.id)

    @property
    def truth(self) -> Column:
        """What turned out to be true, whatever was answered: the outcome, or of several classes the class's place."""
        return self.outcome if self.classes is None else self.classes.truth

    def take(self, rows: NDArray[Any]) -> "Records":
        """Return the rows of a boolean mask or an index array."""
        if rows.dtype != np.bool_:
            return self._of(rows)
        if rows.all():
            return self
        first, last = int(rows.argmax()), len(rows) - int(rows[::-1].argmax())
        return self._of(slice(first, last) if rows[first:last].all() else rows)  # in one piece: nothing is copied

    def _of(self, rows: NDArray[Any] | slice) -> "Records":
        return replace(
            self,
            **{
                name: getattr(self, name)[rows]
                for name in ("id", "time", "version", "score", "outcome", "known", "latency_us", "maps")
            },
            inputs={name: column[rows] for name, column in self.inputs.items()},
            classes=None if self.classes is None else self.classes.take(rows),
            caller=None if self.caller is None else self.caller[rows],
        )

    def between(self, since: datetime | None, until: datetime | None) -> "Records":
        """Return the rows with `since` <= time < `until`; None leaves a side open."""
        first = 0 if since is None else int(np.searchsorted(self.time, stamp(since)))
        last = len(self) if until is None else int(np.searchsorted(self.time, stamp(until)))
        return self._of(slice(first, max(first, last)))  # they are in time order: nothing is copied

    @property
    def labelled(self) -> "Records":
        """The rows whose outcome is known."""
        return self.take(~np.isnat(self.known))


def stamp(when: datetime) -> np.datetime64:
    """Return a time as datetime64[us] in UTC."""
    return np.datetime64(when.astimezone(UTC).replace(tzinfo=None), "us")


def moment(when: np.datetime64) -> datetime:
    """Return a datetime64 as a time in UTC."""
    when_us: datetime = when.astype("datetime64[us]").item()
    return when_us.replace(tzinfo=UTC)


def joined(first: Records, second: Records) -> Records:
    """Return two stretches as one."""
    plain = {
        f.name: np.concatenate([getattr(first, f.name), getattr(second, f.name)])
        for f in fields(Records)
        if f.name not in ("inputs", "classes", "caller")
    }
    inputs = {name: np.concatenate([column, second.inputs[name]]) for name, column in first.inputs.items()}
    classes = None if first.classes is None or second.classes is None else first.classes + second.classes
    caller = None if first.caller is None or second.caller is None else np.concatenate([first.caller, second.caller])
    return Records(**plain, inputs=inputs, classes=classes, caller=caller)
