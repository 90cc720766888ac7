"""The record log after a kill, or on a full disk, at every call that changes a file.

A job (an ingestion, an erasure, ...) runs once undisturbed, which tells its steps; then on a fresh copy of its home for
each step, killed there, again at a random step of the next attempt, and at last to its end. By default some steps are
tried, one of each kind; `SETPOINT_FAULT_STEPS=all` tries all, which takes an hour.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ALL = os.environ.get("SETPOINT_FAULT_STEPS") == "all"
JOBS = Path(__file__).parent / "faults" / "jobs.py"
DATA = Path(__file__).parents[1] / "data"
NUMBER = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{6,}-[0-9a-f]{8}|\d+")
HALVES = ("write", "pwrite64")
FREEING = ("unlink", "rmdir", "ftruncate")  # a full disk does not refuse these

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(6 * 3600 if ALL else 120),
    pytest.mark.skipif(sys.platform != "linux", reason="faults are injected by Linux"),
]


@dataclass(frozen=True)
class Ran:
    """What became of a job."""

    ended: str
    result: Any
    calls: list[str] = field(repr=False)


class Warm:
    """A process that has everything imported and forks for each job."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._homes = 0

    def run(self, job: str, home: Path, *arguments: str, fault: dict[str, Any] | None = None) -> Ran:
        asked = {"job": job, "home": str(home), "arguments": arguments, "fault": fault}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        return Ran(**json.loads(self._process.stdout.readline()))

    def stop(self, job: str, home: Path, fault: dict[str, Any], *arguments: str) -> None:
        """Kill a job at a step, unless it happens to need fewer."""
        ran = self.run(job, home, *arguments, fault=fault)
        assert ran.ended == "killed" or len(ran.calls) < fault["at"], ran

    def do(self, job: str, home: Path, *arguments: str) -> Any:
        """Run a job undisturbed; return its result."""
        ran = self.run(job, home, *arguments)
        assert ran.ended == "done", ran.result[-1]
        return ran.result

    def home(self, like: Path | None = None) -> Path:
        """Return a new home, or a copy of one; times of files are kept."""
        shutil.rmtree(self._folder / f"{self._homes}", ignore_errors=True)
        self._homes += 1
        home = self._folder / f"{self._homes}"
        if like is None:
            home.mkdir()
        else:
            shutil.copytree(like, home)
        return home


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        [sys.executable, str(JOBS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        refused = json.loads(process.stdout.readline())
        if refused:
            pytest.skip(refused)
        yield Warm(process, tmp_path_factory.mktemp("homes"))
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def ready(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with rows in its tables and in its spool."""
    home = tmp_path_factory.mktemp("ready")
    warm.do("prepare", home)
    return home


def chosen(calls: list[str], at_most: int, *, full: bool = False) -> list[dict[str, Any]]:
    """Return faults to try: all, before each call and in the middle of each write, or one of each kind of call."""
    every = [
        {"at": at, "half": half, "full": full}
        for at, call in enumerate(calls, 1)
        if not (full and call.startswith(FREEING))
        for half in ((False, True) if call.startswith(HALVES) else (False,))
    ]
    if ALL:
        return every
    chance = random.Random(1)
    chance.shuffle(every)
    kinds = {(_kind(calls[f["at"] - 1]), f["half"]): f for f in every}
    return sorted(chance.sample([*kinds.values()], min(at_most, len(kinds))), key=lambda f: int(f["at"]))


def _kind(call: str) -> tuple[str, str]:
    """Return what is done, to which kind of file."""
    name, path = call.split(" ", 1)
    return name, NUMBER.sub("", Path(path).name)


def again(calls: list[str], fault: dict[str, Any]) -> dict[str, Any]:
    """Return a fault of the next attempt: a kill at any step of what is left."""
    left = max(1, len(calls) - fault["at"])
    return {"at": random.Random(str(fault)).randint(1, left), "half": True}


def different(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Return what is too much and what is missing, by name."""
    return {name: _apart(value, expected[name]) for name, value in found.items() if value != expected[name]}


def _apart(found: Any, expected: Any) -> Any:
    if not isinstance(found, list):
        return found, expected
    return [f for f in found if f not in expected or found.count(f) > 1], [e for e in expected if e not in found]


def until_there_is_room(calls: list[str]) -> list[str]:
    """Return the calls of a job during which its disk may be full."""
    return calls[1 : calls.index("unlink disk-has-room-again")]


def at(calls: list[str], fault: dict[str, Any], what: str) -> str:
    return f"{what} at step {fault['at']}{' (half)' * fault['half']} of {len(calls)}: {calls[fault['at'] - 1]}"


def test_the_prepared_home_is_ingested(warm: Warm, ready: Path) -> None:
    """What all the rest is compared with."""
    home = warm.home(ready)
    before = warm.do("seen", home)
    assert warm.do("ingest", home) == {"records": 20, "outcomes": 22, "torn_bytes": 112, "corrupt_frames": 1}
    state = warm.do("state", home)
    assert state["predictions"] == ["request-090", *(f"ride-{n:03}" for n in range(36) if n != 27)]
    told = [*range(30), 1, 2, 99]
    assert sorted(row[1] for row in state["told"]) == sorted(f"ride-{n:03}" for n in told)
    assert [row[1] for row in state["told"] if row[0] == "None"] == ["ride-027", "ride-099"]
    assert state["grains"] == [state["answered"]] * 3
    assert (state["profile"], state["repeated"], state["spool"]) == (state["answered"], [], [])
    assert [bytes.fromhex(held).count(b"ride") for held in state["quarantine"].values()] == [1, 1, 0]
    assert different(before, state) == {}


def test_an_ingestion_killed_at_any_step_twice_over_loses_and_doubles_nothing(warm: Warm, ready: Path) -> None:
    whole = warm.home(ready)
    calls = warm.run("ingest", whole).calls
    there = warm.do("seen", whole)
    warm.do("ingest_on", whole)
    after, wrong = warm.do("state", whole), []
    for fault in chosen(calls, 7):
        home = warm.home(ready)
        warm.stop("ingest", home, fault)
        seen = different(warm.do("seen", home), there)
        warm.run("ingest", home, fault=again(calls, fault))
        seen_again = different(warm.do("seen", home), there)
        warm.do("ingest_on", home)
        if found := seen or seen_again or different(warm.do("state", home), after):
            wrong.append((at(calls, fault, "killed"), found))
    assert not wrong, "\n".join(map(str, wrong))


def test_the_test_of_kills_can_fail(warm: Warm, ready: Path) -> None:
    """Without the cursors, a kill before the segments are deleted doubles their records."""
    calls = warm.run("ingest_without_cursors", warm.home(ready)).calls
    first = next(n for n, call in enumerate(calls, 1) if call.startswith("unlink spool"))
    home = warm.home(ready)
    warm.stop("ingest_without_cursors", home, {"at": first})
    warm.do("ingest_without_cursors", home)
    assert warm.do("state", home)["predictions"].count("ride-016") == 2


@pytest.fixture(scope="module")
def full(warm: Warm, ready: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with everything in its tables."""
    home = tmp_path_factory.mktemp("full") / "home"
    shutil.copytree(ready, home)
    warm.do("ingest", home)
    return home


def test_an_erasure_killed_at_any_step_leaves_nothing_of_its_subject(warm: Warm, full: Path) -> None:
    """It is finished by the next ingestion that is not killed, or it had not begun and can be asked for again."""
    before, whole = warm.do("state", full), warm.home(full)
    assert warm.do("traces", whole)
    calls = warm.run("erase", whole).calls
    after, receipts, wrong = warm.do("state", whole), warm.do("receipts", whole), []
    assert (warm.do("traces", whole), receipts[0]["rows"], receipts[0]["outcomes"]) == ([], 4, 4)
    for fault in chosen(calls, 6):
        home = warm.home(full)
        warm.stop("erase", home, fault)
        warm.run("ingest", home, fault=again(calls, fault))
        others = [row for row in warm.do("seen", home)["read"] if row in after["read"]]
        warm.do("ingest", home)
        found = {"others": others} if others != after["read"] else {}
        if not warm.do("receipts", home):
            found |= different(warm.do("state", home), before)
            warm.do("erase", home)
        found |= different(warm.do("state", home), after)
        last = {job: warm.do(job, home) for job in ("receipts", "traces", "litter")}
        if found := found | different(last, {"receipts": receipts, "traces": [], "litter": []}):
            wrong.append((at(calls, fault, "killed"), found))
    assert not wrong, "\n".join(map(str, wrong))


def test_an_expiry_killed_at_any_step_is_done_by_the_next(warm: Warm, full: Path) -> None:
    whole = warm.home(full)
    ran = warm.run("expire", whole)
    after, wrong = warm.do("state", whole), []
    assert (ran.result, len(after["read"])) == (24, 11)
    for fault in chosen(ran.calls, 4):
        home = warm.home(full)
        warm.stop("expire", home, fault)
        warm.run("expire", home, fault=again(ran.calls, fault))
        kept = [row for row in warm.do("seen", home)["read"] if row in after["read"]]
        warm.do("ingest", home)
        warm.do("expire", home)
        found = different({"kept": kept, **warm.do("state", home)}, {"kept": after["read"], **after})
        if found:
            wrong.append((at(ran.calls, fault, "killed"), found))
    assert not wrong, "\n".join(map(str, wrong))


def test_an_upgrade_killed_at_any_step_is_done_by_the_next(warm: Warm) -> None:
    old = warm.home()
    warm.do("unpack", old, str(DATA / "record_log_format_1.tar.gz"))
    kept = old.rename(old.with_name("old"))
    whole = warm.home(kept)
    calls = warm.run("upgrade", whole).calls
    seen, wrong = warm.do("seen", whole, "rental"), []
    warm.do("ingest", whole)
    after = warm.do("state", whole, "rental")
    for fault in chosen(calls, 5):
        home = warm.home(kept)
        warm.stop("upgrade", home, fault)
        warm.run("upgrade", home, fault=again(calls, fault))
        found = different(warm.do("seen", home, "rental"), seen)
        warm.do("ingest", home)
        if found := found or different(warm.do("state", home, "rental"), after):
            wrong.append((at(calls, fault, "killed"), found))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_writer_killed_at_any_step_keeps_what_it_acknowledged(warm: Warm, tmp_path: Path) -> None:
    """Each record that it was told about is there once; the one it was writing is there or not, and never damaged."""
    empty, acknowledged = warm.home().rename(tmp_path / "empty"), tmp_path / "acknowledged"
    warm.do("open_model", empty)
    calls, wrong = warm.run("append", warm.home(empty), str(acknowledged)).calls, []
    for fault in chosen(calls, 8):
        home = warm.home(empty)
        acknowledged.write_text("")
        warm.stop("append", home, fault, str(acknowledged))
        warm.run("ingest", home, fault=again(calls, fault))
        ingested = warm.do("ingest", home)
        state, count = warm.do("state", home), len(acknowledged.read_text().split())
        rows, told = ([f"ride-{n:03}" for n in range(n)] for n in (len(state["read"]), len(state["told"])))
        right = count <= len(told) <= len(rows) <= count + 1 and state["predictions"] == rows == state["read"]
        if not right or [row[1] for row in state["told"]] != told or state["spool"] or ingested["corrupt_frames"]:
            wrong.append((at(calls, fault, "killed"), count, state))
    assert not wrong, "\n".join(map(str, wrong))


def test_an_ingestion_on_a_full_disk_says_so_and_catches_up_when_there_is_room(warm: Warm, ready: Path) -> None:
    """The disk refuses from some step on; the same process goes on later, or is killed and another one does."""
    whole = warm.home(ready)
    ran = warm.run("ingest_through_full_disk", whole)
    calls, there = until_there_is_room(ran.calls), warm.do("seen", whole)
    warm.do("ingest_on", whole)
    after, wrong = warm.do("state", whole), []
    assert ran.result == []
    for fault in chosen(calls, 3, full=True):
        home = warm.home(ready)
        ran = warm.run("ingest_through_full_disk", home, fault=fault | {"at": fault["at"] + 1})
        if ran.ended != "done" or not ({"OSError", "SetpointError"} & {*ran.result} or ran.result == []):
            wrong.append((at(calls, fault, "full"), ran.result))
        warm.do("ingest_on", home)
        same = different(warm.do("state", home), after)
        home = warm.home(ready)
        warm.run("ingest", home, fault=fault)
        seen = different(warm.do("seen", home), there)
        warm.do("ingest_on", home)
        if found := same or seen or different(warm.do("state", home), after):
            wrong.append((at(calls, fault, "full"), found))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_writer_on_a_full_disk_refuses_and_goes_on_when_there_is_room(warm: Warm, tmp_path: Path) -> None:
    empty = warm.home().rename(tmp_path / "empty")
    warm.do("open_model", empty)
    calls, wrong = until_there_is_room(warm.run("append_through_full_disk", warm.home(empty)).calls), []
    for fault in chosen(calls, 4, full=True):
        home = warm.home(empty)
        ran = warm.run("append_through_full_disk", home, fault=fault | {"at": fault["at"] + 1})
        assert ran.ended == "done"
        assert ran.result["refused"] in (["Unusable"], [])
        ingested, state = warm.do("ingest", home), warm.do("state", home)
        kept = [f"ride-{n:03}" for n in ran.result["kept"]]
        if (state["predictions"], state["read"], state["spool"]) != (kept, kept, []) or ingested["corrupt_frames"]:
            wrong.append((at(calls, fault, "full"), kept, state))
    assert not wrong, "\n".join(map(str, wrong))
