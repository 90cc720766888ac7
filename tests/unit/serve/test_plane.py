"""Batching, recording and shadows, without HTTP."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.record import Outcome
from setpoint.errors import DeadlineExceeded, ModelFailed, NotReady, Overloaded, SetpointError
from setpoint.serve import admission
from setpoint.serve.flights import Flights
from setpoint.serve.form import Form
from setpoint.serve.metrics import Metrics
from setpoint.serve.pace import LOOP_S
from setpoint.serve.plane import DataPlane

ROW = [20.5, 7, True, None]


def a_plane(table, tape, **options):
    plane = DataPlane(tape, Metrics(), **options)
    plane.table = table
    return plane


def ask(plane, rows, request_id="r", model="demand", version=None, **more):
    target = plane.table.route(model).target(version)
    more = {"started_ns": time.perf_counter_ns(), **more}
    answer, done = awaited()
    plane.admit(target, more["started_ns"], more.get("deadline_ns", 0))
    plane.ask(target, target.form.lists(rows), request_id, caller="10.0.0.1", arrived_us=5, done=done, **more)
    return answer


def awaited():
    """Return a future, and what puts an answer into it."""
    answer = asyncio.get_running_loop().create_future()

    def done(found):
        if not answer.cancelled():
            answer.set_exception(found) if isinstance(found, Exception) else answer.set_result(found)

    return answer, done


async def warm(plane, model="demand"):
    """Let the plane learn that a model is fast, however slow this machine just was: then it runs in the event loop."""
    await ask(plane, [ROW], "warm", model)
    pace = plane.table.route(model).champion.loaded.pace
    for rows in [2**size for size in range(11)] * 30:
        pace.add(rows, rows * 1e-6)


def alone(make, rows):
    """What the model says to these rows and to no others."""
    form = Form(make.schema())
    return make.line().predict(form.stack([form.lists(rows)]))["prediction"].tolist()


def test_a_tick_is_one_run_and_one_append(make):
    model, tape = make.line(), make.tape()

    async def run():
        plane = a_plane(make.table(model), tape)
        await warm(plane)
        return await asyncio.gather(*(ask(plane, [[i, 1, False, None]], f"r{i}") for i in range(20)))

    found = asyncio.run(run())
    assert [a["prediction"] for a in found] == [alone(make, [[i, 1, False, None]]) for i in range(20)]
    assert (model.calls, tape.appends) == ([1, 20], 2)
    assert [r.request_id for r in tape.records[1:]] == [f"r{i}" for i in range(20)]


cells = st.tuples(st.floats(-50, 50), st.integers(0, 23), st.booleans(), st.none() | st.floats(0, 9))


@given(
    st.lists(st.lists(cells.map(list), min_size=1, max_size=14), min_size=1, max_size=12),
    st.integers(1, 9),
    st.booleans(),
)
def test_batched_answers_are_the_single_ones_and_no_run_exceeds_the_limit(make, requests, batch_rows, known):
    """However requests meet in a tick and however they are cut, each caller gets the answers to its own rows."""
    tape, model, shadow = make.tape(), make.line(), make.line()

    async def run():
        plane = a_plane(make.table(model, shadow), tape, batch_rows=batch_rows)
        if known:
            await warm(plane)
        found = await asyncio.gather(*(ask(plane, rows, f"r{i}") for i, rows in enumerate(requests)))
        await plane.drain(30)
        return found

    found = asyncio.run(run())
    assert [a["prediction"] for a in found] == [alone(make, rows) for rows in requests]
    assert max(model.calls + shadow.calls) <= batch_rows
    for role in ("champion", "shadow"):
        by_id = {r.request_id: r for r in tape.records if r.role == role}
        assert sum(r.role == role for r in tape.records) == len(by_id) == len(requests) + known
        for i, rows in enumerate(requests):
            record = by_id[f"r{i}"]
            assert record.outputs == found[i]
            assert list(map(list, zip(*record.inputs.values(), strict=True))) == rows


@pytest.fixture
def patient(monkeypatch):
    """Requests wait for 5 s instead of half a one: a thread of a busy machine may stand still for longer than that."""
    monkeypatch.setattr(admission, "WAIT_S", 5.0)


def test_small_requests_are_answered_between_the_parts_of_a_large_one(make, patient):
    model, tape = make.line(), make.tape()

    async def run():
        plane = a_plane(make.table(model), tape, batch_rows=4)
        await warm(plane)
        large = ask(plane, [ROW] * 400, "large")
        small = 0
        while not large.done():
            await ask(plane, [ROW])
            small += 1
        assert (await large)["prediction"] == alone(make, [ROW]) * 400
        return small

    assert asyncio.run(run()) > 10
    assert max(model.calls) <= 4


def test_a_large_request_fails_as_a_whole_and_says_which_row(make):
    tape = make.tape()

    async def run():
        plane = a_plane(make.table(make.fragile()), tape, batch_rows=4)
        rows = [[t, 1, True, 1] for t in (1, 2, 3, 4, 5, 45, 7, 8, 9)]
        return await asyncio.gather(ask(plane, rows), return_exceptions=True)

    (failed,) = asyncio.run(run())
    assert str(failed) == "demand v1 answered prediction = nan for row 5"
    assert [(r.status, len(r.ids), r.outputs) for r in tape.records] == [(500, 9, {})]


def test_nobody_is_answered_before_the_record_is_written(make):
    tape, seen = make.tape(), []

    async def run():
        plane = a_plane(make.table(), tape)
        append, future = tape.append, ask(plane, [ROW])
        tape.append = lambda records: (seen.append(future.done()), append(records))
        await future

    asyncio.run(run())
    assert seen == [False]


def test_a_record_says_who_asked_what_and_when(make):
    tape = make.tape()
    maps = [FeatureMap(id="m1", feature="temp", scale=2.0, offset=1.0)]

    async def run():
        plane = a_plane(make.table(maps=maps), tape)
        return await ask(plane, [ROW, [1, 2, False, 3]], "r1")

    answer = asyncio.run(run())
    (record,) = tape.records
    assert (record.request_id, record.model, record.version, record.role) == ("r1", "demand", "v1", "champion")
    assert (record.status, record.caller, record.arrived_us, record.maps) == (200, "10.0.0.1", 5, ["m1"])
    assert (record.ids, record.times_us, record.latency_us > 0) == (["r1/0", "r1/1"], [5, 5], True)
    assert record.inputs == {"temp": [20.5, 1], "hour": [7, 2], "holiday": [True, False], "wind": [None, 3]}
    assert record.outputs == answer
    assert answer["prediction"] == alone(make, [[42.0, 7, True, None], [3.0, 2, False, 3]])


def test_only_the_request_with_nan_fails(make):
    tape = make.tape()

    async def run():
        plane = a_plane(make.table(make.fragile()), tape)
        rows = ([ROW], [[1, 1, True, 1], [45, 1, True, 1]], [ROW])
        return await asyncio.gather(*(ask(plane, r) for r in rows), return_exceptions=True)

    first, failed, last = asyncio.run(run())
    assert first == last == {"prediction": alone(make, [ROW])}
    assert isinstance(failed, ModelFailed)
    assert str(failed) == "demand v1 answered prediction = nan for row 1"
    assert [(r.status, r.violations, bool(r.outputs), bool(r.inputs)) for r in tape.records] == [
        (200, [], True, True),
        (500, ["model_error"], False, True),
        (200, [], True, True),
    ]


def test_only_the_request_that_raises_fails(make):
    tape = make.tape()

    async def run():
        plane = a_plane(make.table(make.fragile()), tape)
        return await asyncio.gather(*(ask(plane, [[t, 1, True, 1]]) for t in (1, 60, 2)), return_exceptions=True)

    first, failed, last = asyncio.run(run())
    assert (first["prediction"], last["prediction"]) == (alone(make, [[1, 1, True, 1]]), alone(make, [[2, 1, True, 1]]))
    assert str(failed) == "demand v1 failed: ZeroDivisionError: too hot"
    assert [r.status for r in tape.records] == [200, 500, 200]


def test_a_defect_of_the_recorder_leaves_nobody_waiting(make):
    tape, reported = make.tape(), []
    tape.append = lambda records: 1 / 0

    async def run():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
        plane = a_plane(make.table(), tape)
        return await asyncio.gather(ask(plane, [ROW]), ask(plane, [ROW]), return_exceptions=True)

    found = asyncio.run(run())
    assert [type(f) for f in found] == [SetpointError, SetpointError]
    assert isinstance(reported[0], ZeroDivisionError)


def test_a_full_disk_holds_records_and_writes_them_later_in_order(make):
    tape = make.tape()

    async def run():
        plane = a_plane(make.table(), tape, held=3)
        tape.refusing = True
        for i in range(3):
            await ask(plane, [ROW], f"r{i}")
        assert (plane.recorder.held, tape.records) == (3, [])
        assert plane.recorder.note == (
            "records cannot be written ([Errno 28] No space left on device); 3 of at most 3 held in memory"
        )
        with pytest.raises(NotReady, match=r"No space left on device.*3 of at most 3 held in memory; try again later"):
            ask(plane, [ROW], "r3")
        plane.sample()
        assert b"setpoint_recorder_backlog 3.0" in plane.metrics.text()
        tape.refusing = False
        plane.recorder.retry(now=True)
        await ask(plane, [ROW], "r4")
        assert (plane.recorder.held, plane.recorder.note) == (0, None)

    asyncio.run(run())
    assert [r.request_id for r in tape.records] == ["r0", "r1", "r2", "r4"]


def test_a_record_that_cannot_be_written_does_not_stop_the_others(make):
    tape = make.tape()

    async def run():
        plane = a_plane(make.table(), tape)
        await warm(plane)
        tape.refusing = True
        await ask(plane, [ROW], "bad")
        tape.refusing, append = False, tape.append
        tape.append = lambda records: append(records) if records[0].request_id != "bad" else int("no number")
        with pytest.raises(ValueError, match="no number"):
            plane.recorder.retry(now=True)
        await ask(plane, [ROW], "good")
        assert (plane.recorder.held, plane.recorder.note) == (0, None)

    asyncio.run(run())
    assert [r.request_id for r in tape.records[1:]] == ["good"]


def test_outcomes_on_a_full_disk_are_refused_not_held(make):
    tape = make.tape()
    tape.refusing = True
    plane = a_plane(make.table(), tape)
    with pytest.raises(OSError, match="No space left"):
        plane.record_outcomes("demand", [Outcome("r0", 1.0, 5)])


def test_a_shadow_is_asked_the_same_rows_and_never_waited_for(make):
    tape, shadow = make.tape(), make.blocked()

    async def run():
        plane = a_plane(make.table(shadow=shadow), tape)
        answer = await ask(plane, [ROW], "r1")  # while the shadow stands still
        assert answer["prediction"] == alone(make, [ROW])
        await asyncio.to_thread(shadow.entered.wait, 30)
        assert [r.role for r in tape.records] == ["champion"]
        shadow.go.set()
        await plane.drain(30)

    asyncio.run(run())
    champion, shadowed = tape.records
    assert (shadowed.role, shadowed.version, shadowed.status) == ("shadow", "v2", 200)
    assert (shadowed.request_id, shadowed.ids, shadowed.inputs) == (champion.request_id, champion.ids, champion.inputs)
    assert shadowed.outputs == champion.outputs


def test_what_a_shadow_was_asked_when_the_worker_ended_is_recorded_by_the_next_one_as_the_shadows(make, tmp_path):
    shadow = make.blocked()

    async def run():
        plane = a_plane(make.table(shadow=shadow), make.tape(), flights=Flights(tmp_path))
        await ask(plane, [ROW], "r1")
        await asyncio.to_thread(shadow.entered.wait, 30)
        tape = make.tape()
        after = a_plane(make.table(shadow=make.line()), tape, flights=Flights(tmp_path))  # the worker that comes after
        assert not after.recalled
        after.recall()
        assert after.recalled
        shadow.go.set()
        await plane.drain(30)
        return tape.records

    (lost,) = asyncio.run(run())
    assert (lost.role, lost.version, lost.status, lost.violations) == ("shadow", "v2", 502, ["worker_ended"])
    assert (lost.request_id, list(map(list, zip(*lost.inputs.values(), strict=True)))) == ("r1", [ROW])


def test_a_shadow_is_not_asked_what_a_challenger_answers(make):
    tape = make.tape()

    async def run():
        plane = a_plane(make.table(shadow=make.line(), challenger=make.line()), tape)
        await ask(plane, [ROW], version="v3")
        await ask(plane, [ROW])
        await plane.drain(30)

    asyncio.run(run())
    assert [(r.role, r.version) for r in tape.records] == [("challenger", "v3"), ("champion", "v1"), ("shadow", "v2")]


def test_a_shadow_record_that_cannot_be_written_does_not_stop_the_next(make):
    tape, failures = make.tape(), []

    async def run():
        asyncio.get_running_loop().set_exception_handler(lambda _, said: failures.append(said))
        plane = a_plane(make.table(shadow=make.line()), tape)
        record = plane.shadows._record
        plane.shadows._record = lambda records: int("no number") if not failures else record(records)
        await ask(plane, [ROW], "r1")
        await plane.shadows.drain(30)
        await ask(plane, [ROW], "r2")
        await plane.shadows.drain(30)

    asyncio.run(run())
    assert [(r.request_id, r.role) for r in tape.records] == [("r1", "champion"), ("r2", "champion"), ("r2", "shadow")]


def test_a_failing_shadow_is_recorded_and_harms_nobody(make):
    tape = make.tape()

    async def run():
        plane = a_plane(make.table(shadow=make.fragile()), tape)
        found = await asyncio.gather(*(ask(plane, [[t, 1, True, 1]]) for t in (1, 60, 45)))
        await plane.drain(30)
        return found

    assert len(asyncio.run(run())) == 3
    shadows = [r for r in tape.records if r.role == "shadow"]
    assert [(r.status, r.violations) for r in shadows] == [(200, []), (500, ["model_error"]), (500, ["model_error"])]


def test_a_full_shadow_queue_drops_and_counts(make):
    tape, shadow = make.tape(), make.blocked()

    async def run():
        plane = a_plane(make.table(shadow=shadow), tape)
        plane.shadows._bound = 5
        for _ in range(8):
            await ask(plane, [ROW])
        assert plane.shadows.dropped == 3
        plane.sample()
        assert b"setpoint_shadow_dropped_total 3.0" in plane.metrics.text()
        shadow.go.set()
        await plane.drain(30)

    asyncio.run(run())
    assert [r.role for r in tape.records].count("shadow") == 5


def test_a_version_can_be_asked_by_name(make):
    tape = make.tape()

    async def run():
        plane = a_plane(make.table(shadow=make.line(add=1)), tape)
        return [(await ask(plane, [ROW], version=v))["prediction"] for v in ("v1", "v2")]

    one, two = asyncio.run(run())
    assert two == [one[0] + 1]
    assert ("v2", "shadow") in [(r.version, r.role) for r in tape.records]


def test_refused_requests_do_not_wait_for_a_tick_each(make):
    tape = make.tape()

    async def run():
        plane = a_plane(make.table(), tape)  # nothing is known of the model
        target = plane.table.route("demand").champion
        said = {"status": 422, "violations": (), "caller": "", "arrived_us": 5, "started_ns": time.perf_counter_ns()}
        for i in range(100):
            plane.refuse(target, f"r{i}", **said, done=lambda _: None)
        await plane.drain()

    asyncio.run(run())
    assert (len(tape.records), tape.appends) == (100, 1)


def test_refused_requests_are_recorded_without_inputs(make):
    tape = make.tape()

    async def run():
        plane = a_plane(make.table(), tape)
        await warm(plane)
        target = plane.table.route("demand").champion
        refused, done = awaited()
        good = ask(plane, [ROW], "good")
        said = {"status": 422, "violations": ("type:temp",), "caller": "", "arrived_us": 5, "started_ns": 0}
        plane.refuse(target, "bad", **said, done=done)
        await asyncio.gather(good, refused)

    asyncio.run(run())
    good, bad = sorted(tape.records[1:], key=lambda r: r.status)
    assert tape.appends == 2
    assert (good.status, bad.status, bad.violations) == (200, 422, ["type:temp"])
    assert (bad.inputs, bad.outputs, bad.ids) == ({}, {}, [])


@pytest.mark.parametrize("known", [False, True])
def test_a_request_whose_deadline_is_over_is_recorded_and_not_run(make, known):
    tape, model = make.tape(), make.line()

    async def run():
        plane = a_plane(make.table(model), tape)
        if known:
            await warm(plane)
        now = time.perf_counter_ns()
        late = ask(plane, [ROW], "late", started_ns=now, deadline_ns=now + 1)
        return await asyncio.gather(late, ask(plane, [ROW], "good"), return_exceptions=True)

    late, good = asyncio.run(run())
    assert isinstance(late, DeadlineExceeded)
    assert str(late).startswith("not run: it waited ")
    assert good["prediction"] == alone(make, [ROW])
    assert model.calls == [1] * (1 + known)
    by_id = {r.request_id: r for r in tape.records}
    assert (by_id["late"].status, by_id["late"].violations, by_id["late"].ids) == (504, ["deadline"], [])
    assert by_id["good"].status == 200


def test_a_small_request_is_not_refused_for_a_large_one_that_takes_turns_with_it(make, patient):
    model = make.blocked()

    async def run():
        plane = a_plane(make.table(model), make.tape(), batch_rows=4)
        pace = plane.table.route("demand").champion.loaded.pace
        for rows in (1, 2, 4):
            pace.add(rows, 0.02 * rows)
        first = ask(plane, [ROW])
        await asyncio.to_thread(model.entered.wait, 30)
        large = ask(plane, [ROW] * 400)
        with pytest.raises(Overloaded, match=r"401 rows of 2 requests .* take 8.* s"):
            ask(plane, [ROW] * 400)
        small = ask(plane, [ROW])
        model.go.set()
        return await asyncio.gather(first, small, large)

    assert [len(answer["prediction"]) for answer in asyncio.run(run())] == [1, 1, 400]


def test_beyond_what_can_wait_a_busy_version_refuses(make):
    tape, model = make.tape(), make.blocked()

    async def run():
        plane = a_plane(make.table(model), tape)
        pace = plane.table.route("demand").champion.loaded.pace
        for rows in (1, 2, 4):
            pace.add(rows, 0.4 * rows)
        first = ask(plane, [ROW])
        await asyncio.to_thread(model.entered.wait, 30)
        waiting = [ask(plane, [ROW]), ask(plane, [ROW])]
        with pytest.raises(
            Overloaded, match=r"overloaded: 3 rows of 3 requests are before this one and take 1\.\d s; "
        ):
            ask(plane, [ROW])
        with pytest.raises(Overloaded, match=r"an answer would take .* s, and 0.\d+ s are left"):
            ask(plane, [ROW], deadline_ns=time.perf_counter_ns() + 200_000_000)
        patient = ask(plane, [ROW], deadline_ns=time.perf_counter_ns() + 30_000_000_000)
        model.go.set()
        return await asyncio.gather(first, *waiting, patient)

    assert len(asyncio.run(run())) == len(tape.records) == 4


@pytest.mark.parametrize("beside", [False, True], ids=["tick", "lane"])
def test_runs_and_what_waited_for_them_are_counted(make, beside):
    async def run():
        plane = a_plane(make.table(), make.tape(), batch_rows=4)
        if not beside:
            await warm(plane)
            plane.sample()
        now = time.perf_counter_ns()
        await asyncio.gather(*(ask(plane, [ROW] * 2, started_ns=now - 200_000_000) for _ in range(4)))
        plane.sample()
        return dict(line.rsplit(" ", 1) for line in plane.metrics.text().decode().splitlines() if line[0] != "#")

    found = asyncio.run(run())
    labels = 'model="demand",version="v1"'
    first = 0 if beside else 1  # the one that was known before
    assert float(found[f"setpoint_batch_rows_sum{{{labels}}}"]) == 8 + first
    assert float(found[f"setpoint_batch_rows_count{{{labels}}}"]) >= 2 + first
    assert float(found[f'setpoint_queue_seconds_bucket{{le="0.1",{labels}}}']) == first
    assert float(found[f"setpoint_queue_seconds_count{{{labels}}}"]) == 4 + first
    assert 0 < float(found[f"setpoint_run_seconds_sum{{{labels}}}"]) < 0.2


def four_fit(pace):
    """Make a tick have the time for four rows."""
    for rows in [2**size for size in range(11)] * 100:
        pace.add(rows, rows * LOOP_S / 4)


def test_more_is_refused_while_the_oldest_has_waited_for_too_long(make):
    async def run():
        plane = a_plane(make.table(), make.tape())
        await warm(plane)
        four_fit(plane.table.route("demand").champion.loaded.pace)
        crowd = [ask(plane, [ROW], started_ns=1) for _ in range(100)]
        crowd.append(ask(plane, [ROW], started_ns=1_500_000_000))  # a loop that stood still is no crowd
        for _ in range(3):  # the first tick
            await asyncio.sleep(0)
        with pytest.raises(Overloaded, match=r"requests are before this one and take 1\.5 s"):
            ask(plane, [ROW], started_ns=1_500_000_000)
        await asyncio.gather(*crowd)
        await ask(plane, [ROW], started_ns=1_500_000_000)

    asyncio.run(run())


def test_what_a_tick_has_no_time_for_is_first_in_the_next_one(make):
    model, tape = make.line(), make.tape()

    async def run():
        plane = a_plane(make.table(model), tape)
        await warm(plane)
        four_fit(plane.table.route("demand").champion.loaded.pace)
        waiting = [ask(plane, [ROW], f"r{i}") for i in range(10)]
        await waiting[0]
        await asyncio.gather(*waiting, ask(plane, [ROW], "r10"))

    asyncio.run(run())
    assert [r.request_id for r in tape.records[1:]] == [f"r{i}" for i in range(11)]
    assert model.calls[:2] == [1, 4]


def test_a_version_in_demand_leaves_others_their_part_of_a_tick(make):
    tape, crowded = make.tape(), make.line()

    async def run():
        plane = a_plane(make.table(crowded), tape)
        plane.table = type(plane.table)(1, {**plane.table.routes, **make.table(name="other").routes}, complete=True)
        for model in ("demand", "other"):
            await warm(plane, model)
            four_fit(plane.table.route(model).champion.loaded.pace)
        crowd = [ask(plane, [ROW]) for _ in range(50)]
        await asyncio.gather(*crowd, ask(plane, [ROW], model="other"))

    asyncio.run(run())
    assert crowded.calls[1] == 2
    assert [r.model for r in tape.records[2:5]] == ["demand", "demand", "other"]


def test_drain_waits_for_the_runs_under_way(make):
    tape, model = make.tape(), make.blocked()

    async def run():
        plane = a_plane(make.table(model), tape)
        answer = ask(plane, [ROW])
        await asyncio.to_thread(model.entered.wait, 30)
        asyncio.get_running_loop().call_later(0.05, model.go.set)
        await plane.drain(30)
        assert answer.done()

    asyncio.run(run())
    assert len(tape.records) == 1


def test_a_model_that_fails_quickly_does_not_pass_for_a_fast_one(make):
    async def run():
        plane = a_plane(make.table(make.fragile()), make.tape())
        with pytest.raises(ModelFailed):
            await ask(plane, [[60, 1, True, 1]])
        return plane.table.route("demand").champion.loaded.pace.quick

    assert asyncio.run(run()) == 0


def test_a_slow_model_does_not_delay_a_fast_one(make):
    tape, slow = make.tape(), make.blocked()

    async def run():
        plane = a_plane(make.table(), tape)
        other = make.table(slow, name="other").routes
        plane.table = type(plane.table)(1, {**plane.table.routes, **other}, complete=True)
        waiting = ask(plane, [ROW], "slow", model="other")
        for _ in range(20):
            await ask(plane, [ROW])
        assert not waiting.done()
        slow.go.set()
        await waiting

    asyncio.run(run())
    assert [r.model for r in tape.records] == ["demand"] * 20 + ["other"]


def test_a_run_that_hangs_in_this_process_is_told_from_one_that_waits_for_another(make, monkeypatch):
    async def run(model, runtime):
        monkeypatch.setattr("setpoint.serve.lane.HANGS_S", 60.0)
        plane = a_plane(make.table(model), make.tape())
        object.__setattr__(plane.table.routes["demand"].champion.loaded.version, "runtime", runtime)
        waiting = ask(plane, [ROW])
        await asyncio.sleep(0.01)
        before = plane.stuck
        monkeypatch.setattr("setpoint.serve.lane.HANGS_S", 0.0)
        after = plane.stuck
        model.go.set()
        await waiting
        return before, after, plane.stuck

    assert asyncio.run(run(make.blocked(), "onnxruntime")) == (False, True, False)
    assert asyncio.run(run(make.blocked(), "native")) == (False, False, False)
