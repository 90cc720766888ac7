"""What the door makes of errors and of clients that leave; the routes are tested on real sockets."""

import asyncio
import gc
import json
import time
from functools import partial
from types import SimpleNamespace

import pytest

from setpoint.errors import (
    Conflict,
    Corrupt,
    DeadlineExceeded,
    InvalidInput,
    InvalidRequest,
    ModelFailed,
    NotFound,
    NotReady,
    Overloaded,
    SetpointError,
    TooLarge,
    Unusable,
)
from setpoint.serve.app import App
from setpoint.serve.decode import Malformed
from setpoint.serve.encode import status_of
from setpoint.serve.http import Request
from setpoint.serve.metrics import Metrics
from setpoint.serve.plane import DataPlane
from setpoint.serve.table import Table

STATUS = {
    InvalidRequest: 422, InvalidInput: 400, Malformed: 400, TooLarge: 413, NotFound: 404, Conflict: 409, NotReady: 503,
    Unusable: 503, Overloaded: 429, DeadlineExceeded: 504, ModelFailed: 500, Corrupt: 500, SetpointError: 500,
}  # fmt: skip


@pytest.mark.parametrize(("error", "status"), STATUS.items(), ids=lambda x: getattr(x, "__name__", x))
def test_the_nearest_class_decides_the_status(error, status):
    assert status_of(error("x")) == status


@pytest.fixture
def call(make):
    """Ask an app, whose plane has one model, without a socket."""

    def call(
        table=None,
        body=b'{"instances": [[45, 1, true, 1]]}',
        tape=None,
        path="/v1/models/demand:predict",
        headers=(),
        prepare=None,
    ):
        tape = tape or make.tape()

        async def run():
            plane = DataPlane(tape, Metrics())
            plane.table = table or make.table()
            if prepare:
                prepare(plane)
            reply = await make.answer(App(plane, max_body_bytes=100), Request("POST", path, dict(headers), body, ""))
            assert plane.metrics.in_flight == 0
            return reply

        reply = asyncio.run(run())
        call.headers = make.headers(reply)
        return reply.status, json.loads(reply.body), tape

    return call


def test_a_failing_model_is_a_500_that_says_so(call, make):
    status, body, tape = call(make.table(make.fragile()))
    assert (status, body["error"]) == (500, "demand v1 answered prediction = nan for row 0")
    assert body["violations"] == ["model_error"]
    assert [(r.status, r.violations) for r in tape.records] == [(500, ["model_error"])]


def test_a_model_without_a_good_version_is_a_503_with_the_reason(call):
    status, body, _ = call(Table(1, {}, {"demand": "model.onnx differs from its digest"}))
    assert (status, body["error"]) == (503, "model 'demand' is not ready: model.onnx differs from its digest")


def test_a_full_disk_refuses_outcomes_with_a_503(call, make):
    tape = make.tape()
    tape.append_outcomes = lambda model, outcomes: (_ for _ in ()).throw(Unusable("cannot write records: disk full"))
    status, body, _ = call(body=b'{"id": "r", "value": 1}', tape=tape, path="/v1/models/demand:outcome")
    assert (status, body["error"]) == (503, "cannot write records: disk full")


@pytest.mark.parametrize(
    ("body", "announced"), [(b" " * 101, ()), (b"", [(b"content-length", b"101")])], ids=["chunked", "announced"]
)
def test_a_body_too_large_is_refused_and_recorded(call, body, announced):
    status, answer, tape = call(body=body, headers=announced)
    assert (status, answer["violations"], tape.records[0].status) == (413, ["large:body"], 413)


def test_a_defect_of_ours_is_a_500_in_json_with_the_request_id(call, make, caplog):
    broken = make.table()
    object.__setattr__(broken.routes["demand"].champion, "form", None)
    status, body, _ = call(broken)
    assert status == 500
    assert body["error"].startswith("internal error; the log of the worker has request 0")
    assert "AttributeError" in caplog.text


@pytest.mark.parametrize("given", [b"0", b"-1", b"1.5", b"soon", b"", b"3600001", b"9" * 5_000])
def test_a_timeout_that_is_none_is_refused(call, given):
    status, body, tape = call(headers=[(b"x-request-timeout-ms", given)])
    assert (status, body["violations"]) == (400, ["timeout:header"])
    assert body["error"].endswith("expected whole milliseconds from 1 to 3,600,000")
    assert [(r.status, r.violations) for r in tape.records] == [(400, ["timeout:header"])]


def test_a_timeout_that_is_kept_changes_nothing(call):
    assert call(body=b'{"instances": [[4, 1, true, 1]]}', headers=[(b"x-request-timeout-ms", b"60000")])[0] == 200


def test_too_much_work_is_a_429_that_says_when_to_come_back(call):
    def busy(plane):
        def refuse(*args, **more):
            raise Overloaded("overloaded", 7)

        plane.ask = refuse

    status, body, _ = call(body=b'{"instances": [[4, 1, true, 1]]}', prepare=busy)
    assert (status, body, call.headers[b"retry-after"]) == (
        429,
        {"error": "overloaded", "violations": ["overload"]},
        b"7",
    )


def test_which_model_is_invoked(door):
    body = json.dumps({"inputs": [[20.5, 7, True, None]]}).encode()
    named = [(b"x-setpoint-model", b"demand")]
    assert door.ask("POST", "/invocations", body, named)[::2] == (200, b'{"predictions":[0.0]}')
    unknown = door.ask("POST", "/invocations", body, [(b"x-setpoint-model", b"damand")])
    assert (unknown[0], json.loads(unknown[2])["error"][:40]) == (404, "no model 'damand' is served (did you mea")
    routes = door.plane.table.routes
    door.plane.table = Table(1, {"demand": routes["demand"]}, complete=True)
    assert door.ask("POST", "/invocations", body)[0] == 200
    for table, text in (
        (Table(1, {}, {"demand": "its digest differs"}), "model 'demand' is not ready: its digest differs"),
        (Table(), "no model is served yet"),
        (Table(1, {"demand": routes["demand"]}, {"risk": "no memory"}), "2 models are served: demand, risk. Name one"),
    ):
        door.plane.table = table
        status, _, answer = door.ask("POST", "/invocations", body)
        assert (status, json.loads(answer)["error"][: len(text)]) == (422 if "2" in text else 503, text)


def test_a_ping_is_of_the_worker_or_of_one_model(door):
    routes = door.plane.table.routes
    door.plane.table = Table(1, {"demand": routes["demand"]}, {"risk": "no memory"}, notes=["risk: no memory"])
    status, _, body = door.ask("GET", "/ping")
    assert (status, json.loads(body)["notes"]) == (503, ["risk: no memory"])
    assert [door.ask("GET", f"/models/{model}/ping")[0] for model in ("demand", "risk", "none")] == [200, 503, 404]


def test_the_id_of_a_v2_body_is_the_id_of_the_request(door):
    tensor = {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 1, 4]}
    for id_, expected in (("q-1", "q-1"), ("", "outer"), (None, "outer")):
        body = json.dumps({"id": id_, "inputs": [tensor]}).encode()
        _, headers, answer = door.ask("POST", "/v2/models/demand/infer", body, [(b"x-request-id", b"outer")])
        assert json.loads(answer)["id"] == headers[b"x-request-id"].decode() == door.tape.records[-1].ids[0] == expected


ROW = b'{"instances": [[4, 1, true, 1]]}'


@pytest.mark.parametrize(
    ("path", "body"),
    [(":predict", ROW), (":predict", b"{"), (":predict", b'{"instances": [[]]}'), ("/versions/v9:predict", ROW),
     (":predict", b" " * (1 << 17)), (":outcome", b"{}"), (":none", b""), ("busy", ROW)],
)  # fmt: skip
def test_a_request_leaves_nothing_for_the_collector(door, path, body):
    """An error and a frame that hold one another keep the whole body; to collect them took a third of the time."""
    if path == "busy":
        waits = SimpleNamespace(started_ns=time.perf_counter_ns() - 10**10)
        door.plane._queue[door.plane.table.route("demand").champion] = [waits]
        door.plane._behind = frozenset(door.plane._queue)
        path = ":predict"
    ask = partial(door.ask, "POST", f"/v1/models/demand{path}", body)
    ask()
    gc.collect()
    for _ in range(20):
        ask()
    assert gc.collect() < 20


@pytest.fixture
def split(make):
    """A table whose challenger v3 has half of the requests; a key of each version."""
    table = make.table(challenger=make.line(add=1_000))
    pick = table.route("demand").pick
    split = {version: next(k for k in map(str, range(99)) if pick(k).version == version) for version in ("v1", "v3")}
    return table, split


@pytest.mark.parametrize("header", [b"x-routing-key", b"x-request-id"])
@pytest.mark.parametrize(("version", "role"), [("v1", "champion"), ("v3", "challenger")])
def test_the_key_or_the_request_id_chooses_the_version(call, split, header, version, role):
    table, keys = split
    status, body, tape = call(table, ROW, headers=[(header, keys[version].encode())])
    assert (status, call.headers[b"x-model-version"].decode()) == (200, version)
    assert (body["predictions"][0] > 5_000) == (version == "v3")
    assert [(r.version, r.role) for r in tape.records] == [(version, role)]


def test_the_key_goes_before_the_request_id_and_a_version_in_the_path_before_both(call, split):
    table, keys = split
    headers = [(b"x-routing-key", keys["v1"].encode()), (b"x-request-id", keys["v3"].encode())]
    assert call(table, ROW, headers=headers)[2].records[0].version == "v1"
    path = "/v1/models/demand/versions/v3:predict"
    (record,) = call(table, ROW, headers=headers, path=path)[2].records
    assert (record.version, record.role) == ("v3", "challenger")


def test_a_refused_request_is_recorded_for_the_version_that_would_have_answered(call, split):
    table, keys = split
    status, _, tape = call(table, b'{"instances": [[4, 1, true]]}', headers=[(b"x-routing-key", keys["v3"].encode())])
    assert (status, call.headers[b"x-model-version"]) == (422, b"v3")
    assert [(r.version, r.role, r.status) for r in tape.records] == [("v3", "challenger", 422)]


@pytest.mark.parametrize("given", [b"", b"k" * 129, "schlüssel".encode(), b"a\tb"])
def test_a_routing_key_that_is_none_is_refused_even_where_nothing_is_to_choose(call, given):
    status, body, tape = call(body=ROW, headers=[(b"x-routing-key", given)])
    assert (status, body["violations"]) == (400, ["key:header"])
    assert body["error"].startswith("x-routing-key: ")
    assert body["error"].endswith("; expected 1 to 128 printable ASCII characters")
    assert [(r.version, r.status, r.violations) for r in tape.records] == [("v1", 400, ["key:header"])]
