"""What is being asked is noted where it outlives the worker, and crossed out when the run is over."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from setpoint.serve import flights
from setpoint.serve.flights import NONE, Flights, works_of
from setpoint.serve.form import Rows


def a_target(runtime="onnxruntime", guard=None):
    version = SimpleNamespace(runtime=runtime)
    return SimpleNamespace(model="demand", version="v1", guard=guard, loaded=SimpleNamespace(version=version))


def asked(id_, x):
    rows = Rows(1, [[x], ["clear"]], None, [5])
    return SimpleNamespace(request_id=id_, caller="eve", arrived_us=7), rows


def left(folder):
    return [(f.model, f.version, [(a.request_id, a.columns) for a in f.asked]) for f in Flights(folder).left]


def test_a_run_that_never_ended_is_found_by_the_worker_that_comes_after(tmp_path):
    notes = Flights(tmp_path)
    over, open_ = notes.begin(a_target(), [asked("a", 1.0)]), notes.begin(a_target(), [asked("b", 2.0)])
    assert over != open_
    notes.end(over)
    assert left(tmp_path) == [("demand", "v1", [("b", [[2.0], ["clear"]])])]
    assert left(tmp_path) == []  # it is told once


def test_notes_are_used_again_and_hold_the_last_run_alone(tmp_path):
    notes = Flights(tmp_path)
    for x in range(50):
        notes.end(notes.begin(a_target(), [asked("long", float(x)) for _ in range(9)]))
    notes.begin(a_target(), [asked("last", 3.0)])
    assert left(tmp_path) == [("demand", "v1", [("last", [[3.0], ["clear"]])])]


def test_runs_beside_each_other_have_pages_of_their_own(tmp_path):
    notes = Flights(tmp_path)

    def runs(_):
        return [notes.begin(a_target(), [asked("a", 1.0)]) for _ in range(4)]

    with ThreadPoolExecutor(4) as threads:
        taken = [slot for slots in threads.map(runs, range(4)) for slot in slots]
    assert sorted(taken) == list(range(16))
    assert len(left(tmp_path)) == 16


def test_nothing_of_a_run_that_ended_stays(tmp_path):
    notes = Flights(tmp_path)
    notes.end(notes.begin(a_target(), [asked("her-name", 1.0)]))
    assert not any(b"her-name" in file.read_bytes() for file in tmp_path.iterdir())


def test_what_is_sensitive_is_noted_in_memory_alone(tmp_path, monkeypatch):
    assert Flights(tmp_path).begin(a_target(guard="keys"), [asked("a", 1.0)]) == NONE
    monkeypatch.setattr(flights, "MEMORY", tmp_path.resolve())
    assert Flights(tmp_path / "notes").begin(a_target(guard="keys"), [asked("a", 1.0)]) != NONE


def test_what_cannot_end_the_worker_or_is_too_large_is_not_noted(tmp_path, monkeypatch):
    notes = Flights(tmp_path)
    assert notes.begin(a_target("native"), [asked("a", 1.0)]) == NONE
    monkeypatch.setattr(flights, "LARGEST", 64)
    assert notes.begin(a_target(), [asked("a" * 64, 1.0)]) == NONE
    notes.end(NONE)
    assert left(tmp_path) == []


def test_memory_that_is_full_is_no_reason_to_answer_nothing(tmp_path):
    notes = Flights(tmp_path / "notes")
    (tmp_path / "notes").rmdir()
    assert notes.begin(a_target(), [asked("a", 1.0)]) == NONE


def test_what_was_left_becomes_requests_as_they_came(tmp_path):
    Flights(tmp_path).begin(a_target(), [asked("a", 1.0)])
    (flight,) = Flights(tmp_path).left
    ((work, gone),) = works_of(flight, a_target())
    assert (work.request_id, work.caller, work.arrived_us, work.rows.times_us) == ("a", "eve", 7, [5])
    assert "the worker ended" in str(gone)
