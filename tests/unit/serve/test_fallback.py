"""A part of the rows is answered by an earlier version, at the door."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from setpoint.domain.baseline import Baseline
from setpoint.domain.live import Served
from setpoint.domain.schema import DType
from setpoint.domain.value import replace
from setpoint.domain.within import Fallback, Within
from setpoint.errors import InvalidInput
from setpoint.serve.asked import Asked
from setpoint.serve.asking import predict
from setpoint.serve.form import Form
from setpoint.serve.metrics import Metrics
from setpoint.serve.plane import DataPlane
from setpoint.serve.table import Loaded, Table, route_of

HOT, COLD = [45, 1, True, 1], [5, 1, True, 1]
HEAT = Fallback(id="i-fallback", version="v0", instead_of="v1", within=Within(feature="temp", low=40.0))

STATED = replace(HEAT, version="baseline", baseline=Baseline(constant=7.0))


def asked(make, rows, *, version=None, fallbacks=(HEAT,), loaded=True):
    """Ask a champion that fails above 40 degrees; return what is recorded."""
    champion, earlier = (
        Loaded(make.version(make.schema(), name), model, Form(make.schema()))
        for name, model in (("v1", make.fragile()), ("v0", make.line()))
    )
    served = Served(champion="v1", fallbacks=fallbacks)
    route = route_of(served, champion, None, (), {"v0": earlier} if loaded else {})
    call = SimpleNamespace(request_id="r", caller="me", arrived_us=1, started_ns=time.perf_counter_ns(),
                           deadline_ns=lambda: 0, routing_key=lambda: "k")  # fmt: skip
    tape = make.tape()

    async def run():
        plane = DataPlane(tape, Metrics())
        plane.table = Table(1, {"demand": route})
        outcome = asyncio.get_running_loop().create_future()
        predict(plane, route, version, call, lambda form: Asked(form.lists(rows), id="r"), outcome.set_result)
        await plane.drain()

    asyncio.run(run())
    ((record),) = tape.records
    return record.version, str(record.role), record.status, record.maps, call.answers


BY_V0, BY_V1 = ("v0", "champion", 200, ["i-fallback"], "v0"), ("v1", "champion", 200, [], "v1")


@pytest.mark.parametrize(
    ("rows", "more", "expected"),
    [
        ([HOT], {}, BY_V0),
        ([COLD], {}, BY_V1),
        ([COLD, HOT], {}, BY_V0),  # a request has one answer, and the champion has none for all of it
        ([HOT], {"version": "v1"}, ("v1", "champion", 500, [], "v1")),  # who names a version gets that one
        ([COLD], {"version": "v0"}, BY_V0),
        ([HOT], {"loaded": False}, ("v1", "champion", 500, [], "v1")),
        ([COLD, HOT], {"fallbacks": (STATED,)}, ("baseline", "baseline", 200, ["i-fallback"], "baseline")),
        ([COLD], {"fallbacks": (STATED,)}, BY_V1),
        ([HOT], {"fallbacks": ()}, ("v1", "champion", 500, [], "v1")),
    ],
)
def test_an_earlier_version_answers_what_the_champion_cannot(make, rows, more, expected):
    assert asked(make, rows, **more) == expected


@pytest.mark.parametrize(
    ("within", "value", "dtype", "meant"),
    [
        (Within(feature="a", levels=("x", "y")), "x", DType.STRING, True),
        (Within(feature="a", levels=("x", "y")), "z", DType.STRING, False),
        (Within(feature="a", levels=("3",)), 3, DType.INT, True),
        (Within(feature="a", levels=("True",)), True, DType.BOOL, True),
        (Within(feature="a", low=1.0, high=2.0), 2, DType.FLOAT, True),
        (Within(feature="a", low=1.0, high=2.0), 2.1, DType.FLOAT, False),
        (Within(feature="a", high=2.0), -9.0, DType.FLOAT, True),
        (Within(feature="a", high=2.0), None, DType.FLOAT, False),
        (Within(feature="a", missing=True), None, DType.FLOAT, True),
        (Within(feature="a", missing=True), float("nan"), DType.FLOAT, True),
        (Within(feature="a", missing=True), 0.0, DType.FLOAT, False),
    ],
)
def test_a_value_lies_within_or_not(within, value, dtype, meant):
    assert within.has(value, dtype) is meant


def test_a_champion_is_not_its_own_fallback():
    with pytest.raises(InvalidInput, match="its own place"):
        Served(champion="v0", fallbacks=(HEAT,))
