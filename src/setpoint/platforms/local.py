"""The local platform: worker processes on this machine that follow live.json."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from setpoint.domain.live import Live, Refusal, WorkerStatus
from setpoint.domain.record import ProcessEvent
from setpoint.domain.value import replace
from setpoint.errors import Conflict, Corrupt, SetpointError, Unsafe, Unusable
from setpoint.platforms.files import HomeFiles

POLL_S = 0.02
REFUSALS: dict[str, type[SetpointError]] = {error.__name__: error for error in (Corrupt, Unsafe)}


class LocalPlatform:
    """Serves what live.json says, through whatever workers run on this home.

    Parameters
    ----------
    home : Path
    timeout_s : float
        How long to wait for the workers.
    """

    def __init__(self, home: Path, *, timeout_s: float = 30.0) -> None:
        self._files = HomeFiles(home)
        self._timeout_s = timeout_s

    def live(self) -> Live:
        """Return what is to be served now."""
        return self._files.read_live()

    def apply(self, live: Live) -> None:
        """Serve this instead, and return when every running worker does; at once when none runs.

        Raises
        ------
        Corrupt
            If a worker refused a bundle whose bytes are not those stored. What was served before is served again.
        Unsafe
            If it refused one that nobody signed who may; likewise.
        Unusable
            If a worker refused a bundle for another reason (likewise), or did not follow in time.
        Conflict
            If somebody else changed what is served since it was read.
        """
        before = self._files.swap_live(live)
        refused = self._wait(live)
        if refused:
            # the generation after, so that a worker started from now on does not stumble over the same bundle
            back = replace(before, generation=live.generation + 1)
            with suppress(Conflict):  # somebody has seen to it
                self._files.swap_live(back)
            self._wait(back)
            name, (worker, refusal) = next(iter(refused.items()))
            error = REFUSALS.get(refusal.kind, Unusable)
            raise error(f"worker {worker} refused {name}: {refusal.reason}; what was served before is served again")

    def holds(self, model: str, version: str) -> bool:
        """Whether workers run, and every one has this version loaded as its standby."""
        reports = self._files.reports().values()
        return bool(reports) and all(report.standby.get(model) == version for report in reports)

    def restart(self, worker: int) -> None:
        """Ask the supervisor to have a worker finish what it began, and to start it anew."""
        self._files.restarts.mkdir(parents=True, exist_ok=True)
        (self._files.restarts / str(worker)).touch()

    def reports(self) -> dict[int, WorkerStatus]:
        """Return what each worker that runs reports, by its number."""
        return self._files.reports()

    def events(self) -> list[ProcessEvent]:
        """Return what happened to the processes, oldest first."""
        return self._files.read_events()

    def _wait(self, live: Live) -> dict[str, tuple[int, Refusal]]:
        """Wait until every running worker has dealt with a generation; return what was refused, and by whom."""
        reports: dict[int, WorkerStatus] = {}

        def behind() -> list[int]:
            reports.clear()
            reports.update(self._files.reports())
            return [i for i, status in reports.items() if status.generation < live.generation]

        late = wait_until_empty(behind, self._timeout_s)
        if late:
            status = reports[late[0]]
            raise Unusable(
                f"worker {late[0]} (pid {status.pid}) did not follow to generation {live.generation} within "
                f"{self._timeout_s:g} s; it serves generation {status.generation}; see its log, or restart it"
            )
        asked = {f"{model}/{v}" for model, served in live.models.items() for v in served.versions}
        return {
            name: (i, refusal)
            for i, status in reports.items()
            if status.generation == live.generation
            for name, refusal in status.refused.items()
            if name in asked
        }


def wait_until_empty(look: Callable[[], list[int]], timeout_s: float) -> list[int]:
    """Look again and again until nothing is left or the time is over; return what was left."""
    end = time.monotonic() + timeout_s
    left = look()
    while left and time.monotonic() < end:
        time.sleep(POLL_S)
        left = look()
    return left
