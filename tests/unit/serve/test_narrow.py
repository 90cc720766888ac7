"""A share that is confined to a part of the requests: by what they ask, or by who asks."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from setpoint.domain.live import Served
from setpoint.domain.slice import Only
from setpoint.errors import InvalidRequest
from setpoint.serve.asked import Asked
from setpoint.serve.asking import predict
from setpoint.serve.metrics import Metrics
from setpoint.serve.plane import DataPlane
from setpoint.serve.table import Table, route_of


def asked(make, only, rows, *, caller="me", decode=None):
    """Ask with a key that draws the challenger; return what is recorded: version, role and status."""
    whole = make.table(challenger=make.line(add=1_000)).route("demand")
    served = Served(champion="v1", shares={"v3": 0.5}, only=only)
    route = route_of(served, whole.champion.loaded, None, [whole.challengers["v3"].loaded])
    key = next(k for k in map(str, range(99)) if whole.pick(k).version == "v3")
    call = SimpleNamespace(request_id="r", caller=caller, arrived_us=1, started_ns=time.perf_counter_ns(),
                           deadline_ns=lambda: 0, routing_key=lambda: key)  # fmt: skip
    tape = make.tape()

    async def run():
        plane = DataPlane(tape, Metrics())
        plane.table = Table(1, {"demand": route})
        outcome = asyncio.get_running_loop().create_future()
        predict(plane, route, None, call, decode or (lambda form: Asked(form.lists(rows), id="r")), outcome.set_result)
        await plane.drain()

    asyncio.run(run())
    ((record),) = tape.records
    return record.version, str(record.role), record.status, call.answers


HOT, COLD = [30, 1, True, 1], [5, 1, True, 1]
CHALLENGED, KEPT = ("v3", "challenger", 200, "v3"), ("v1", "champion", 200, "v1")


@pytest.mark.parametrize(
    ("only", "rows", "caller", "expected"),
    [
        (None, [COLD], "me", CHALLENGED),
        (Only(segment={"temp": (30.0, 40.0)}), [HOT], "me", CHALLENGED),
        (Only(segment={"temp": (30.0, 40.0)}), [COLD], "me", KEPT),
        (Only(segment={"temp": (30.0, 40.0)}), [HOT, COLD], "me", KEPT),  # a request has one answer
        (Only(segment={"temp": (30.0,), "holiday": (True,)}), [HOT], "me", CHALLENGED),
        (Only(segment={"temp": (30.0,), "holiday": (False,)}), [HOT], "me", KEPT),
        (Only(callers=("me", "you")), [COLD], "me", CHALLENGED),
        (Only(callers=("you",)), [COLD], "me", KEPT),
        (Only(callers=("me",), segment={"temp": (30.0,)}), [COLD], "me", KEPT),
    ],
)
def test_a_challenger_answers_the_requests_that_are_meant(make, only, rows, caller, expected):
    assert asked(make, only, rows, caller=caller) == expected


def test_what_cannot_be_read_is_the_champions_where_only_a_segment_is_meant(make):
    def refuse(form):
        raise InvalidRequest("it does not fit", ("shape:row",))

    only = Only(segment={"temp": (30.0,)})
    assert asked(make, only, [], decode=refuse) == ("v1", "champion", 422, "v1")
