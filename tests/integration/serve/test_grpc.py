"""The gRPC door of real workers, asked with a client that others wrote."""

import asyncio
import json
import os
import signal
from pathlib import Path

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from tritonclient.grpc import service_pb2 as pb
from tritonclient.utils import InferenceServerException

from setpoint.platforms.files import alive

ROWS = [[1.0, 2.0, 3.0], [-4.0, 0.5, 0.25]]


def matrix(rows, kind="FP64", make=triton):
    """All rows in one tensor."""
    values = np.array(rows, {"FP64": np.float64, "FP32": np.float32, "FP16": np.float16}[kind])
    tensor = make.InferInput("x", list(values.shape), kind)
    tensor.set_data_from_numpy(values)
    return [tensor]


def fields(rows, make=triton):
    """One tensor a field, in another order than the schema's."""
    tensors = []
    for j, name in reversed(list(enumerate("abc"))):
        tensors.append(make.InferInput(name, [len(rows), 1], "FP64"))
        tensors[-1].set_data_from_numpy(np.array(rows, np.float64)[:, j : j + 1])
    return tensors


@pytest.fixture
def served(start):
    server = start(grpc=True)
    server.serve(demand="v1", risk="v1")
    return server


@pytest.fixture
def client(served):
    with triton.InferenceServerClient(f"127.0.0.1:{served.grpc_port}") as client:
        yield client


def rest(server, rows, model="demand"):
    body = {"inputs": [{"name": "x", "shape": [len(rows), 3], "datatype": "FP64", "data": rows}]}
    status, _, answer = server.ask("POST", f"/v2/models/{model}/infer", body)
    assert status == 200, answer
    return {output["name"]: output["data"] for output in answer["outputs"]}


def test_it_tells_about_itself_and_its_models(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("demand")
    assert client.is_model_ready("demand", "v1")
    assert client.get_server_metadata().name == "setpoint"
    about = client.get_model_metadata("risk", as_json=True)
    assert about["platform"] == "sklearn_onnxruntime"
    assert [i["name"] for i in about["inputs"]] == ["a", "b", "c"]
    assert about["outputs"] == [
        {"name": "label", "datatype": "BYTES", "shape": ["-1"]},
        {"name": "probability", "datatype": "FP64", "shape": ["-1"]},
    ]
    with pytest.raises(InferenceServerException, match="no model 'other' is served") as e:
        client.is_model_ready("other")
    assert e.value.status() == "StatusCode.NOT_FOUND"


def test_its_answers_and_records_are_those_of_rest(served, client):
    for inputs in (matrix(ROWS), fields(ROWS)):
        result = client.infer("demand", inputs, request_id="q-1", headers={"x-request-id": "mine"})
        assert result.as_numpy("prediction").tolist() == rest(served, ROWS)["prediction"]
        assert (result.get_response().model_version, result.get_response().id) == ("v1", "q-1")
    ours, theirs = served.records()[-2:]
    for name in ("model", "version", "role", "status", "caller", "inputs", "outputs", "violations", "maps"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert (ours.request_id, ours.ids, ours.caller) == ("q-1", ["q-1/0", "q-1/1"], "127.0.0.1")


def test_texts_and_requested_outputs(served, client):
    wanted = [triton.InferRequestedOutput("label")]
    result = client.infer("risk", matrix(ROWS), outputs=wanted, parameters={"unknown": 1}, compression_algorithm="gzip")
    assert [text.decode() for text in result.as_numpy("label")] == rest(served, ROWS, "risk")["label"]
    assert result.as_numpy("probability") is None


@pytest.mark.parametrize("kind", ["FP16", "FP32"])
def test_narrow_numbers(served, client, kind):
    found = client.infer("demand", matrix(ROWS, kind)).as_numpy("prediction").tolist()
    assert found == rest(served, ROWS)["prediction"]  # these rows are exact in 16 bits


def test_typed_contents_are_answered_with_typed_contents(served):
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        infer = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=pb.ModelInferRequest.SerializeToString,
            response_deserializer=pb.ModelInferResponse.FromString,
        )
        tensor = {"name": "x", "shape": [2, 3], "datatype": "FP32", "contents": {"fp32_contents": [*ROWS[0], *ROWS[1]]}}
        answer, call = infer.with_call(pb.ModelInferRequest(model_name="risk", inputs=[tensor]))
        headers = dict(call.trailing_metadata())
    label, probability = answer.outputs
    expected = rest(served, ROWS, "risk")
    assert [text.decode() for text in label.contents.bytes_contents] == expected["label"]
    assert list(probability.contents.fp64_contents) == expected["probability"]
    assert not answer.raw_output_contents
    assert headers["x-request-id"] == answer.id
    assert headers["x-model-version"] == "v1"


def test_refusals_are_told_and_recorded(served, client):
    cases = [
        ({"model_name": "other", "inputs": matrix(ROWS)}, "NOT_FOUND", None),
        (
            {"model_name": "demand", "model_version": "v9", "inputs": matrix(ROWS)},
            "NOT_FOUND",
            (404, "version:unknown"),
        ),
        ({"model_name": "demand", "inputs": matrix([[1.0, 2.0]])}, "INVALID_ARGUMENT", (422, "shape:2")),
        ({"model_name": "demand", "inputs": fields(ROWS)[:2]}, "INVALID_ARGUMENT", (422, "missing:a")),
        ({"model_name": "demand", "inputs": matrix([[1.0, 2.0, np.nan]])}, "INVALID_ARGUMENT", (422, "null:c")),
        ({"model_name": "demand", "inputs": matrix([[1.0, np.inf, 2.0]])}, "INVALID_ARGUMENT", (422, "nan:b")),
    ]
    for request, code, recorded in cases:
        with pytest.raises(InferenceServerException) as e:
            client.infer(**request)
        assert e.value.status() == f"StatusCode.{code}", e.value
        if recorded:
            record = served.records()[-1]
            assert (record.status, record.violations) == (recorded[0], [recorded[1]])
    assert len(served.records()) == len(cases) - 1


def test_an_asyncio_client_gets_each_its_own_answer(served):
    async def ask_all():
        async with triton_aio.InferenceServerClient(f"127.0.0.1:{served.grpc_port}") as client:
            return await asyncio.gather(
                *(client.infer("demand", matrix([[i, 0.0, 0.0]], make=triton_aio)) for i in range(200))
            )

    found = [result.as_numpy("prediction")[0] for result in asyncio.run(ask_all())]
    assert found == [pytest.approx(i, abs=1e-3) for i in range(200)]
    assert len(served.records()) == 200


def test_a_message_beyond_the_bound_is_refused(start, monkeypatch):
    monkeypatch.setenv("SETPOINT_MAX_BODY_BYTES", "10000")
    server = start(grpc=True)
    server.serve(demand="v1")
    with triton.InferenceServerClient(f"127.0.0.1:{server.grpc_port}") as client:
        with pytest.raises(InferenceServerException) as e:
            client.infer("demand", matrix([[0.0] * 3] * 1_000))
        assert e.value.status() == "StatusCode.RESOURCE_EXHAUSTED"
        client.infer("demand", matrix(ROWS))


def test_workers_share_the_port_and_calls_survive_a_kill(start, wait):
    server = start(workers=2, grpc=True)
    server.serve(demand="v1")
    pids = set(server.files.running().workers)
    address = f"127.0.0.1:{server.grpc_port}"
    for i in range(64):
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.channel", i)]  # a connection of its own
        with triton.InferenceServerClient(address, channel_args=options) as client:
            client.infer("demand", matrix(ROWS))
    written = {path.name.split("-")[2] for path in (server.home / "spool" / "demand").iterdir()}
    assert {str(pid) for pid in pids} <= written
    killed = pids.pop()
    os.kill(killed, signal.SIGKILL)
    wait(lambda: not alive(killed))
    with triton.InferenceServerClient(address) as client:
        client.infer("demand", matrix(ROWS))


def test_a_stop_answers_what_is_under_way_and_refuses_the_rest(served):
    answered, refused, going = [], [], asyncio.Event()

    async def ask(client):
        while True:
            try:
                answered.append((await client.infer("demand", matrix(ROWS, make=triton_aio))).get_response().id)
                going.set()
            except InferenceServerException as e:
                refused.append(e.status())
                return

    async def ask_all():
        async with triton_aio.InferenceServerClient(f"127.0.0.1:{served.grpc_port}") as client:
            asking = [asyncio.create_task(ask(client)) for _ in range(32)]
            await going.wait()
            stopped = await asyncio.to_thread(served.stop)
            await asyncio.gather(*asking)
            return stopped

    assert asyncio.run(ask_all()) == 0
    assert set(refused) == {"StatusCode.UNAVAILABLE"}
    assert sorted(record.request_id for record in served.records()) == sorted(answered)


def test_each_answer_has_a_line_in_the_access_log(start, home, monkeypatch):
    file = home / "access.log"
    monkeypatch.setenv("SETPOINT_ACCESS_LOG", str(file))
    server = start(grpc=True)
    server.serve(demand="v1")
    trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    with triton.InferenceServerClient(f"127.0.0.1:{server.grpc_port}") as client:
        client.infer("demand", matrix(ROWS), request_id="q-1", headers=trace)
        with pytest.raises(InferenceServerException):
            client.infer("demand", matrix([[1.0, 2.0]]), request_id="q-2")
    server.stop()
    answered, refused = map(json.loads, file.read_text().splitlines())
    assert answered.items() >= {
        "request_id": "q-1", "caller": "127.0.0.1", "method": "/inference.GRPCInferenceService/ModelInfer",
        "status": "OK", "version": "v1", "trace_id": trace["traceparent"][3:35], "parent_id": "00f067aa0ba902b7",
    }.items()  # fmt: skip
    assert answered["bytes_in"] > 48
    assert answered["bytes_out"] > 16
    assert (refused["status"], refused["bytes_out"], refused.get("trace_id")) == ("INVALID_ARGUMENT", 0, None)


def test_without_a_port_there_is_no_grpc(start):
    server = start()
    assert server.files.running().grpc_port is None
    assert "cygrpc" not in Path(f"/proc/{server.files.running().workers[0]}/maps").read_text()
