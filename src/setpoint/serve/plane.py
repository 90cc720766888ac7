"""The data plane itself: batch, run, record, answer. Knows nothing of HTTP."""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence

from setpoint.domain.record import InferenceRecord, Outcome
from setpoint.errors import ModelFailed, SetpointError
from setpoint.ports import Recorder
from setpoint.serve.form import Rows
from setpoint.serve.holding import HoldingRecorder
from setpoint.serve.metrics import Metrics
from setpoint.serve.shadow import ShadowRunner
from setpoint.serve.table import Table, Target
from setpoint.serve.work import Answer, Work, answers, record_of

log = logging.getLogger("setpoint.serve")


class DataPlane:
    """Answers requests.

    Requests that arrive in one tick of the event loop share one run of the model and one append to the recorder; no
    answer goes out before its record is with the recorder. Nothing waits for a timer.

    Parameters
    ----------
    recorder : Recorder
        Where records go; when it refuses, they are held in memory, up to a bound.
    metrics : Metrics
    batch_rows : int
        Rows of one run, about: a request is never split.
    """

    def __init__(self, recorder: Recorder, metrics: Metrics, *, batch_rows: int = 1_024, held: int = 100_000) -> None:
        self.table = Table()
        self.recorder = HoldingRecorder(recorder, bound=held)
        self.shadows = ShadowRunner(self.recorder.append, batch_rows=batch_rows)
        self.metrics = metrics
        self._batch_rows = batch_rows
        self._queue: list[Work] = []

    def ask(
        self, target: Target, rows: Rows, request_id: str, *, caller: str, arrived_us: int, started_ns: int
    ) -> "asyncio.Future[Answer]":
        """Queue checked rows for this tick; the future holds the outputs once they are recorded, or ModelFailed.

        Raises
        ------
        NotReady
            If records cannot be written, and no more can be held.
        """
        if self.recorder.held:
            self.recorder.admit()
        return self._enqueue(Work(target, rows, request_id, caller, arrived_us, started_ns, _future()))

    def refuse(
        self,
        target: Target,
        request_id: str,
        *,
        status: int,
        violations: Sequence[str],
        caller: str,
        arrived_us: int,
        started_ns: int,
    ) -> "asyncio.Future[Answer]":
        """Queue the record of a refused request; the future is done once it is recorded."""
        works = Work(target, None, request_id, caller, arrived_us, started_ns, _future(), status, tuple(violations))
        return self._enqueue(works)

    def record_outcomes(self, model: str, outcomes: Sequence[Outcome]) -> None:
        """Write outcomes; Unusable if the disk refuses."""
        self.recorder.append_outcomes(model, outcomes)
        self.metrics.outcomes(model, len(outcomes))

    def sample(self) -> None:
        """Put what is measured by looking into the metrics, and try again to write what is held."""
        if self.recorder.held:
            self.recorder.retry()
        self.metrics.sample(
            held=self.recorder.held,
            shadow_rows=self.shadows.waiting_rows,
            shadow_dropped=self.shadows.dropped,
            generation=self.table.generation,
        )

    async def drain(self, timeout_s: float = 2.0) -> None:
        """Finish what is under way: the queued tick, the shadows, the records held."""
        for _ in range(2):  # the queued tick
            await asyncio.sleep(0)
        await self.shadows.drain(timeout_s)
        self.shadows.close()
        self.recorder.retry(now=True)
        if self.recorder.held:
            log.error("%s; lost, for this worker ends", self.recorder.note)

    def _enqueue(self, work: Work) -> "asyncio.Future[Answer]":
        if not self._queue:
            # one pass of the loop later: what lies ready on other connections by then shares the run
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self._flush)
        self._queue.append(work)
        return work.future

    def _flush(self) -> None:
        """Run everything queued, record it, answer it, and only then offer it to the shadows."""
        queue, self._queue = self._queue, []
        try:
            done = [each for batch in _batches(queue, self._batch_rows) for each in self._run(batch)]
            self.recorder.append([record for _, record, _ in done])
        except Exception as e:  # whatever it is: nobody may be left waiting
            for work in queue:
                _settle(work, SetpointError(f"internal error: {type(e).__name__}: {e}"))
            raise
        for work, _, answer in done:
            _settle(work, answer)
        self.metrics.batch([record for _, record, _ in done])
        for work, record, _ in done:
            if work.target.shadow and record.status == 200:
                self.shadows.offer(work)

    def _run(self, batch: Sequence[Work]) -> Iterator[tuple[Work, InferenceRecord, Answer | ModelFailed]]:
        target = batch[0].target
        parts = [work.rows for work in batch if work.rows]
        found = answers(target, parts) if parts else [{} for _ in batch]
        now = time.perf_counter_ns()
        for work, answer in zip(batch, found, strict=True):
            yield work, record_of(work, target, answer, (now - work.started_ns) // 1_000), answer


def _future() -> "asyncio.Future[Answer]":
    return asyncio.get_running_loop().create_future()


def _settle(work: Work, answer: Answer | SetpointError) -> None:
    if work.future.done():  # the caller has gone
        return
    if isinstance(answer, SetpointError):
        work.future.set_exception(answer)
    else:
        work.future.set_result(answer)


def _batches(queue: Sequence[Work], batch_rows: int) -> Iterator[list[Work]]:
    """Group by target, refused requests apart; a group is cut where it would grow beyond `batch_rows`."""
    groups: dict[tuple[Target, bool], list[Work]] = {}
    for work in queue:
        groups.setdefault((work.target, work.rows is None), []).append(work)
    for group in groups.values():
        batch: list[Work] = []
        rows = 0
        for work in group:
            n = work.rows.n if work.rows else 0
            if batch and rows + n > batch_rows:
                yield batch
                batch, rows = [], 0
            batch.append(work)
            rows += n
        yield batch
