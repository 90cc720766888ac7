"""What this worker had to do, minute by minute: what its status file tells of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from setpoint.domain.workload import MINUTES, Minute


@dataclass(slots=True)
class _Counted:
    requests: int = 0
    turned_away: int = 0
    rows: int = 0
    runs: int = 0
    queued_s: float = 0.0
    run_s: float = 0.0


class Meter:
    """Counts by minute, model and version; what is older than an hour is forgotten."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._counted: dict[tuple[int, str, str], _Counted] = {}
        self.stopped: dict[str, int] = {}  # requests that a repair has refused, by its id

    def ran(
        self, model: str, version: str, *, requests: int, rows: int, runs: int, queued_s: float, run_s: float
    ) -> None:
        """Add runs of the last second."""
        found = self._now(model, version)
        found.requests += requests
        found.rows += rows
        found.runs += runs
        found.queued_s += queued_s
        found.run_s += run_s

    def turned_away(self, model: str, version: str) -> None:
        """Add a request that was refused, for too much was before it."""
        self._now(model, version).turned_away += 1

    def stopped_by(self, repair: str) -> None:
        """Add a request that a repair has refused."""
        self.stopped[repair] = self.stopped.get(repair, 0) + 1

    @property
    def minutes(self) -> tuple[Minute, ...]:
        """The last hour, oldest first."""
        return tuple(
            Minute(
                at=at, model=model, version=version, requests=c.requests, turned_away=c.turned_away, rows=c.rows,
                runs=c.runs, queued_s=round(c.queued_s, 6), run_s=round(c.run_s, 6),
            )
            for (at, model, version), c in self._counted.items()
        )  # fmt: skip

    def _now(self, model: str, version: str) -> _Counted:
        key = int(self._clock() // 60), model, version
        found = self._counted.get(key)
        if found is None:
            oldest = key[0] - MINUTES
            self._counted = {k: c for k, c in self._counted.items() if k[0] > oldest}
            found = self._counted[key] = _Counted()
        return found
