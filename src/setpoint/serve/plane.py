"""The data plane itself: batch, run, record, answer. Knows nothing of HTTP."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from operator import attrgetter

from setpoint.domain.record import InferenceRecord, Outcome
from setpoint.errors import ModelFailed, Overloaded, SetpointError
from setpoint.ports import Recorder
from setpoint.serve.admission import WAIT_S, Ahead, refusal
from setpoint.serve.batches import batches
from setpoint.serve.form import Rows
from setpoint.serve.holding import HoldingRecorder
from setpoint.serve.lane import Ended, Lane
from setpoint.serve.metrics import Metrics
from setpoint.serve.pace import LOOP_S
from setpoint.serve.shadow import ShadowRunner
from setpoint.serve.table import Loaded, Table, Target
from setpoint.serve.work import Answer, Work, answers, record_of

log = logging.getLogger("setpoint.serve")
THREADS = 32
DEADLINE = attrgetter("deadline_ns")
Settle = Callable[[Answer | SetpointError], None]
Done = tuple[Work, InferenceRecord, Answer | SetpointError]


class DataPlane:
    """Answers requests.

    Requests that arrive in one tick of the event loop share one run of the model and one append to the recorder; no
    answer goes out before its record is with the recorder. Nothing waits for a timer. What is slow, large or unknown
    runs beside the event loop, in a `Lane` of its version.

    Parameters
    ----------
    recorder : Recorder
        Where records go; when it refuses, they are held in memory, up to a bound.
    metrics : Metrics
    batch_rows : int
        Rows of one run at most; a larger request is run in parts and answered whole.
    """

    def __init__(self, recorder: Recorder, metrics: Metrics, *, batch_rows: int = 1_024, held: int = 100_000) -> None:
        self.table = Table()
        self.recorder = HoldingRecorder(recorder, bound=held)
        self.shadows = ShadowRunner(self.recorder.append, batch_rows=batch_rows)
        self.metrics = metrics
        self._batch_rows = batch_rows
        self._queue: list[Work] = []
        self._shared = True  # the last tick had several requests
        self._lanes: dict[Loaded, Lane] = {}
        self._quiet = asyncio.Event()  # no lane has work
        self._quiet.set()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="lane")

    def ask(
        self,
        target: Target,
        rows: Rows,
        request_id: str,
        *,
        caller: str,
        arrived_us: int,
        started_ns: int,
        done: Settle,
        deadline_ns: int = 0,
    ) -> None:
        """Queue checked rows; once they are recorded, `done` is given the outputs, ModelFailed or DeadlineExceeded.

        `done` must not raise. `started_ns` and `deadline_ns` (0: none) are of `time.perf_counter_ns`.

        Raises
        ------
        NotReady
            If records cannot be written, and no more can be held.
        Overloaded
            If the answer would come too late.
        """
        if self.recorder.held:
            self.recorder.admit()
        codes = rows.breach.codes if rows.breach else ()
        work = Work(target, rows, request_id, caller, arrived_us, started_ns, done, 200, codes, deadline_ns)
        if rows.n > target.loaded.pace.quick or rows.n > self._batch_rows:
            error = self._put_aside(work)
        else:
            error = self._too_long_a_tick(started_ns) if self._queue else None
            if error is None:
                self._enqueue(work)
        if error:
            raise error

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
        done: Settle,
    ) -> None:
        """Queue the record of a refused request; `done` is called once it is recorded."""
        self._enqueue(Work(target, None, request_id, caller, arrived_us, started_ns, done, status, tuple(violations)))

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
        """Finish what is under way: the queued tick, the runs beside the loop, the shadows, the records held."""
        end = time.monotonic() + timeout_s
        for _ in range(2):  # the queued tick
            await asyncio.sleep(0)
        try:
            await asyncio.wait_for(self._quiet.wait(), timeout_s)
        except TimeoutError:
            names = ", ".join(f"{lane.loaded.name} ({lane.rows} rows)" for lane in self._lanes.values())
            log.error("still under way after %s s: %s", timeout_s, names)
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self.shadows.drain(max(0.0, end - time.monotonic()))
        self.shadows.close()
        self.recorder.retry(now=True)
        if self.recorder.held:
            log.error("%s; lost, for this worker ends", self.recorder.note)

    def _enqueue(self, work: Work) -> None:
        if not self._queue:
            loop = asyncio.get_running_loop()
            if self._shared:  # one pass of the loop more: what lies ready on other connections by then shares the run
                loop.call_soon(loop.call_soon, self._flush)
            else:
                loop.call_soon(self._flush)
        self._queue.append(work)

    def _flush(self) -> None:
        """Run what fits into a tick, record and answer it; hand the rest to the lanes."""
        queue, self._queue = self._queue, []
        self._shared = len(queue) > 1
        try:
            done = self._late(queue) if any(map(DEADLINE, queue)) else []
            left = LOOP_S
            for batch in batches([work for work in queue if work.status != 504] if done else queue, self._batch_rows):
                rows = sum([work.rows.n for work in batch if work.rows])
                seconds = batch[0].target.loaded.pace.seconds(rows) if rows else 0.0
                if seconds > left:
                    self._shift(batch)
                else:
                    left -= seconds
                    done += self._run(batch, rows)
            if done:
                self._finish(done)
        except Exception as e:
            _abandon(queue, e)
            raise

    def _too_long_a_tick(self, started_ns: int) -> Overloaded | None:
        """Refuse what would make a tick longer that has been gathering requests for too long already."""
        gathering_s = (started_ns - self._queue[0].started_ns) / 1e9
        return refusal(Ahead(len(self._queue), wait_s=gathering_s), 1) if gathering_s > WAIT_S else None

    def _late(self, queue: Sequence[Work]) -> list[Done]:
        """Take out what nobody waits for any more."""
        now = time.perf_counter_ns()
        return _done([(work, work.expire(now)) for work in queue if 0 < work.deadline_ns < now], now)

    def _shift(self, batch: Sequence[Work]) -> None:
        """Hand over to a lane what this tick has no time for."""
        for work in batch:
            error = self._put_aside(work)
            if error:
                work.settle(error)

    def _put_aside(self, work: Work) -> Overloaded | None:
        """Queue a request in the lane of its version, unless too much waits there."""
        loaded = work.target.loaded
        rows, lane = work.rows.n if work.rows else 0, self._lanes.get(loaded)
        now = time.perf_counter_ns()
        left_s = (work.deadline_ns - now) / 1e9 if work.deadline_ns else inf
        error = refusal(lane.ahead(rows, now) if lane else Ahead(), rows, left_s)
        if error:
            return error
        if lane is None:
            self._quiet.clear()
            lane = self._lanes[loaded] = Lane(loaded, self._batch_rows, self._threads, self._ended, self._forget)
        lane.add(work)
        return None

    def _forget(self, lane: Lane) -> None:
        del self._lanes[lane.loaded]
        if not self._lanes:
            self._quiet.set()

    def _ended(self, ended: Sequence[Ended]) -> None:
        """Finish what a lane has completed."""
        try:
            self._finish(_done(ended, time.perf_counter_ns()))
        except Exception as e:
            _abandon([work for work, _ in ended], e)
            raise

    def _run(self, batch: Sequence[Work], rows: int) -> list[Done]:
        """Run a batch here and now; refused requests, which have no rows, are only recorded."""
        found: Sequence[Answer | ModelFailed] = [{}] * len(batch)
        if rows:
            target = batch[0].target
            started = time.perf_counter_ns()
            found = answers(target, [work.rows for work in batch if work.rows])
            target.loaded.pace.add(rows, (time.perf_counter_ns() - started) / 1e9)
        return _done(zip(batch, found, strict=True), time.perf_counter_ns())

    def _finish(self, done: Sequence[Done]) -> None:
        """Record, answer, and only then offer to the shadows."""
        records = [record for _, record, _ in done]
        self.recorder.append(records)
        for work, _, answer in done:
            work.settle(answer)
        self.metrics.batch(records)
        for work, record, _ in done:
            if work.target.shadow and record.status == 200:
                self.shadows.offer(work)


def _done(ended: Iterable[Ended], now_ns: int) -> list[Done]:
    return [
        (work, record_of(work, work.target, answer, (now_ns - work.started_ns) // 1_000), answer)
        for work, answer in ended
    ]


def _abandon(works: Sequence[Work], e: Exception) -> None:
    """Leave nobody waiting after a defect, whatever it is."""
    for work in works:
        work.settle(SetpointError(f"internal error: {type(e).__name__}: {e}"))
