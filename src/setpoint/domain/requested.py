"""Requests as they came, answered or not: what is known of them at once."""

from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from setpoint.domain.records import Column, Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """Rows of requests in time order, those that were refused or failed among them; every array has shape (n,).

    `time` and `arrived` are microseconds since the epoch: of the event, and of the request. `row` is the row's place in
    its request; `id` is None for a request that was refused, which is one row without inputs. `broke` says whether the
    request violated a contract, answered or not.
    """

    id: Column
    time: Column
    arrived: Column
    row: Column
    version: Column
    role: Column
    status: Column
    latency_us: Column
    caller: Column
    broke: Column
    inputs: Columns

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.id)

    def take(self, rows: NDArray[Any]) -> "Requested":
        """Return the rows of a boolean mask or an index array."""
        fixed = {name: getattr(self, name)[rows] for name in FIXED}
        return replace(self, **fixed, inputs={name: column[rows] for name, column in self.inputs.items()})


FIXED = ("id", "time", "arrived", "row", "version", "role", "status", "latency_us", "caller", "broke")
