"""The data plane itself: batch, run, record, answer. Knows nothing of HTTP."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from operator import attrgetter

from setpoint.domain.record import OVERDUE_US, InferenceRecord, Outcome
from setpoint.errors import ModelFailed, SetpointError
from setpoint.ports import Recorder
from setpoint.serve.admission import Ahead, admit
from setpoint.serve.batches import batches, fitting
from setpoint.serve.flights import Flights, works_of
from setpoint.serve.form import Rows
from setpoint.serve.holding import HoldingRecorder
from setpoint.serve.lane import Ended, Lane
from setpoint.serve.metrics import Metrics
from setpoint.serve.pace import LOOP_S
from setpoint.serve.shadow import ShadowRunner
from setpoint.serve.table import Loaded, Table, Target
from setpoint.serve.unanswered import OVERLOAD, OVERLOADED, Allowance, overdue, recorded
from setpoint.serve.work import Answer, Work, answers, record_of

log = logging.getLogger("setpoint.serve")
THREADS = 32
CROWD = 1_000  # requests
DEADLINE = attrgetter("deadline_ns")
Settle = Callable[[Answer | SetpointError], None]
Done = tuple[Work, InferenceRecord, Answer | SetpointError]


class DataPlane:
    """Answers requests.

    Requests that arrive in one tick of the event loop share one run of the model and one append to the recorder; no
    answer goes out before its record is with the recorder. Nothing waits for a timer. What a tick has no time for is
    first in the next one. What is slow, large or unknown runs beside the event loop, in a `Lane` of its version.

    Parameters
    ----------
    recorder : Recorder
        Where records go; when it refuses, they are held in memory, up to a bound.
    metrics : Metrics
    batch_rows : int
        Rows of one run at most; a larger request is run in parts and answered whole.
    flights : Flights, optional
        Where runs are noted that could end this process.
    """

    def __init__(
        self,
        recorder: Recorder,
        metrics: Metrics,
        *,
        batch_rows: int = 1_024,
        held: int = 100_000,
        flights: Flights | None = None,
    ) -> None:
        self.table = Table()
        self.recorder = HoldingRecorder(recorder, bound=held)
        self.metrics = metrics
        self.recalled = False  # what the worker before was asked when it ended is on record
        self._flights = flights or Flights(None)
        self.shadows = ShadowRunner(self.recorder.append, self._flights, batch_rows=batch_rows)
        self._batch_rows = batch_rows
        self._queue: dict[Target, list[Work]] = {}  # what the next tick runs, the oldest first
        self._behind: frozenset[Target] = frozenset()  # those of which a tick had to leave some
        self._shared = True  # the last tick had several requests
        self._lanes: dict[Loaded, Lane] = {}
        self._turned_away: list[InferenceRecord] = []  # what the next pass of the loop records
        self._allowance = Allowance()
        self._quiet = asyncio.Event()  # no lane has work
        self._quiet.set()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="lane")

    def admit(self, target: Target, now_ns: int, deadline_ns: int = 0) -> None:
        """Refuse a request to a target before it is decoded, which costs more than all else that is done for it.

        Raises
        ------
        NotReady
            If records cannot be written, and no more can be held.
        Overloaded
            If an answer would come too late: while ticks have no time for all, or a crowd comes at once, it takes as
            long as the oldest has waited. A few that waited for a loop that stood still are no crowd.
        """
        if self.recorder.held:
            self.recorder.admit()
        waiting = self._queue.get(target) if self._queue else None
        if waiting and (len(waiting) >= CROWD or target in self._behind):
            ahead = Ahead(len(waiting), wait_s=(now_ns - waiting[0].started_ns) / 1e9)
            admit(ahead, 1, _left_s(now_ns, deadline_ns))
        lane = self._lanes.get(target.loaded) if self._lanes else None
        if lane and not target.loaded.pace.quick:  # else it may be small enough for a tick
            admit(lane.ahead(1, now_ns), 1, _left_s(now_ns, deadline_ns))

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
        Overloaded
            If the answer would come too late.
        """
        codes = rows.breach.codes if rows.breach else ()
        work = Work(target, rows, request_id, caller, arrived_us, started_ns, done, 200, codes, deadline_ns)
        if rows.n > target.loaded.pace.quick or rows.n > self._batch_rows:
            self._put_aside(work)
        else:
            self._enqueue(work)

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

    def turn_away(self, target: Target, request_id: str, *, caller: str, arrived_us: int, started_ns: int) -> None:
        """Record that too much was before a request to a version, as far as the allowance goes; see `unanswered`."""
        now_ns = time.perf_counter_ns()
        if not self._allowance.take(now_ns):
            return
        if not self._turned_away:
            asyncio.get_running_loop().call_soon(self._record_turned_away)
        work = Work(target, None, request_id, caller, arrived_us, started_ns, None, OVERLOADED, (OVERLOAD,))
        self._turned_away.append(record_of(work, target, {}, (now_ns - started_ns) // 1_000))

    def record_outcomes(self, model: str, outcomes: Sequence[Outcome]) -> None:
        """Write outcomes; Unusable if the disk refuses."""
        self.recorder.append_outcomes(model, outcomes)
        self.metrics.outcomes(model, len(outcomes))

    @property
    def stuck(self) -> bool:
        """Whether a run hangs in a thread of this process: only its end ends that."""
        now_ns = time.perf_counter_ns()
        return any(lane.hangs(now_ns) for lane in self._lanes.values())

    def sample(self) -> None:
        """Put what is measured by looking into the metrics, and let the recorder do what is due."""
        self._record_overdue()
        self.recorder.tend()
        self.metrics.sample(
            held=self.recorder.held,
            lag_s=self.recorder.lag_s(),
            shadow_rows=self.shadows.waiting_rows,
            shadow_dropped=self.shadows.dropped,
            generation=self.table.generation,
        )

    def recall(self) -> None:
        """Record what the worker before was asked when it ended: nobody has answered that."""
        now_us = time.time_ns() // 1_000
        for flight in self._flights.left:
            try:
                target = self.table.route(flight.model).target(flight.version)
            except SetpointError as e:
                log.warning("%d requests that ended the worker before are on no record: %s", len(flight.asked), e)
                continue
            ended = works_of(flight, target)
            records = [record_of(work, target, gone, now_us - work.arrived_us) for work, gone in ended]
            self.recorder.append(records)
            self.metrics.batch(records)
        self._flights.left.clear()
        self.recalled = True

    async def drain(self, timeout_s: float = 2.0) -> None:
        """Finish what is under way: the queued tick, the runs beside the loop, the shadows, the records held."""
        end = time.monotonic() + timeout_s
        while self._queue:  # noqa: ASYNC110  # every pass of the loop runs some of it
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

    def _record_turned_away(self) -> None:
        records, self._turned_away = self._turned_away, []
        self.recorder.append(records)

    def _record_overdue(self) -> None:
        """Record what should have been answered by now, where versions are compared by it."""
        contested = (lane for lane in self._lanes.values() if self.table.contested(lane.loaded.version.model))
        if records := overdue((work for lane in contested for work in lane.works), time.perf_counter_ns()):
            self.recorder.append(records)

    def _enqueue(self, work: Work) -> None:
        if not self._queue:
            loop = asyncio.get_running_loop()
            if self._shared:  # one pass of the loop more: what lies ready on other connections by then shares the run
                loop.call_soon(loop.call_soon, self._flush)
            else:
                loop.call_soon(self._flush)
        waiting = self._queue.get(work.target)
        if waiting is None:
            self._queue[work.target] = [work]
        else:
            waiting.append(work)

    def _flush(self) -> None:
        """Run what fits into a tick, record and answer it; each target has an equal part of the time."""
        queue, self._queue = self._queue, {}
        begun: list[Work] = []
        for target, waiting in queue.items():
            n = fitting(waiting, target.loaded.pace.seconds, LOOP_S / len(queue))
            begun += waiting[:n]
            if n < len(waiting):
                self._queue[target] = waiting[n:]
        self._behind = frozenset(self._queue)
        if self._queue:
            asyncio.get_running_loop().call_soon(self._flush)
        self._shared = len(begun) > 1
        try:
            done = self._late(begun) if any(map(DEADLINE, begun)) else []
            for batch in batches([work for work in begun if work.status != 504] if done else begun, self._batch_rows):
                done += self._run(batch)
            self._finish(done)
        except BaseException as e:  # what a binding to another language throws may be no Exception
            _abandon(begun, e)
            raise

    def _late(self, queue: Sequence[Work]) -> list[Done]:
        """Take out what nobody waits for any more."""
        now = time.perf_counter_ns()
        return _done([(work, work.expire(now)) for work in queue if 0 < work.deadline_ns < now], now)

    def _put_aside(self, work: Work) -> None:
        """Queue a request in the lane of its version; Overloaded if too much waits there."""
        loaded = work.target.loaded
        rows, lane = work.rows.n if work.rows else 0, self._lanes.get(loaded)
        now = time.perf_counter_ns()
        admit(lane.ahead(rows, now) if lane else Ahead(), rows, _left_s(now, work.deadline_ns))
        if lane is None:
            self._quiet.clear()
            lane = self._lanes[loaded] = Lane(
                loaded, self._batch_rows, self._threads, self.metrics, self._flights, self._ended, self._forget
            )
        lane.add(work)

    def _forget(self, lane: Lane) -> None:
        del self._lanes[lane.loaded]
        if not self._lanes:
            self._quiet.set()

    def _ended(self, ended: Sequence[Ended]) -> None:
        """Finish what a lane has completed."""
        try:
            self._finish(_done(ended, time.perf_counter_ns()))
        except BaseException as e:
            _abandon([work for work, _ in ended], e)
            raise

    def _run(self, batch: Sequence[Work]) -> list[Done]:
        """Run a batch here and now; refused requests, which have no rows, are only recorded."""
        found: Sequence[Answer | ModelFailed] = [{}] * len(batch)
        parts = [work.rows for work in batch if work.rows]
        if parts:
            target = batch[0].target
            rows, started = sum([part.n for part in parts]), time.perf_counter_ns()
            flight = self._flights.begin(target, [(work, work.rows) for work in batch if work.rows])
            try:
                found = answers(target, parts)
            finally:
                self._flights.end(flight)
            seconds = (time.perf_counter_ns() - started) / 1e9
            target.loaded.pace.add(rows, seconds)
            queued_s = [(started - work.started_ns) / 1e9 for work in batch]
            self.metrics.ran(target.model, target.version, rows=rows, seconds=seconds, queued_s=queued_s)
        return _done(zip(batch, found, strict=True), time.perf_counter_ns())

    def _finish(self, done: Sequence[Done]) -> None:
        """Record, answer, and only then offer to the shadows."""
        records = [record for _, record, _ in done]
        slow = any(record.latency_us >= OVERDUE_US for record in records)
        self.recorder.append(self._told_late(done) if slow else records)
        for work, _, answer in done:
            work.settle(answer)
        self.metrics.batch(records)
        for work, record, _ in done:
            if work.target.shadow and record.status == 200:
                self.shadows.offer(work)

    def _told_late(self, done: Sequence[Done]) -> list[InferenceRecord]:
        """Return what is recorded of requests of which some have taken very long."""
        now_ns = time.perf_counter_ns()
        found: list[InferenceRecord] = []
        for work, record, _ in done:
            contested = work.overdue or self.table.contested(work.target.model)
            found += recorded(work, record, now_ns) if contested else [record]
        return found


def _left_s(now_ns: int, deadline_ns: int) -> float:
    return (deadline_ns - now_ns) / 1e9 if deadline_ns else inf


def _done(ended: Iterable[Ended], now_ns: int) -> list[Done]:
    return [
        (work, record_of(work, work.target, answer, (now_ns - work.started_ns) // 1_000), answer)
        for work, answer in ended
    ]


def _abandon(works: Sequence[Work], e: BaseException) -> None:
    """Leave nobody waiting after a defect, whatever it is."""
    for work in works:
        work.settle(SetpointError(f"internal error: {type(e).__name__}: {e}"))
