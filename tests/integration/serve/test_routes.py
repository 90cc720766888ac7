"""Every route of the data plane, on real sockets and real models."""

import gzip
import json
import re
import uuid

import pytest


@pytest.fixture
def server(start):
    server = start()
    server.serve(demand="v1", risk="v1")
    return server


def test_the_data_plane_end_to_end(server):
    """One server for all questions, for starting one takes a second."""
    metadata(server)
    v1_predictions(server)
    v2_predictions(server)
    outcomes(server)
    refusals(server)
    sizes(server)
    heads(server)
    bodies(server)
    documents(server)
    assert server.stop() in (0, -15)
    assert not server.files.supervisor.exists()


def metadata(server):
    status, headers, body = server.ask("GET", "/v2")
    assert (status, body["name"], headers["x-model-version"]) == (200, "setpoint", "")
    assert server.ask("GET", "/v2/health/live")[2] == {"live": True}
    assert server.ask("GET", "/v2/health/ready")[::2] == (
        200,
        {"live": True, "ready": True, "generation": 2, "notes": []},
    )
    assert server.ask("GET", "/v2/models/demand/ready")[2] == {"name": "demand", "ready": True}
    status, headers, body = server.ask("GET", "/v2/models/risk")
    assert headers["x-model-version"] == "v1"
    assert (body["name"], body["versions"], body["platform"]) == ("risk", ["v1"], "sklearn_onnxruntime")
    assert body["inputs"][0] == {"name": "a", "datatype": "FP64", "shape": [-1]}
    assert [(o["name"], o["datatype"]) for o in body["outputs"]] == [("label", "BYTES"), ("probability", "FP64")]
    assert server.ask("GET", "/v2/models/demand/versions/v1")[0] == 200
    status, _, body = server.ask("GET", "/v1/models/demand")
    assert (body["ready"], body["model_version_status"][0]["state"]) == (True, "AVAILABLE")


def v1_predictions(server):
    status, headers, body = server.ask("POST", "/v1/models/demand:predict", {"instances": [[1, 2, 3], [1, 0, 0]]})
    assert status == 200
    assert body["predictions"] == pytest.approx([14, 1], abs=1e-4)
    assert headers["x-model-version"] == "v1"
    assert uuid.UUID(headers["x-request-id"]).version == 7
    record = server.records()[-1]
    assert (record.request_id, record.ids) == (headers["x-request-id"], [f"{record.request_id}/{i}" for i in (0, 1)])
    assert (record.inputs, record.outputs["prediction"]) == (
        {"a": [1, 1], "b": [2, 0], "c": [3, 0]},
        body["predictions"],
    )

    named = {"c": 3, "b": 2, "a": 1, "key": "loan-1", "at": "2024-05-01T12:00:00Z"}
    given = {"X-Request-Id": "mine-1", "Content-Type": "text/plain"}
    status, headers, body = server.ask("POST", "/v1/models/risk/versions/v1:predict", {"instances": [named]}, given)
    assert (status, headers["x-request-id"]) == (200, "mine-1")
    assert body["predictions"][0]["label"] == "yes"
    assert body["predictions"][0]["probability"] > 0.9
    record = server.records("risk")[-1]
    assert (record.request_id, record.ids, record.times_us) == ("mine-1", ["loan-1"], [1_714_564_800_000_000])
    assert (record.caller, record.role, record.status) == ("127.0.0.1", "champion", 200)


def v2_predictions(server):
    matrix = {"name": "x", "shape": [2, 3], "datatype": "FP32", "data": [1, 2, 3, 0, 0, 1]}
    _, _, body = server.ask("POST", "/v2/models/demand/infer", {"id": "mine-2", "inputs": [matrix]})
    assert (body["model_name"], body["model_version"], body["id"]) == ("demand", "v1", "mine-2")
    (output,) = body["outputs"]
    assert (output["name"], output["shape"], output["datatype"]) == ("prediction", [2], "FP64")
    assert output["data"] == pytest.approx([14, 3], abs=1e-4)

    columns = [{"name": n, "shape": [1, 1], "datatype": "FP64", "data": [v]} for n, v in (("c", 3), ("a", 1), ("b", 2))]
    wanted = {"inputs": columns, "outputs": [{"name": "probability"}]}
    _, headers, body = server.ask("POST", "/v2/models/risk/versions/v1/infer", wanted)
    assert [o["name"] for o in body["outputs"]] == ["probability"]
    assert body["id"] == headers["x-request-id"]


def outcomes(server):
    status, _, body = server.ask("POST", "/v1/models/demand:outcome", {"outcomes": [{"id": "r1", "value": 4}]})
    assert (status, body) == (200, {"recorded": 1})
    server.ask("POST", "/v1/models/risk:outcome", {"id": "loan-1", "value": "yes", "known": "2024-06-01"})
    assert [(o.id, o.value) for o in server.outcomes("demand")] == [("r1", 4)]
    assert [(o.id, o.value, o.known_us) for o in server.outcomes("risk")] == [("loan-1", "yes", 1_717_200_000_000_000)]
    status, _, body = server.ask("POST", "/v1/models/risk:outcome", {"id": "loan-1", "value": 1})
    assert (status, body["error"]) == (422, "outcome 0: value is number 1; expected 'no' or 'yes'")


def refusals(server):
    predict = "/v1/models/demand:predict"
    nan = b'{"instances": [[1, 2, NaN]]}'
    unknown = "no model 'damand' is served (did you mean 'demand'?); served: demand, risk"
    version = "version 'v7' of 'demand' is not served; served: v1"
    for method, path, body, status, text in (
        ("POST", "/v1/models/damand:predict", {}, 404, unknown),
        ("POST", "/v1/models/demand/versions/v7:predict", {}, 404, version),
        ("POST", predict, {"instances": [[1, 2]]}, 422, "row 0 has 2 values; expected 3: a, b, c"),
        ("POST", predict, nan, 422, "row 0, field 'c': nan; expected a number"),
        ("POST", predict, b"a=1", 400, "the body is not JSON: invalid character (byte 0), near 'a=1'"),
        ("GET", predict, None, 405, "/v1/models/demand:predict takes POST, not GET"),
        ("GET", "/v3", None, 404, "there is no route /v3; GET /openapi.json lists those there are"),
    ):
        found, headers, answer = server.ask(method, path, body, {"x-request-id": "x" * 129})
        assert (found, answer["error"][: len(text)]) == (status, text)
        assert len(headers["x-request-id"]) == 36
        assert headers["allow"] == ("POST" if status == 405 else None)
        assert headers["x-model-version"] == ("v1" if "/demand" in path and status != 405 else "")
    refused = [(r.status, r.violations, r.inputs, r.outputs) for r in server.records() if r.status >= 400]
    assert refused == [
        (404, ["version:unknown"], {}, {}),
        (422, ["shape:2"], {}, {}),
        (422, ["nan:c"], {}, {}),
        (400, ["json:body"], {}, {}),
    ]


def sizes(server):
    """A body beyond the bound is refused, whether its length is announced or it is streamed."""
    huge = b" " * (33 * 2**20)
    status, _, body = server.ask("POST", "/v1/models/demand:predict", huge)
    assert (status, body["violations"]) == (413, ["large:body"])
    assert body["error"] == "the body has 34,603,008 bytes; at most 33,554,432 are taken (SETPOINT_MAX_BODY_BYTES)"
    connection = server.connect()
    connection.request("POST", "/v1/models/demand:predict", (huge[: 2**20] for _ in range(33)), encode_chunked=True,
                       headers={"Transfer-Encoding": "chunked"})  # fmt: skip
    response = connection.getresponse()
    assert response.status == 413
    assert "more than 33,554,432 bytes" in json.loads(response.read())["error"]
    connection.close()
    many = {"instances": [[1, 2, 3]] * 20_000}
    assert len(server.ask("POST", "/v1/models/demand:predict", many)[2]["predictions"]) == 20_000


def heads(server):
    """HEAD says what GET says, without its body; the connection goes on."""
    connection = server.connect()
    for path in ("/v2", "/v2/health/ready", "/v2/models/demand/ready", "/v1/models/demand", "/ping", "/openapi.json"):
        connection.request("HEAD", path)
        head = connection.getresponse()
        assert (head.status, head.read()) == (200, b"")
        connection.request("GET", path)
        assert head.headers["content-length"] == str(len(connection.getresponse().read()))
    connection.request("HEAD", "/v1/models/demand:predict")
    response = connection.getresponse()
    assert (response.status, response.headers["allow"], response.read()) == (405, "POST", b"")
    connection.close()


def bodies(server):
    predict, packed = "/v1/models/demand:predict", gzip.compress(b'{"inputs": {"a": [1], "b": [2], "c": [3]}}')
    status, _, body = server.ask("POST", predict, packed, {"content-encoding": "gzip"})
    assert (status, body) == (200, {"outputs": [pytest.approx(14, abs=1e-4)]})
    bomb = gzip.compress(b" " * (33 * 2**20))
    for raw, headers, expected, violation in (
        (bomb, {"content-encoding": "gzip"}, 413, "large:body"),
        (packed, {"content-encoding": "zstd"}, 415, "media:body"),
        (packed, {"content-type": "application/x-parquet"}, 415, "media:body"),
        (packed[:-2], {"content-encoding": "gzip"}, 400, "json:body"),
    ):
        status, _, body = server.ask("POST", predict, raw, headers)
        record = server.records()[-1]
        assert (status, body["violations"]) == (record.status, record.violations) == (expected, [violation])
    assert server.ask("GET", "/ping")[::2] == (200, "\n")
    assert server.ask("GET", "/models/demand/health")[0] == 200
    assert server.ask("GET", "/models/damand/ping")[0] == 404


def documents(server):
    _, headers, text = server.ask("GET", "/metrics")
    assert headers["content-type"].startswith("text/plain")
    counted = dict(re.findall(r'setpoint_requests_total\{code="(\d+)",model="demand",version="v1"\} (\d+)', text))
    assert counted["200"] == str(sum(r.status == 200 for r in server.records()))
    assert counted["422"] == "2"
    assert 'setpoint_request_seconds_bucket{le="0.0025",model="demand",version="v1"}' in text
    assert 'setpoint_model_loads_total{model="demand",result="loaded",version="v1"} 1.0' in text
    assert "setpoint_recorder_backlog 0.0" in text
    assert 'setpoint_run_seconds_count{model="demand",version="v1"}' in text
    assert 'setpoint_queue_seconds_count{model="demand",version="v1"}' in text
    assert re.search(r"^setpoint_spool_lag_seconds ", text, re.MULTILINE)

    _, _, document = server.ask("GET", "/openapi.json")
    assert set(document["paths"]) >= {"/v1/models/demand:predict", "/v1/models/risk:outcome", "/v2/models/risk/infer"}
    body = document["paths"]["/v1/models/risk:predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    record = body["anyOf"][0]["properties"]["instances"]["anyOf"][0]["items"]
    assert (record["required"], set(record["properties"])) == (["a", "b", "c"], {"a", "b", "c", "at", "key"})
