"""Wire a race of policies over recorded traffic: each in a home of its own, kept where a folder is given."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa

from setpoint.bootstrap.racing import at_once, in_turn
from setpoint.bootstrap.riding import PolicyRun, Releases, Told, make_base, own_version
from setpoint.config import SetpointFile, Settings
from setpoint.loop.replay import POLICIES, Replayed, as_traffic_table, start_of
from setpoint.loop.replay.kept import claim, digest_of, finished, found, identity
from setpoint.loop.replay.policies import policies_of, under
from setpoint.loop.replay.race import raced
from setpoint.loop.replay.run import Ran

BASE = "base"


def quiet(policy: str, rows: int) -> None:
    """Tell nobody."""


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
            PolicyRun(
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
        if any(not own_version(run) for run in left):
            make_base(replace(left[0], file=_columns_of(file, named)))
        ran = in_turn(left, progress) if min(jobs, len(left)) < 2 else at_once(left, jobs, progress)
        whole = {run.policy.name: ran.get(run.policy.name) or _found(run) for run in runs}
        shutil.rmtree(folder / BASE, ignore_errors=True)
        return raced(whole, file)


def _found(run: PolicyRun) -> Ran:
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


def _claim(runs: Sequence[PolicyRun]) -> None:
    kept = [run for run in runs if run.folder is not None]
    digest = digest_of(kept[0].table) if kept else ""
    for run in kept:
        assert run.folder is not None
        claim(run.folder, identity(run.file, run.policy, digest, run.every))
