"""Shadow versions: asked the same rows after the answer has gone out, in a thread of their own, never in the way."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from setpoint.domain.record import InferenceRecord
from setpoint.errors import ModelFailed
from setpoint.serve.batches import batches, joined, part_of
from setpoint.serve.flights import Flights
from setpoint.serve.form import Rows
from setpoint.serve.table import Target
from setpoint.serve.work import Answer, Work, answers, record_of


class ShadowRunner:
    """A bounded queue and one thread.

    Parameters
    ----------
    record : callable
        Takes the shadow records, in the event loop.
    flights : Flights
        Where each run is noted: one that ends the worker leaves no record either.
    bound_rows : int
        Rows that wait at most; a request beyond is dropped, and counted.
    batch_rows : int
        Rows of one run at most.
    """

    def __init__(
        self,
        record: Callable[[Sequence[InferenceRecord]], None],
        flights: Flights,
        *,
        bound_rows: int = 100_000,
        batch_rows: int = 1_024,
    ) -> None:
        self._record, self._flights, self._bound, self._batch_rows = record, flights, bound_rows, batch_rows
        self._queue: deque[Work] = deque()
        self._rows = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shadow")
        self.dropped = 0

    @property
    def waiting_rows(self) -> int:
        """Rows that wait or run."""
        return self._rows

    def offer(self, work: Work) -> None:
        """Queue an answered request for its shadow, unless the queue is full."""
        assert work.rows is not None
        if self._rows + work.rows.n > self._bound:
            self.dropped += 1
            return
        self._queue.append(work)
        self._rows += work.rows.n
        if self._idle.is_set():
            self._idle.clear()
            # behind the callbacks that send the answers, which are queued already
            asyncio.get_running_loop().call_soon(self._start)

    async def drain(self, timeout_s: float) -> None:
        """Wait until nothing is left, or the time is over."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), timeout_s)

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> None:
        batch, rows = [], 0
        while self._queue and rows < self._batch_rows:
            work = self._queue.popleft()
            batch.append(work)
            rows += work.rows.n if work.rows else 0
        loop = asyncio.get_running_loop()
        loop.run_in_executor(self._thread, run_shadows, batch, self._batch_rows, self._flights).add_done_callback(
            lambda f: self._done(f, rows)
        )

    def _done(self, run: "asyncio.Future[list[InferenceRecord]]", rows: int) -> None:
        self._rows -= rows
        try:
            if not run.cancelled():
                self._record(run.result())
        finally:
            if self._queue:
                self._start()
            else:
                self._idle.set()


def run_shadows(queue: Sequence[Work], limit: int, flights: Flights) -> list[InferenceRecord]:
    """Return the records of the shadows' answers, failures among them; no run has more than `limit` rows."""
    records = []
    for batch in batches([replaced for work in queue if (replaced := _to_shadow(work))], limit):
        target = batch[0].target
        started = time.perf_counter_ns()
        flight = flights.begin(target, [(work, work.rows) for work in batch if work.rows])
        try:
            found = _answers(target, [work.rows for work in batch if work.rows], limit)
        finally:
            flights.end(flight)
        latency_us = (time.perf_counter_ns() - started) // 1_000
        records += [record_of(work, target, answer, latency_us) for work, answer in zip(batch, found, strict=True)]
    return records


def _to_shadow(work: Work) -> Work | None:
    shadow = work.target.shadow
    return replace(work, target=shadow) if shadow else None


def _answers(target: Target, parts: Sequence[Rows], limit: int) -> list[Answer | ModelFailed]:
    """Run a batch, in parts where it is one request beyond the limit."""
    if sum(part.n for part in parts) <= limit:
        return answers(target, parts)
    (rows,) = parts
    found: list[Answer] = []
    for at in range(0, rows.n, limit):
        (answer,) = answers(target, [part_of(rows, at, at + limit)], at)
        if isinstance(answer, ModelFailed):
            return [answer]
        found.append(answer)
    return [joined(found)]
