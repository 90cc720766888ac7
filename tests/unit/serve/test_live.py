"""Following live.json: swaps, refusals, and what is served when a bundle is no good."""

import asyncio
import json
import os
import threading

import pytest

from setpoint.domain.feature_map import FeatureMap, Levels
from setpoint.domain.keys import keys_of, new_key
from setpoint.domain.live import Live, Served, WorkerStatus
from setpoint.domain.schema import Handling
from setpoint.domain.value import from_json, to_json
from setpoint.errors import Corrupt, NotReady
from setpoint.serve.live import LiveFollower
from setpoint.serve.metrics import Metrics
from setpoint.serve.plane import DataPlane


class Shelf:
    """A bundle store of versions that say whether they are whole."""

    def __init__(self, make):
        self.make, self.corrupt, self.loads = make, set(), []

    def folder(self, model, version):
        if version in self.corrupt:
            raise Corrupt(f"model.onnx of {model} {version} differs from its digest")
        return version

    def get(self, model, version):
        return self.make.version(self.make.schema(), version, model)

    def load(self, folder, version):
        self.loads.append(version.version)
        if version.version == "v-broken":
            raise RuntimeError("no such operator")
        return self.make.line(add=float(version.version[1:]) / 16)


@pytest.fixture
def worker(make, tmp_path):
    """A follower with its plane, its shelf, and a way to write live.json and look."""

    class Worker:
        def __init__(self, index=0):
            (tmp_path / "workers").mkdir(exist_ok=True)
            self.shelf, self.file = Shelf(make), tmp_path / "live.json"
            self.plane = DataPlane(make.tape(), Metrics())
            self.status_file = tmp_path / "workers" / f"{index}.json"
            self.follower = LiveFollower(
                self.plane, self.shelf, self.shelf.load, file=self.file, status_file=self.status_file
            )

        def write(self, generation, **models):
            live = Live(generation=generation, models={m: Served(**s) for m, s in models.items()})
            new = self.file.with_suffix(".new")
            new.write_bytes(to_json(live))
            new.replace(self.file)

        def serve(self, generation, **models):
            self.write(generation, **models)
            return self.look()

        def look(self):
            asyncio.run(self.follower.look())
            return from_json(self.status_file.read_bytes(), WorkerStatus)

        @property
        def versions(self):
            return {m: route.versions for m, route in self.plane.table.routes.items()}

    return Worker


def test_it_serves_what_live_json_says_and_reports_it(worker):
    w = worker()
    status = w.serve(3, demand={"champion": "v1", "shadow": "v2"})
    assert w.versions == {"demand": ("v1", "v2")}
    assert (status.pid, status.generation, status.ready, status.refused) == (os.getpid(), 3, True, {})
    assert status.versions == {"demand": Served(champion="v1", shadow="v2")}


def test_what_cannot_be_recorded_as_it_must_be_is_not_served(worker, make, monkeypatch):
    w = worker()
    schema = make.schema(sensitive_id=Handling.HASH)
    monkeypatch.setattr(w.shelf, "get", lambda model, version: make.version(schema, version, model))
    status = w.serve(1, demand={"champion": "v1"})
    assert w.versions == {}
    assert "no key to record them with: set SETPOINT_KEY" in status.refused["demand/v1"].reason
    w.follower._keys = lambda: keys_of(new_key())
    w.serve(2, demand={"champion": "v1"})
    assert w.versions == {"demand": ("v1",)}
    assert w.plane.table.guarded


def test_a_version_that_stays_is_not_loaded_again(worker):
    w = worker()
    w.serve(1, demand={"champion": "v1", "shadow": "v2"}, other={"champion": "v1"})
    w.serve(2, demand={"champion": "v2"}, other={"champion": "v1"})
    assert w.shelf.loads == ["v1", "v2", "v1"]
    w.serve(3, demand={"champion": "v1"})
    assert w.shelf.loads == ["v1", "v2", "v1", "v1"]
    assert w.versions == {"demand": ("v1",)}


def test_a_corrupt_bundle_is_refused_and_the_last_good_one_stays(worker):
    w = worker()
    w.serve(1, demand={"champion": "v1"})
    w.shelf.corrupt.add("v2")
    status = w.serve(2, demand={"champion": "v2"})
    assert w.versions == {"demand": ("v1",)}
    assert status.generation == 2
    assert status.versions == {"demand": Served(champion="v1")}
    assert status.refused["demand/v2"].kind == "Corrupt"
    assert status.refused["demand/v2"].reason == "model.onnx of demand v2 differs from its digest"
    assert w.plane.table.notes == ["demand/v2 was refused: model.onnx of demand v2 differs from its digest"]


def test_a_bundle_that_does_not_load_is_refused_with_its_error(worker):
    w = worker()
    w.serve(1, demand={"champion": "v1"})
    status = w.serve(2, demand={"champion": "v-broken"})
    assert status.refused["demand/v-broken"].reason == "RuntimeError: no such operator"
    assert w.versions == {"demand": ("v1",)}


def test_a_refused_shadow_leaves_the_champion_alone(worker):
    w = worker()
    w.shelf.corrupt.add("v9")
    status = w.serve(1, demand={"champion": "v1", "shadow": "v9"})
    assert w.versions == {"demand": ("v1",)}
    assert list(status.refused) == ["demand/v9"]


def test_a_repair_that_does_not_fit_is_refused_and_the_last_good_stays(worker):
    w = worker()
    w.serve(1, demand={"champion": "v1"})
    wrong = FeatureMap(id="m", feature="temp", levels=Levels(expected={"a": "b"}))
    status = w.serve(2, demand={"champion": "v1", "maps": (wrong,)})
    assert "'temp' holds numbers, which have no levels" in status.refused["demand/v1"].reason
    assert w.plane.table.route("demand").champion.maps == ()


def test_a_map_for_an_unknown_feature_is_refused(worker):
    w = worker()
    w.serve(1, demand={"champion": "v1"})
    status = w.serve(2, demand={"champion": "v1", "maps": (FeatureMap(id="m", feature="x", scale=1, offset=0),)})
    assert status.refused["demand/v1"].reason == "a repair does not fit demand v1: 'x' is no feature"
    assert w.plane.table.route("demand").champion.maps == ()


def test_with_nothing_good_the_model_is_not_ready_and_says_why(worker):
    w = worker()
    w.shelf.corrupt.add("v1")
    w.serve(1, demand={"champion": "v1"})
    assert not w.plane.table.complete
    with pytest.raises(NotReady, match=r"model 'demand' is not ready: model.onnx of demand v1 differs from its digest"):
        w.plane.table.route("demand")


def test_a_worker_started_anew_serves_the_last_good_version_another_one_reports(worker):
    first = worker(0)
    first.serve(1, demand={"champion": "v1"})
    first.shelf.corrupt.add("v2")
    first.serve(2, demand={"champion": "v2"})
    second = worker(1)
    second.shelf.corrupt.add("v2")
    status = second.look()
    assert second.versions == {"demand": ("v1",)}
    assert list(status.refused) == ["demand/v2"]


def test_a_damaged_live_json_changes_nothing(worker):
    w = worker()
    w.serve(1, demand={"champion": "v1"})
    w.file.write_bytes(b'{"generation": 2, "models"')
    w.look()
    assert w.versions == {"demand": ("v1",)}
    assert "cannot be read" in w.plane.table.notes[0]


def test_without_live_json_it_is_ready_and_serves_nothing(worker):
    w = worker()
    status = w.look()
    assert (status.ready, w.plane.table.complete, w.versions) == (True, True, {})


def test_a_status_that_cannot_be_written_still_shows_that_the_worker_lives(worker):
    w = worker()
    w.serve(1, demand={"champion": "v1"})
    os.utime(w.status_file, (1, 1))
    w.status_file.with_suffix(".new").mkdir()  # in the way of the next report
    w.follower.report()
    assert w.status_file.stat().st_mtime > 1
    assert json.loads(w.status_file.read_bytes())["generation"] == 1


def test_challengers_are_loaded_and_reported_with_their_shares(worker):
    w = worker()
    status = w.serve(1, demand={"champion": "v1", "shadow": "v3", "shares": {"v2": 0.1}})
    assert w.versions == {"demand": ("v1", "v2", "v3")}
    assert status.versions == {"demand": Served(champion="v1", shadow="v3", shares={"v2": 0.1})}
    assert w.serve(2, demand={"champion": "v1", "shares": {"v2": 0.5}}).versions["demand"].shares == {"v2": 0.5}
    assert w.shelf.loads == ["v1", "v3", "v2"]


def test_a_refused_challenger_leaves_its_share_to_the_champion_until_it_can_be_loaded(worker):
    w = worker()
    w.shelf.corrupt.add("v2")
    status = w.serve(1, demand={"champion": "v1", "shares": {"v2": 0.9, "v3": 0.05}})
    assert w.versions == {"demand": ("v1", "v3")}
    assert status.versions == {"demand": Served(champion="v1", shares={"v3": 0.05})}
    assert list(status.refused) == ["demand/v2"]
    answered = [w.plane.table.route("demand").pick(str(i)).version for i in range(1_000)]
    assert 900 < answered.count("v1") < 1_000
    w.shelf.corrupt.clear()
    status = w.serve(2, demand={"champion": "v1", "shares": {"v2": 0.9, "v3": 0.05}})
    assert (w.versions, status.refused) == ({"demand": ("v1", "v2", "v3")}, {})


def test_shares_that_cannot_be_change_nothing(worker):
    w = worker()
    w.serve(1, demand={"champion": "v1"})
    w.file.write_bytes(b'{"generation": 2, "models": {"demand": {"champion": "v1", "shares": {"v2": 1.5}}}}')
    w.look()
    assert w.versions == {"demand": ("v1",)}
    assert "the share v2 150% is none" in w.plane.table.notes[0]


def test_the_version_one_would_go_back_to_stays_loaded_and_is_not_asked(worker):
    w = worker()
    w.serve(1, demand={"champion": "v1"})
    w.serve(2, demand={"champion": "v2", "standby": "v1"})
    asyncio.run(w.follower.stand_by())
    assert w.versions == {"demand": ("v2",)}
    assert from_json(w.status_file.read_bytes(), WorkerStatus).standby == {"demand": "v1"}
    w.serve(3, demand={"champion": "v1", "standby": "v2"})
    assert w.shelf.loads == ["v1", "v2"]


def test_a_worker_started_anew_answers_before_it_loads_the_standby_and_without_one_that_is_damaged(worker):
    w = worker()
    w.shelf.corrupt.add("v1")
    status = w.serve(2, demand={"champion": "v2", "standby": "v1"})
    assert (w.shelf.loads, status.ready, status.refused) == (["v2"], True, {})
    asyncio.run(w.follower.stand_by())
    assert w.versions == {"demand": ("v2",)}
    assert from_json(w.status_file.read_bytes(), WorkerStatus).standby == {}
    w.shelf.corrupt.clear()
    w.serve(3, demand={"champion": "v2", "standby": "v1"})
    asyncio.run(w.follower.stand_by())
    assert w.shelf.loads == ["v2", "v1"]


def test_a_roll_back_does_not_wait_for_another_version_that_is_being_loaded(worker, monkeypatch):
    """And what was asked for before it is not served when it is loaded at last."""
    w = worker()
    w.serve(1, demand={"champion": "v2", "standby": "v1"})
    asyncio.run(w.follower.stand_by())
    began, go_on, load = threading.Event(), threading.Event(), w.shelf.load

    def slow(folder, version):
        began.set()
        assert go_on.wait(10)
        return load(folder, version)

    monkeypatch.setattr(w.follower, "_load", slow)
    w.write(2, demand={"champion": "v2", "standby": "v1", "shadow": "v3"})

    async def while_it_loads():
        looking = asyncio.create_task(w.follower.look())
        await asyncio.to_thread(began.wait, 10)
        w.write(3, demand={"champion": "v1", "standby": "v2"})
        for _ in range(2_000):
            if w.versions == {"demand": ("v1",)}:
                break
            await asyncio.sleep(0.005)
        assert w.versions == {"demand": ("v1",)}
        go_on.set()
        await looking

    asyncio.run(asyncio.wait_for(while_it_loads(), 20))
    assert w.versions == {"demand": ("v1",)}
    assert from_json(w.status_file.read_bytes(), WorkerStatus).generation == 3


def test_a_worker_in_which_a_run_hangs_falls_silent(worker, monkeypatch):
    one = worker()

    async def beating(stuck):
        monkeypatch.setattr(DataPlane, "stuck", stuck)
        one.status_file.unlink(missing_ok=True)
        task = asyncio.create_task(one.follower.beat())
        await asyncio.sleep(0.05)
        task.cancel()
        return one.status_file.exists()

    assert asyncio.run(beating(False))
    assert not asyncio.run(beating(True))
