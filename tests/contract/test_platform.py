"""What every platform promises; the local one keeps it with and without workers."""

import os
import threading
import time

import pytest

from setpoint.domain.live import Live, Refusal, Served, WorkerStatus
from setpoint.domain.record import ProcessEvent
from setpoint.domain.value import from_json, to_json
from setpoint.errors import Conflict, Corrupt, Unsafe, Unusable
from setpoint.platforms.files import HomeFiles
from setpoint.platforms.local import LocalPlatform


class PlatformContract:
    """Subclass it, give a `platform` fixture and a `reopen` that opens the same one again; these then run."""

    def test_nothing_is_served_at_first(self, platform):
        assert platform.live() == Live()
        assert platform.events() == []

    def test_what_was_applied_is_live_for_everyone(self, platform, reopen):
        live = platform.live().having("demand", Served(champion="v1", shadow="v2"))
        platform.apply(live)
        assert platform.live() == reopen().live() == live

    def test_applying_twice_is_applying_once(self, platform):
        live = platform.live().having("demand", Served(champion="v1"))
        platform.apply(live)
        platform.apply(live)
        assert platform.live() == live

    def test_models_are_served_side_by_side_and_generations_grow(self, platform):
        platform.apply(platform.live().having("demand", Served(champion="v1")))
        platform.apply(platform.live().having("risk", Served(champion="v3")))
        assert platform.live().generation == 2
        assert set(platform.live().models) == {"demand", "risk"}

    def test_what_was_decided_without_a_change_that_came_between_is_refused(self, platform, reopen):
        known = platform.live()
        reopen().apply(known.having("demand", Served(champion="v1")))
        with pytest.raises(Conflict, match="somebody else has changed what is served"):
            platform.apply(known.having("demand", Served(champion="v2")))
        assert platform.live().models == {"demand": Served(champion="v1")}


class TestWithoutWorkers(PlatformContract):
    @pytest.fixture
    def reopen(self, tmp_path):
        return lambda: LocalPlatform(tmp_path / "home", timeout_s=1.0)

    @pytest.fixture
    def platform(self, reopen):
        return reopen()


class Follower(threading.Thread):
    """What a worker does as its platform sees it: follows live.json, and reports."""

    def __init__(self, files, index=0):
        super().__init__()
        self.files, self.index, self.stop, self.refuse, self.slow = files, index, threading.Event(), {}, False
        files.workers.mkdir(parents=True, exist_ok=True)
        self.report()

    def report(self):
        live = self.files.read_live()
        asked = {f"{m}/{s.champion}" for m, s in live.models.items()}
        refused = {name: refusal for name, refusal in self.refuse.items() if name in asked}
        generation = 0 if self.slow else live.generation
        status = WorkerStatus(pid=os.getpid(), generation=generation, refused=refused, ready=True, beat=time.time())
        new = self.files.workers / f"{self.index}.new"
        new.write_bytes(to_json(status))
        new.replace(new.with_suffix(".json"))

    def run(self):
        while not self.stop.wait(0.01):
            self.report()


class TestWithWorkers(PlatformContract):
    @pytest.fixture
    def files(self, tmp_path):
        return HomeFiles(tmp_path / "home")

    @pytest.fixture
    def workers(self, files):
        workers = [Follower(files, i) for i in range(2)]
        for worker in workers:
            worker.start()
        yield workers
        for worker in workers:
            worker.stop.set()
            worker.join()

    @pytest.fixture
    def reopen(self, files, workers):
        return lambda: LocalPlatform(files.home, timeout_s=1.0)

    @pytest.fixture
    def platform(self, reopen):
        return reopen()

    def test_apply_returns_when_every_worker_has_it(self, platform, files):
        platform.apply(platform.live().having("demand", Served(champion="v1")))
        assert [status.generation for status in files.reports().values()] == [1, 1]

    @pytest.mark.parametrize(("kind", "error"), [("Corrupt", Corrupt), ("Unsafe", Unsafe), ("RuntimeError", Unusable)])
    def test_a_refusal_is_raised_and_what_was_served_is_served_again(self, platform, workers, kind, error):
        platform.apply(platform.live().having("demand", Served(champion="v1")))
        workers[1].refuse = {"demand/v2": Refusal(kind=kind, reason="no good")}
        with pytest.raises(error, match="worker 1 refused demand/v2: no good; what was served before is served again"):
            platform.apply(platform.live().having("demand", Served(champion="v2")))
        assert platform.live() == Live(generation=3, models={"demand": Served(champion="v1")})

    def test_a_worker_that_does_not_follow_is_named(self, platform, workers):
        workers[0].slow = True
        with pytest.raises(Unusable, match=r"worker 0 \(pid \d+\) did not follow to generation 1 within 1 s"):
            platform.apply(platform.live().having("demand", Served(champion="v1")))

    def test_a_dead_or_silent_worker_is_not_waited_for(self, platform, workers, files):
        workers[0].stop.set()
        workers[0].join()
        os.utime(files.workers / "0.json", (1, 1))
        platform.apply(platform.live().having("demand", Served(champion="v1")))
        assert list(files.reports()) == [1]


def test_a_version_is_held_when_every_worker_has_it_loaded(tmp_path):
    files = HomeFiles(tmp_path)
    files.workers.mkdir(parents=True)
    assert not LocalPlatform(tmp_path).holds("demand", "v1")
    for worker, standby in ((0, {"demand": "v1"}), (1, {})):
        (files.workers / f"{worker}.json").write_bytes(to_json(WorkerStatus(pid=os.getpid(), standby=standby)))
    assert not LocalPlatform(tmp_path).holds("demand", "v1")
    (files.workers / "1.json").unlink()
    assert LocalPlatform(tmp_path).holds("demand", "v1")


def test_a_damaged_live_json_is_said(tmp_path):
    (tmp_path / "live.json").write_text("{")
    with pytest.raises(Corrupt, match=r"live.json is damaged: .*; remove it and deploy again"):
        LocalPlatform(tmp_path).live()


def test_events_come_back_and_a_line_under_way_waits(tmp_path):
    files, text = HomeFiles(tmp_path), '{"id":"a","at":"2024-01-01T00:00:00Z","kind":"crash","worker":0}'
    files.run.mkdir()
    event = from_json(text, ProcessEvent)
    files.add_event(event)
    with files.events.open("a") as file:
        file.write("damaged\n" + text[:20])
    assert LocalPlatform(tmp_path).events() == [event]


def test_live_json_is_whole_whenever_it_is_read(tmp_path):
    """Readers meet the old or the new one, never a part."""
    platform, seen, done = LocalPlatform(tmp_path), [], threading.Event()
    platform.apply(Live(generation=0))

    def read():
        while not done.is_set():
            seen.append(platform.live().generation)

    reader = threading.Thread(target=read)
    reader.start()
    for generation in range(1, 100):
        platform.apply(Live(generation=generation, models={f"m{i}": Served(champion="v1") for i in range(50)}))
    done.set()
    reader.join()
    assert seen == sorted(seen)
