"""A recorder that outlasts a full disk: what cannot be written is held in memory, up to a bound, and tried again."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import groupby, islice

from setpoint.domain.record import InferenceRecord, Outcome
from setpoint.domain.value import replace
from setpoint.domain.workload import Unwritten
from setpoint.errors import NotReady
from setpoint.ports import Recorder

CHUNK = 1_000


def columns_of(record: InferenceRecord) -> tuple[str, int]:
    """Return what the records of one write have in common."""
    return record.model, id(record.layout)


class HoldingRecorder:
    """Writes through; while that fails, holds.

    Parameters
    ----------
    recorder : Recorder
        Where records go.
    bound : int
        Records held at most; beyond it `admit` refuses.
    retry_s : float
        Seconds between two attempts to write what is held.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        bound: int = 100_000,
        retry_s: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recorder, self._bound, self._retry_s, self._clock = recorder, bound, retry_s, clock
        self._held: deque[InferenceRecord] = deque()
        self._tried = 0.0
        self.reason: str | None = None
        self.unwritten: Unwritten | None = None  # the last time

    @property
    def held(self) -> int:
        """Records that wait in memory."""
        return len(self._held)

    @property
    def note(self) -> str | None:
        """What to tell an operator, or None when all is written."""
        if self.reason is None:
            return None
        return f"records cannot be written ({self.reason}); {self.held} of at most {self._bound} held in memory"

    def admit(self) -> None:
        """Refuse new work when nothing more can be held.

        Raises
        ------
        NotReady
            If the bound is reached.
        """
        if len(self._held) >= self._bound:
            self.retry()
            if len(self._held) >= self._bound:
                raise NotReady(f"{self.note}; try again later")

    def append(self, records: Sequence[InferenceRecord]) -> None:
        """Write a micro-batch with one call a model, or hold it when the disk refuses; never raises for the disk."""
        # what is one write a call, so that a failure leaves no part of the call written
        for _, run in groupby(sorted(records, key=columns_of), key=columns_of):
            self._write(list(run))

    def _write(self, records: Sequence[InferenceRecord]) -> None:
        if not self._held:
            try:
                self._recorder.append(records)
            except OSError as e:
                self._fail(e)
            else:
                self._over()
                return
        self._held.extend(records)
        self.retry()

    def append_outcomes(self, model: str, outcomes: Sequence[Outcome]) -> None:
        """Write outcomes, or raise: their sender can send them again."""
        self._recorder.append_outcomes(model, outcomes)

    def tend(self) -> None:
        """Try again to write what is held, and let the recorder do what is due."""
        if self._held:
            self.retry()
        self._recorder.tend()

    def lag_s(self) -> float:
        """Return for how many seconds something written has waited for the record log."""
        return self._recorder.lag_s()

    def retry(self, *, now: bool = False) -> None:
        """Write what is held, in order, unless that failed a moment ago."""
        if self.reason is not None and not now and self._clock() - self._tried < self._retry_s:
            return
        while self._held:
            _, run = next(groupby(islice(self._held, CHUNK), key=columns_of))
            chunk = list(run)
            try:
                self._recorder.append(chunk)
            except OSError as e:
                self._fail(e)
                return
            except Exception:  # no other attempt would do better, and those behind must not wait for it
                self._drop(len(chunk))
                raise
            self._drop(len(chunk))
        self._over()

    def _drop(self, n: int) -> None:
        for _ in range(n):
            self._held.popleft()

    def _fail(self, error: OSError) -> None:
        self.reason, self._tried = str(error), self._clock()
        now = time.time()
        known = self.unwritten
        if known is None or known.until is not None:
            known = Unwritten(since=now, held=0, most=0, bound=self._bound, reason=self.reason)
        self.unwritten = replace(known, reason=self.reason)

    def tell(self) -> Unwritten | None:
        """Return what could not be written the last time, with how much is held now."""
        if self.unwritten is not None and self.unwritten.until is None:
            most = max(self.unwritten.most, self.held)
            self.unwritten = replace(self.unwritten, held=self.held, most=most)
        return self.unwritten

    def _over(self) -> None:
        self.reason = None
        if self.unwritten is not None and self.unwritten.until is None:
            self.unwritten = replace(self.unwritten, held=0, until=time.time())
