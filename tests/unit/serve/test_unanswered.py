"""While versions share requests, one that hangs or refuses leaves records of it; else nothing is recorded of that."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from setpoint.domain.record import OVERDUE_US
from setpoint.errors import Overloaded
from setpoint.serve import asking
from setpoint.serve.asked import Asked
from setpoint.serve.metrics import Metrics
from setpoint.serve.plane import DataPlane
from setpoint.serve.unanswered import REFUSALS_PER_S, Allowance

ROW = [20.5, 7, True, None]
SECOND = 1_000_000_000


def records_of_a_run(make, *, shared, looks=2, version="v3"):
    """Have a version hang; look at what waits while it does, and let it answer then. Return what was recorded."""
    tape, model = make.tape(), make.blocked()
    of_both = {"challenger": model} if version == "v3" else {"model": model, "challenger": make.line()}
    table = make.table(**of_both) if shared else make.table(model)

    async def run():
        plane = DataPlane(tape, Metrics())
        plane.table = table
        target = table.route("demand").target(version if shared else "v1")
        answer = asyncio.get_running_loop().create_future()
        rows, long_ago = target.form.lists([ROW]), time.perf_counter_ns() - OVERDUE_US * 1_000
        plane.ask(target, rows, "r", caller="me", arrived_us=5, started_ns=long_ago, done=answer.set_result)
        await asyncio.to_thread(model.entered.wait, 30)
        for _ in range(looks):
            plane.sample()
        model.go.set()
        await answer
        await plane.drain()

    asyncio.run(run())
    return [(r.version, str(r.role), r.status, r.violations, r.ids, bool(r.inputs)) for r in tape.records]


OVERDUE = ("v3", "challenger", 504, ["deadline"], ["r"], True)
ANSWERED = ("v3", "challenger", 200, [], ["r"], True)


@pytest.mark.parametrize("looks", [0, 1, 2])
def test_a_request_that_is_not_answered_in_time_is_recorded_once_and_its_answer_all_the_same(make, looks):
    assert records_of_a_run(make, shared=True, looks=looks) == [OVERDUE, ANSWERED]


def test_the_champion_is_treated_alike(make):
    assert [r[:3] for r in records_of_a_run(make, shared=True, version="v1")] == [
        ("v1", "champion", 504),
        ("v1", "champion", 200),
    ]


def test_where_no_version_shares_the_requests_only_the_answer_is_recorded(make):
    assert [r[2] for r in records_of_a_run(make, shared=False)] == [200]


def test_a_failure_after_that_is_no_second_one(make):
    tape, model = make.tape(), make.fragile()

    async def run():
        plane = DataPlane(tape, Metrics())
        plane.table = make.table(challenger=model)
        target = plane.table.route("demand").target("v3")
        answer = asyncio.get_running_loop().create_future()
        long_ago = time.perf_counter_ns() - OVERDUE_US * 1_000
        rows = target.form.lists([[60.0, 7, True, None]])
        plane.ask(target, rows, "r", caller="me", arrived_us=5, started_ns=long_ago, done=answer.set_result)
        await answer

    asyncio.run(run())
    assert [(r.status, r.violations) for r in tape.records] == [(504, ["deadline"])]


def refused(make, monkeypatch, table, times, *, version=None):
    """Ask a plane that takes nothing more; return what is recorded."""
    tape = make.tape()

    async def run():
        plane = DataPlane(tape, Metrics())
        plane.table, route = table, table.route("demand")

        def admit(*_):
            raise Overloaded("too much", 1)

        monkeypatch.setattr(plane, "admit", admit)
        for at in range(times):
            call = SimpleNamespace(request_id=f"r{at}", caller="me", arrived_us=1, started_ns=time.perf_counter_ns(),
                                   deadline_ns=lambda: 0, routing_key=lambda at=at: str(at))  # fmt: skip
            with pytest.raises(Overloaded):
                asking.predict(plane, route, version, call, lambda form: Asked(form.lists([ROW])), print)
        await asyncio.sleep(0)

    asyncio.run(run())
    return tape.records


def test_a_refusal_is_recorded_for_whoever_was_drawn(make, monkeypatch):
    records = refused(make, monkeypatch, make.table(challenger=make.line()), 20)
    assert {(r.version, str(r.role), r.status, tuple(r.violations)) for r in records} == {
        ("v1", "champion", 429, ("overload",)),
        ("v3", "challenger", 429, ("overload",)),
    }
    assert len(records) == 20


def test_no_refusal_is_recorded_where_nothing_was_drawn(make, monkeypatch):
    assert refused(make, monkeypatch, make.table(), 5) == []
    assert refused(make, monkeypatch, make.table(challenger=make.line()), 5, version="v3") == []


def test_a_flood_of_refusals_does_not_fill_the_disk():
    allowance = Allowance()
    assert sum(allowance.take(SECOND + at) for at in range(1_000)) == REFUSALS_PER_S
    assert allowance.take(2 * SECOND)
