"""Wire replays: each policy in a home of its own, several at once in processes of their own."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from queue import Empty
from typing import Any

import pyarrow as pa
from threadpoolctl import threadpool_limits

from setpoint.config import SetpointFile, Settings
from setpoint.errors import JobFailed
from setpoint.loop.changes import settle
from setpoint.loop.clock import VirtualClock
from setpoint.loop.operator import Operator
from setpoint.loop.ports import Ports
from setpoint.loop.release import read_binning
from setpoint.loop.replay import POLICIES, RecordedPlatform, Replayed, as_traffic_table, replay, start_of, traffic_of
from setpoint.loop.replay.checkpoint import Checkpoints, clear_after
from setpoint.loop.replay.kept import claim, digest_of, finished, found, identity, keep
from setpoint.loop.replay.policies import Policy, policies_of, under
from setpoint.loop.replay.race import raced
from setpoint.loop.replay.run import Ran
from setpoint.loop.scoring import BundleScorer
from setpoint.loop.stated import first
from setpoint.loop.stated import under as stated_by
from setpoint.loop.training import ProcessTrainer
from setpoint.store.bundles import FolderBundleStore
from setpoint.store.keys import HomeKeys
from setpoint.store.memory import MemoryRecordLog
from setpoint.store.messages import MemoryNotifier
from setpoint.store.state import SqlStateStore

# what is hashed stays in the replay's own home, and the same key each time keeps rows of one moment in one order
KEY = sha256(b"setpoint replay").hexdigest()
MAKES_A_VERSION = (
    *("artifact", "factory", "reference", "output", "segments", "features", "rules", "sensitive", "profile", "allow"),
)
BASE, HOME, CHECKPOINT = "base", "home", "checkpoint.json"
Told = Callable[[str, int], None]
Releases = Sequence[tuple[datetime, SetpointFile]]


def quiet(policy: str, rows: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One policy's run: what it is made of, and the folder it is kept in; None: nothing is kept."""

    policy: Policy
    file: SetpointFile
    table: pa.Table
    settings: Settings
    every: timedelta
    releases: Releases
    base: Path
    folder: Path | None


def replay_table(
    file: SetpointFile,
    recorded: pa.Table,
    settings: Settings,
    *,
    every: timedelta,
    policies: Sequence[str] = POLICIES,
    releases: Releases = (),
    out: Path | None = None,
    jobs: int = 1,
    progress: Told = quiet,
) -> Replayed:
    """Race policies over a recorded table, in homes of their own that are gone afterwards: no server, no wall clock.

    Parameters
    ----------
    policies : sequence of str
        Built-in names and paths of overlays; see `setpoint.loop.replay.policies`. `never` is always run.
    releases : sequence of (time, setpoint file)
        What people deployed by hand on the way.
    out : Path, optional
        Folder in which finished policies are kept: called again, only the others are run, from where they were.
    jobs : int
        How many policies run at once.
    progress : callable
        Told a policy and the number of requests it has replayed so far.

    Raises
    ------
    InvalidInput
        If a policy or the table does not fit, or what a policy would have come to cannot be known.
    Conflict
        If `out` holds another replay.
    """
    asked = policies_of(list(policies))
    table, named = as_traffic_table(recorded, file)
    start_of(table, named, every)  # what is missing is said before the long work
    with _folder(out) as folder:
        runs = [
            _Run(
                policy=policy,
                file=_columns_of(under(policy, file), named),
                table=table,
                settings=settings,
                every=every,
                releases=releases,
                base=folder / BASE,
                folder=None if out is None else folder / policy.name,
            )
            for policy in asked
        ]
        _claim(runs)
        left = [run for run in runs if run.folder is None or not finished(run.folder)]
        if any(not _own_version(run) for run in left):
            _make_base(replace(left[0], file=_columns_of(file, named)))
        ran = _in_turn(left, progress) if min(jobs, len(left)) < 2 else _at_once(left, jobs, progress)
        whole = {run.policy.name: ran.get(run.policy.name) or _found(run) for run in runs}
        shutil.rmtree(folder / BASE, ignore_errors=True)
        return raced(whole, file)


def _found(run: _Run) -> Ran:
    assert run.folder is not None  # only a run that was kept was not run again
    return found(run.folder)


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        yield out.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="setpoint-replay-") as folder:
        yield Path(folder)


def _columns_of(file: SetpointFile, named: SetpointFile) -> SetpointFile:
    """Return a setpoint file that names the columns as the table does."""
    return file.model_copy(update={"time": named.time, "id": named.id, "outcome_time": named.outcome_time})


def _claim(runs: Sequence[_Run]) -> None:
    kept = [run for run in runs if run.folder is not None]
    digest = digest_of(kept[0].table) if kept else ""
    for run in kept:
        assert run.folder is not None
        claim(run.folder, identity(run.file, run.policy, digest, run.every))


def _own_version(run: _Run) -> bool:
    """Whether a policy's first version is another one than that of setpoint.yaml."""
    return any(key in run.policy.overlay for key in MAKES_A_VERSION)


def _make_base(run: _Run) -> None:
    """Make the first version once: all policies begin with the same files."""
    if (run.base / HOME).is_dir():
        return
    making = run.base / "making"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    _wired(making, run)[0].deploy(run.file, by="replay")
    making.rename(run.base / HOME)


def _in_turn(runs: Sequence[_Run], progress: Told) -> dict[str, Ran]:
    return {run.policy.name: _run(run, progress) for run in runs}


_told: Any = None  # in a process of its own: the queue to the one that shows progress


def _listened(queue: Any) -> None:
    global _told
    _told = queue


def _run_apart(run: _Run) -> Ran:
    return _run(run, lambda policy, rows: _told.put((policy, rows)))


def _at_once(runs: Sequence[_Run], jobs: int, progress: Told) -> dict[str, Ran]:
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


def _run(run: _Run, progress: Told) -> Ran:
    """Run one policy, from where an earlier run of it was, and keep what came of it.

    Its arithmetic takes one core: what it does is too small to be shared, and other policies have the others.
    """
    with _home(run) as (home, checkpoints), threadpool_limits(1):
        operator, clock, log = _wired(home, run)
        if (before := checkpoints.load()) is not None:
            clear_after(before, home / "bundles", home / "jobs")
        _begin(operator, clock, run)
        traffic = traffic_of(run.table, run.file, operator.schema(run.file.model))
        ran = replay(
            operator,
            clock,
            log,
            run.file,
            traffic,
            every=run.every,
            policy=run.policy,
            releases=run.releases,
            checkpoints=checkpoints,
            progress=lambda rows: progress(run.policy.name, rows),
        )
        if run.folder is not None:
            keep(run.folder, ran)
    if run.folder is not None:
        shutil.rmtree(run.folder / HOME)
        (run.folder / CHECKPOINT).unlink(missing_ok=True)
    return ran


@contextmanager
def _home(run: _Run) -> Iterator[tuple[Path, Checkpoints]]:
    """Give a policy its home: that of its checkpoint where there is one, else a copy of the first one."""
    if run.folder is None:
        with tempfile.TemporaryDirectory(prefix="setpoint-replay-") as folder:
            yield _fresh(Path(folder) / HOME, run), Checkpoints()
        return
    file = run.folder / CHECKPOINT
    home = run.folder / HOME
    yield home if file.exists() and home.is_dir() else _fresh(home, run), Checkpoints(file)


def _fresh(home: Path, run: _Run) -> Path:
    shutil.rmtree(home, ignore_errors=True)
    if _own_version(run):
        home.mkdir(parents=True)
    else:
        shutil.copytree(run.base / HOME, home)
    return home


def _wired(home: Path, run: _Run) -> tuple[Operator, VirtualClock, MemoryRecordLog]:
    settings, clock, log = run.settings, VirtualClock(start_of(run.table, run.file, run.every)), MemoryRecordLog()
    bundles, keys = FolderBundleStore(home / "bundles"), HomeKeys(home, KEY)
    trainer = ProcessTrainer(
        bundles,
        home / "jobs",
        clock,
        keys,
        timeout_s=settings.job_timeout_s,
        memory_bytes=settings.job_memory,
        wait=True,
        timed=False,
    )
    ports = Ports(
        bundles=bundles,
        keys=keys,
        notifier=MemoryNotifier(),
        log=log,
        state=SqlStateStore("sqlite://"),
        platform=RecordedPlatform(),
        scorer=BundleScorer(bundles, settings.job_memory),
        trainer=trainer,
        jobs=home / "jobs",
        job_timeout_s=settings.job_timeout_s,
        job_memory=settings.job_memory,
        timed=False,
    )
    return Operator(ports=ports, clock=clock), clock, log


def _begin(operator: Operator, clock: VirtualClock, run: _Run) -> None:
    """Have the first version serve under the policy's file; one of its own is made first."""
    ports, model, file = operator.ports, run.file.model, run.file
    if not ports.bundles.versions(model):
        operator.deploy(file, by="replay")
        return
    version = ports.bundles.get(model, "v1")
    ports.log.open_model(model, version.schema, read_binning(ports.bundles.folder(model, version.version)))
    deployment = stated_by(first(file, version.version, clock.now(), "replay"), file)
    settle(ports, None, deployment)
