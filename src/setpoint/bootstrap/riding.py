"""One policy's replay: its home, what is wired in it, and its run from where an earlier one was."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
from threadpoolctl import threadpool_limits

from setpoint.config import SetpointFile, Settings
from setpoint.loop.changes import settle
from setpoint.loop.clock import VirtualClock
from setpoint.loop.learning.training import ProcessTrainer
from setpoint.loop.looks.scoring import BundleScorer
from setpoint.loop.ports import Ports
from setpoint.loop.release import read_binning
from setpoint.loop.replay import RecordedPlatform, replay, start_of, traffic_of
from setpoint.loop.replay.checkpoint import Checkpoints, clear_after
from setpoint.loop.replay.kept import keep
from setpoint.loop.replay.policies import Policy
from setpoint.loop.replay.run import Ran
from setpoint.loop.verbs import deploying
from setpoint.loop.verbs.operator import Operator
from setpoint.loop.verbs.stated import first
from setpoint.loop.verbs.stated import under as stated_by
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
HOME, CHECKPOINT = "home", "checkpoint.json"
Told = Callable[[str, int], None]
Releases = Sequence[tuple[datetime, SetpointFile]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRun:
    """One policy's run: what it is made of, and the folder it is kept in; None: nothing is kept."""

    policy: Policy
    file: SetpointFile
    table: pa.Table
    settings: Settings
    every: timedelta
    releases: Releases
    base: Path
    folder: Path | None


def own_version(run: PolicyRun) -> bool:
    """Whether a policy's first version is another one than that of setpoint.yaml."""
    return any(key in run.policy.overlay for key in MAKES_A_VERSION)


def make_base(run: PolicyRun) -> None:
    """Make the first version once: all policies begin with the same files."""
    if (run.base / HOME).is_dir():
        return
    making = run.base / "making"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    deploying.deploy(_wired(making, run)[0], run.file, by="replay")
    making.rename(run.base / HOME)


def run_policy(run: PolicyRun, progress: Told) -> Ran:
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
def _home(run: PolicyRun) -> Iterator[tuple[Path, Checkpoints]]:
    """Give a policy its home: that of its checkpoint where there is one, else a copy of the first one."""
    if run.folder is None:
        with tempfile.TemporaryDirectory(prefix="setpoint-replay-") as folder:
            yield _fresh(Path(folder) / HOME, run), Checkpoints()
        return
    file = run.folder / CHECKPOINT
    home = run.folder / HOME
    yield home if file.exists() and home.is_dir() else _fresh(home, run), Checkpoints(file)


def _fresh(home: Path, run: PolicyRun) -> Path:
    shutil.rmtree(home, ignore_errors=True)
    if own_version(run):
        home.mkdir(parents=True)
    else:
        shutil.copytree(run.base / HOME, home)
    return home


def _wired(home: Path, run: PolicyRun) -> tuple[Operator, VirtualClock, MemoryRecordLog]:
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


def _begin(operator: Operator, clock: VirtualClock, run: PolicyRun) -> None:
    """Have the first version serve under the policy's file; one of its own is made first."""
    ports, model, file = operator.ports, run.file.model, run.file
    if not ports.bundles.versions(model):
        deploying.deploy(operator, file, by="replay")
        return
    version = ports.bundles.get(model, "v1")
    ports.log.open_model(model, version.schema, read_binning(ports.bundles.folder(model, version.version)))
    deployment = stated_by(first(file, version.version, clock.now(), "replay"), file)
    settle(ports, None, deployment)
