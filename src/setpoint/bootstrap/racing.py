"""Several policies' replays: in turn, or at once in processes of their own."""

from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from queue import Empty
from typing import Any

from setpoint.bootstrap.riding import PolicyRun, Told, run_policy
from setpoint.errors import JobFailed
from setpoint.loop.replay.run import Ran


def in_turn(runs: Sequence[PolicyRun], progress: Told) -> dict[str, Ran]:
    """Run policies one after the other."""
    return {run.policy.name: run_policy(run, progress) for run in runs}


_told: Any = None  # in a process of its own: the queue to the one that shows progress


def _listened(queue: Any) -> None:
    global _told
    _told = queue


def _run_apart(run: PolicyRun) -> Ran:
    return run_policy(run, lambda policy, rows: _told.put((policy, rows)))


def at_once(runs: Sequence[PolicyRun], jobs: int, progress: Told) -> dict[str, Ran]:
    """Run policies in processes of their own; what one raises is raised when it is known."""
    context = get_context("spawn")
    queue = context.Queue()
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_listened, initargs=(queue,)) as pool:
        waiting = {run.policy.name: pool.submit(_run_apart, run) for run in runs}
        try:
            while not all(future.done() for future in waiting.values()):
                _tell(queue, progress)
                _raise_early(waiting)
            return {name: future.result() for name, future in waiting.items()}
        except BrokenProcessPool as e:
            raise JobFailed("a process that ran a policy was killed; has the machine too little memory?") from e
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            queue.close()


def _tell(queue: Any, progress: Told) -> None:
    try:
        progress(*queue.get(timeout=0.2))
    except Empty:
        return


def _raise_early(waiting: dict[str, Future[Ran]]) -> None:
    for future in waiting.values():
        if future.done() and future.exception() is not None:
            future.result()
