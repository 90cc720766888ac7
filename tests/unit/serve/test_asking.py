import asyncio
import time
from types import SimpleNamespace

import pytest

from setpoint.errors import DeadlineExceeded, InvalidRequest
from setpoint.serve.asked import Asked
from setpoint.serve.asking import predict
from setpoint.serve.metrics import Metrics
from setpoint.serve.plane import DataPlane


def asked_for(make, decode, deadline_ns=0):
    """Predict with a decoder; return the outcome and what was recorded."""
    tape = make.tape()
    now = time.perf_counter_ns()
    call = SimpleNamespace(
        request_id="outer", caller="me", arrived_us=1, started_ns=now, deadline_ns=lambda: deadline_ns
    )
    call.routing_key = lambda: "outer"

    async def run():
        plane = DataPlane(tape, Metrics())
        plane.table = make.table()
        outcome = asyncio.get_running_loop().create_future()
        predict(plane, plane.table.route("demand"), None, call, decode, outcome.set_result)
        await plane.drain()
        return await outcome

    return asyncio.run(run()), [(r.request_id, r.status, r.violations) for r in tape.records]


def one_row(form):
    return Asked(form.lists([[45, 1, True, 1]]), id="inner")


@pytest.mark.parametrize(("deadline_ns", "status"), [(0, 200), (1, 504)])
def test_the_id_of_the_body_is_recorded_and_the_deadline_is_kept(make, deadline_ns, status):
    outcome, records = asked_for(make, one_row, deadline_ns)
    assert isinstance(outcome, DeadlineExceeded) == (status == 504)
    assert records == [("inner", status, ["deadline"] if status == 504 else [])]


def test_what_does_not_fit_is_recorded_too(make):
    def refuse(form):
        raise InvalidRequest("it does not fit", ("shape:row",))

    outcome, records = asked_for(make, refuse)
    assert isinstance(outcome, InvalidRequest)
    assert records == [("outer", 422, ["shape:row"])]
