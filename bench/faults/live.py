"""Faults of processes, planted into a running server and its workers, over HTTP: found, named, mended, and undone?

    python bench/faults/live.py [--only KIND...] [--seeds N]

A trial starts a server with one worker, has it answer usual requests, breaks it (`setpoint.faults.process`), asks on,
and has the loop look. `answered` is the share of the requests since the fault that were answered with 200, sent one
after the other, each once; `mended` that the requests that failed are answered afterwards (of a poisonous one: that it
is refused, and all others answered), and what the loop did is said to have helped or to hold.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from server import Server, wait

from setpoint.faults.process import flipped, hung, killed

MODULE = """
import os
import numpy as np

class Predictor:
    task = "binary"
    classes = ["no", "yes"]

    def predict(self, frame):
        if (frame["age"] == 66).any():
            os._exit(9)
        {bug}
        return 1 / (1 + np.exp((1000 - frame["balance"]) / 200 + (frame["age"] - 50) / 20))
"""
SECTION = """model: campaign
task: binary
artifact: model.py:Predictor
reference: reference.parquet
target: bought
id: call
objectives:
  - {metric: roc_auc, at_least: 0.6}
  - {metric: availability, at_least: 0.99}
envelope:
  automatic: [restart, rollback, fallback, isolate]
"""
BUGS = {"v1": "pass", "v2": 'assert not (frame["age"] > 90).any(), "nobody is so old"'}
# the cause and the remedies that are right
RIGHT: dict[str, tuple[str, tuple[str | None, ...]]] = {
    "crash": ("crash", ("restart",)),
    "hang": ("crash", ("restart",)),
    "poison": ("crash", ("isolate",)),
    "exception": ("exception", ("fallback", "rollback")),
    "disk": ("disk", (None, "wait")),
    "artefact": ("artefact", (None, "wait")),
}
USUAL, SINCE = 80, 60  # requests before the fault, and since
Well = Callable[[], bool]  # whether it is answered again as it should be


@dataclass(frozen=True)
class Lived:
    """What came of a trial."""

    live: str
    seed: int
    detected: bool
    top1: bool
    right: bool
    answered: float
    mended: bool
    seconds: float  # until requests are answered as before, of faults that end the worker


def calls(count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw requests; none is older than 80, or 66."""
    ages = np.setdiff1d(np.arange(18, 80), [66])
    return pd.DataFrame(
        {
            "age": rng.choice(ages, count),
            "balance": rng.normal(1000, 400, count).round(2),
            "call": [f"c{n}" for n in rng.integers(1 << 50, size=count)],
        }
    )


def homes(folder: Path) -> dict[str, Path]:
    """Deploy the model once, and with a second version that has a bug; return both homes."""
    rng = np.random.default_rng(0)
    rows, project = calls(400, rng), folder / "project"
    project.mkdir()
    liking = (rows["balance"] - 1000) / 200 - (rows["age"] - 50) / 20
    bought = np.where(liking + rng.logistic(size=len(rows)) > 0, "yes", "no")
    rows.assign(bought=bought).to_parquet(project / "reference.parquet", index=False)
    (project / "setpoint.yaml").write_text(SECTION)
    found: dict[str, Path] = {}
    for version, bug in BUGS.items():
        (project / "model.py").write_text(MODULE.format(bug=bug))
        server = Server(folder / version, like=found.get("v1"))
        server.run("deploy", project)
        found[version] = server.home
    return found


class Trial:
    """One server under one fault; counts what is answered."""

    def __init__(self, server: Server, seed: int) -> None:
        self.server, self.rng = server, np.random.default_rng([seed, 3])
        self.statuses: list[int] = []
        self.seconds = 0.0

    def ask(self, rows: pd.DataFrame) -> list[int]:
        """Ask row by row; 0 where there was no answer."""
        found = []
        for row in json.loads(rows.to_json(orient="records")):
            try:
                found.append(self.server.ask("POST", "/v1/models/campaign:predict", {"instances": [row]})[0])
            except OSError:
                found.append(0)
        self.statuses += found
        return found

    def usual(self, count: int) -> list[int]:
        """Ask some of the requests that there always are."""
        return self.ask(calls(count, self.rng))

    def well(self) -> bool:
        """Whether usual requests are answered."""
        return set(self.usual(10)) == {200}

    def pid(self) -> int:
        """Return the process of the worker."""
        found = self.server.pid()
        if found is None:
            raise RuntimeError("the worker is not ready")
        return found

    def until_another(self, pid: int) -> None:
        """Wait for the worker that comes after one."""
        self.seconds = wait(lambda: self.server.pid() not in (None, pid), "another worker")


@contextmanager
def crash(t: Trial) -> Iterator[Well]:
    pid = t.pid()
    killed(pid)
    t.until_another(pid)
    t.usual(SINCE)
    yield t.well


@contextmanager
def hang(t: Trial) -> Iterator[Well]:
    pid = t.pid()
    with hung(pid):
        t.until_another(pid)
    t.usual(SINCE)
    yield t.well


@contextmanager
def poison(t: Trial) -> Iterator[Well]:
    """One row ends whatever process answers it."""
    bad = calls(1, t.rng).assign(age=66)
    t.ask(bad)
    t.usual(SINCE - 1)
    yield lambda: t.ask(bad) == [422] and t.well()


@contextmanager
def exception(t: Trial) -> Iterator[Well]:
    """The second version fails on some rows."""
    old = calls(20, t.rng).assign(age=95)
    t.usual(SINCE - len(old))
    t.ask(old)
    yield lambda: t.ask(calls(10, t.rng).assign(age=95)) == [200] * 10 and t.well()


@contextmanager
def disk(t: Trial) -> Iterator[Well]:
    """The files of the worker may not grow any more: to it, that is a full disk."""
    pid = t.pid()
    wait(lambda: t.server.worker()["load"], "the counts of the worker")  # which have their files now
    (segment,) = (t.server.home / "spool" / "campaign").glob("*.seg")
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (segment.stat().st_size, before[1]))
    t.usual(SINCE)
    wait(lambda: (t.server.worker()["unwritten"] or {}).get("held") == SINCE, "the report of the worker")

    def well() -> bool:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        wait(lambda: t.server.worker()["unwritten"]["until"], "the writing")
        return t.well()

    yield well


@contextmanager
def artefact(t: Trial) -> Iterator[Well]:
    """A byte of the version before is another one: it is no way back any more, and the champion answers on."""
    folder = t.server.home / "bundles" / "campaign" / "v1"
    file = max((f for f in folder.iterdir() if f.is_file()), key=lambda f: f.stat().st_size)
    file.chmod(0o644)
    with flipped(file, file.stat().st_size // 2):
        t.usual(SINCE)
        yield t.well


FAULTS = {f.__name__: f for f in (crash, hang, poison, exception, disk, artefact)}
SHARES = ("detected", "top1", "right", "answered", "mended")
TWO = ("exception", "artefact")  # that take a version before


def run(kind: str, seed: int, homes: dict[str, Path], folder: Path) -> Lived:
    """Run one trial."""
    cause, remedies = RIGHT[kind]
    with Server(folder / f"{kind}-{seed}", like=homes["v2" if kind in TWO else "v1"]) as server:
        trial = Trial(server, seed)
        if set(trial.usual(USUAL)) != {200}:
            raise RuntimeError("usual requests were not answered before the fault")
        trial.statuses.clear()
        with FAULTS[kind](trial) as well:
            answered = float(np.mean(np.array(trial.statuses) == 200))
            incidents = server.look()
            named = [i for i in incidents if i["causes"] and i["causes"][0]["cause"] == cause]
            right = any(i["remedy"] in remedies for i in named)
            return Lived(kind, seed, bool(incidents), bool(named), right, answered, well(), trial.seconds)


def trials(asked: Sequence[tuple[str, int]]) -> Iterator[Lived]:
    """Run kinds with seeds."""
    if asked:
        with tempfile.TemporaryDirectory(prefix="live-") as folder:
            found = homes(Path(folder))
            for kind, seed in asked:
                yield run(kind, seed, found, Path(folder))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return a line a kind."""
    lines = [
        "\n== live processes\n",
        "| fault | trials | detected | top-1 | remedy | answered | mended | back, s |\n" + "|---" * 8 + "|",
    ]
    for kind in dict.fromkeys(r["live"] for r in rows):
        of = [r for r in rows if r["live"] == kind]
        shares = " | ".join(f"{np.mean([r[k] for r in of]):.2f}" for k in SHARES)
        lines.append(f"| {kind} | {len(of)} | {shares} | {np.median([r['seconds'] for r in of]):.1f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=list(FAULTS), choices=list(FAULTS))
    parser.add_argument("--seeds", type=int, default=1)
    args = parser.parse_args()
    began = time.perf_counter()
    print(table([asdict(lived) for lived in trials([(k, s) for s in range(args.seeds) for k in args.only])]))
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
