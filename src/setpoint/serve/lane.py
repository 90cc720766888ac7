"""What is too slow or too large for the event loop: one run at a time of one version, in a thread beside the loop."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from math import isinf

from setpoint.errors import ModelFailed, SetpointError
from setpoint.serve.admission import Ahead
from setpoint.serve.batches import joined, part_of, taken
from setpoint.serve.flights import NONE, Flights
from setpoint.serve.form import Rows
from setpoint.serve.metrics import Metrics
from setpoint.serve.table import Loaded, Target
from setpoint.serve.work import Answer, Work, answers

log = logging.getLogger("setpoint.serve")
HANGS_S, LONGER = 30.0, 10.0  # a run that takes so long, and so many times what was expected, will not end
Ended = tuple[Work, Answer | SetpointError]
Ran = tuple[list[Answer | ModelFailed], float]


@dataclass(slots=True)
class Waiting:
    """A request and how far it has come."""

    work: Work
    rows: Rows
    at: int = 0
    parts: list[Answer] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Rows that are not answered yet."""
        return self.rows.n - self.at


class Lane:
    """Requests that wait for one version.

    While one run is under way the others gather; the next run takes as many as its measured pace, the limit and their
    deadlines allow. A request with more rows than that is run in parts, in turn with the others.

    Parameters
    ----------
    loaded : Loaded
    batch_rows : int
        Rows of one run at most.
    threads : Executor
        Where runs take place.
    metrics : Metrics
        What is told of each run.
    flights : Flights
        Where each run is noted.
    ended : callable
        Takes the requests that a run completed, in the event loop.
    empty : callable
        Called when nothing waits or runs any more.
    """

    def __init__(
        self,
        loaded: Loaded,
        batch_rows: int,
        threads: Executor,
        metrics: Metrics,
        flights: Flights,
        ended: Callable[[Sequence[Ended]], None],
        empty: Callable[["Lane"], None],
    ) -> None:
        self.loaded = loaded
        self._batch_rows, self._threads, self._metrics = batch_rows, threads, metrics
        self._ended, self._empty = ended, empty
        self._flights, self._flight = flights, NONE
        self._waiting: deque[Waiting] = deque()
        self._running: list[Waiting] = []
        self._started_ns = 0
        self._expected_s = 0.0
        self.rows = 0
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, self._start)  # one pass later, as a tick

    def add(self, work: Work) -> None:
        """Queue a request; those of one tick can share the first run."""
        assert work.rows is not None
        self._waiting.append(Waiting(work, work.rows))
        self.rows += work.rows.n

    @property
    def works(self) -> Iterator[Work]:
        """Requests that run or wait."""
        return (each.work for each in (*self._running, *self._waiting))

    def hangs(self, now_ns: int) -> bool:
        """Whether the run under way will not end; one in a process of its own is given up by whoever asked that."""
        if not self._running or self.loaded.version.runtime == "native":
            return False
        return (now_ns - self._started_ns) / 1e9 > max(HANGS_S, LONGER * self._expected_s)

    def ahead(self, rows: int, now_ns: int) -> Ahead:
        """Return what a new request of so many rows would find here."""
        pace = self.loaded.pace
        room = pace.room(self._batch_rows)
        runs = -(-rows // room)
        run_s, own_s = pace.seconds(room), pace.seconds(min(rows, room)) * runs
        if isinf(run_s):  # nothing is known yet
            run_s = own_s = 0.0
        elapsed_s = (now_ns - self._started_ns) / 1e9 if self._running else 0.0
        # a run that takes longer than expected may take as long again
        running_s = abs(self._expected_s - elapsed_s) if self._running else 0.0
        waiting = self.rows - sum(each.left for each in self._running)
        full_runs = min(waiting // room, len(self._waiting) * runs)  # requests take turns
        return Ahead(
            requests=len(self._waiting) + len(self._running),
            rows=self.rows,
            wait_s=running_s + full_runs * run_s,
            run_s=run_s,
            own_s=own_s,
        )

    def _start(self) -> None:
        """Begin the next run, of requests to one target."""
        now_ns = time.perf_counter_ns()
        late = self._late(now_ns)
        if late:
            self._end(late)
            return
        if not self._waiting:
            self._empty(self)
            return
        pace, target = self.loaded.pace, self._waiting[0].work.target
        same = ((each.left, each.work.deadline_ns) for each in self._waiting if each.work.target is target)
        sizes = taken(same, pace.room(self._batch_rows), pace.seconds, now_ns)
        self._running = self._pop(target, len(sizes))
        expected_s = pace.seconds(sum(sizes))
        self._started_ns, self._expected_s = now_ns, 0.0 if isinf(expected_s) else expected_s
        parts = [part_of(each.rows, each.at, each.at + n) for each, n in zip(self._running, sizes, strict=True)]
        works = (each.work for each in self._running)
        self._flight = self._flights.begin(target, [*zip(works, parts, strict=True)])
        run = asyncio.get_running_loop().run_in_executor(self._threads, _run, target, parts, self._running[0].at)
        run.add_done_callback(lambda done: self._done(done, parts))

    def _late(self, now_ns: int) -> list[Ended]:
        """Take out what nobody waits for any more."""
        late = [each for each in self._waiting if 0 < each.work.deadline_ns < now_ns]
        if late:
            self._waiting = deque(each for each in self._waiting if not 0 < each.work.deadline_ns < now_ns)
            self.rows -= sum(each.left for each in late)
        return [(each.work, each.work.expire(now_ns)) for each in late]

    def _pop(self, target: Target, n: int) -> list[Waiting]:
        """Take the first n requests to a target out of the queue."""
        popped: list[Waiting] = []
        passed: list[Waiting] = []
        while len(popped) < n:
            each = self._waiting.popleft()
            (popped if each.work.target is target else passed).append(each)
        self._waiting.extendleft(reversed(passed))
        return popped

    def _done(self, run: "asyncio.Future[Ran]", parts: Sequence[Rows]) -> None:
        """Take what came out, put back what is not complete, and go on."""
        if run.cancelled():
            return
        self._flights.end(self._flight)
        rows = sum(part.n for part in parts)
        self.rows -= rows
        if run.exception():  # a defect of ours, for `answers` catches what a model does
            log.error("a run of %s failed", self.loaded.name, exc_info=run.exception())
            found: Sequence[Answer | ModelFailed] = [ModelFailed("internal error; the log of the worker has it")] * len(
                parts
            )
        else:
            found, seconds = run.result()
            queued_s = [(self._started_ns - each.work.started_ns) / 1e9 for each in self._running if not each.at]
            version = self.loaded.version
            self._metrics.ran(version.model, version.version, rows=rows, seconds=seconds, queued_s=queued_s)
            if not any(isinstance(answer, ModelFailed) for answer in found):  # a failure may be quick
                self.loaded.pace.add(rows, seconds)
        ended: list[Ended] = []
        for each, part, answer in zip(self._running, parts, found, strict=True):
            each.at += part.n
            if isinstance(answer, ModelFailed):
                self.rows -= each.left
                ended.append((each.work, answer))
                continue
            each.parts.append(answer)
            if each.left:
                self._waiting.append(each)
            else:
                ended.append((each.work, joined(each.parts)))
        self._running = []
        self._end(ended)

    def _end(self, ended: Sequence[Ended]) -> None:
        """Hand over what is complete, and go on."""
        try:
            if ended:
                self._ended(ended)
        finally:
            self._start()


def _run(target: Target, parts: Sequence[Rows], first: int) -> Ran:
    started = time.perf_counter()
    found = answers(target, parts, first)
    return found, time.perf_counter() - started
