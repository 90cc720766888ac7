"""Clients that nobody here wrote, on a real server: tritonclient (also its aio) and MLflow's scoring client."""

import asyncio
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

X = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 1.0]])
Y = [14.0, 3.0]


@pytest.fixture
def server(start):
    server = start()
    server.serve(demand="v1", risk="v1")
    return server


def columns(names="cab", datatype="FP32", dtype=np.float32, width=(), **how):
    """One tensor a field, out of order."""
    tensors = []
    for name in names:
        values = X[:, "abc".index(name)].astype(dtype).reshape(-1, *width)
        tensors.append(triton.InferInput(name, list(values.shape), datatype))
        tensors[-1].set_data_from_numpy(values, **how)
    return tensors


def matrix(datatype="FP64", dtype=np.float64, **how):
    tensor = triton.InferInput("x", [2, 3], datatype)
    tensor.set_data_from_numpy(X.astype(dtype), **how)
    return [tensor]


def test_tritonclient(server):
    """One server for all questions, for starting one takes a second."""
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        triton_metadata(client)
        triton_inference(client, server)
        triton_outputs(client)
        triton_refusals(client)
    asyncio.run(triton_in_a_loop(server))


def triton_metadata(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("demand")
    assert client.is_model_ready("demand", "v1")
    assert not client.is_model_ready("nothing")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    metadata = client.get_model_metadata("demand", "v1")
    assert [i["name"] for i in metadata["inputs"]] == ["a", "b", "c"]
    assert metadata["parameters"] == {"single_tensor": True}


def triton_inference(client, server):
    kinds = {"FP16": "f2", "FP32": "f4", "FP64": "f8"} | {f"{u}INT{8 * n}": f"{u}i{n}".lower().replace("ui", "u")
             for u in ("", "U") for n in (1, 2, 4, 8)}  # fmt: skip
    ways = [columns(), columns(width=(1,)), columns(binary_data=False), matrix(), matrix(binary_data=False)]
    ways += [columns("bca", datatype, dtype) for datatype, dtype in kinds.items()]
    ways.append([*columns("a"), *columns("b", binary_data=False), *columns("c", "INT8", "i1")])
    for i, inputs in enumerate(ways):
        for packing in (None, "gzip", "deflate"):
            found = client.infer("demand", inputs, request_id=f"q-{i}", request_compression_algorithm=packing)
            assert found.get_response()["id"] == f"q-{i}"
            assert found.get_output("prediction")["parameters"] == {"binary_data_size": 16}
            assert found.as_numpy("prediction") == pytest.approx(Y, abs=1e-4)
    record = server.records()[-1]
    assert (record.request_id, record.ids) == (f"q-{i}", [f"q-{i}/0", f"q-{i}/1"])
    assert record.inputs["c"] == [3, 1]
    waiting = client.async_infer("demand", matrix(), priority=1, sequence_id=7, parameters={"mine": "own"}, timeout=9)
    assert waiting.get_result().as_numpy("prediction") == pytest.approx(Y, abs=1e-4)


def triton_outputs(client):
    everything = client.infer("risk", matrix())
    assert everything.as_numpy("label").tolist() == [b"yes", b"yes"]
    assert everything.as_numpy("probability").shape == (2,)
    label = triton.InferRequestedOutput("label", binary_data=False)
    probability = triton.InferRequestedOutput("probability", binary_data=True)
    one = client.infer("risk", matrix(), model_version="v1", outputs=[label])
    assert one.as_numpy("label").tolist() == ["yes", "yes"]
    assert one.as_numpy("probability") is None
    both = client.infer("risk", matrix(), outputs=[probability, label])
    assert [o["name"] for o in both.get_response()["outputs"]] == ["probability", "label"]
    assert both.get_output("label")["data"] == ["yes", "yes"]
    assert both.as_numpy("probability") == pytest.approx(everything.as_numpy("probability"))


def triton_refusals(client):
    text = r"\[422\] the inputs: field 'b' is missing"
    with pytest.raises(InferenceServerException, match=text):
        client.infer("demand", columns("ac"))
    with pytest.raises(InferenceServerException, match=r"there is no output 'score'; known: prediction"):
        client.infer("demand", matrix(), outputs=[triton.InferRequestedOutput("score")])
    tensor = triton.InferInput("x", [1, 3], "FP32")
    for value, text in ((np.inf, "row 0, field 'b': inf; expected a number"), (np.nan, "row 0, field 'b': null")):
        tensor.set_data_from_numpy(np.array([[1, value, 3]], np.float32))
        with pytest.raises(InferenceServerException, match=text):
            client.infer("demand", [tensor])


async def triton_in_a_loop(server):
    async with triton_aio.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        assert await client.is_server_live()
        assert await client.is_server_ready()
        assert await client.is_model_ready("risk", "v1")
        assert (await client.get_server_metadata())["name"] == "setpoint"
        assert (await client.get_model_metadata("risk"))["outputs"][0]["datatype"] == "BYTES"
        ways = [columns(), columns(width=(1,), binary_data=False), matrix("FP16", "f2")]
        asked = [client.infer("demand", inputs, request_id=str(i)) for i, inputs in enumerate(ways * 2)]
        found = await asyncio.gather(*asked)
        for i, one in enumerate(found):
            assert one.get_response()["id"] == str(i)
            assert one.as_numpy("prediction") == pytest.approx(Y, abs=1e-4)


def test_mlflow_scoring_client(start):
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    server = start()
    server.serve(demand="v1")
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    client = ScoringServerClient("127.0.0.1", server.port)
    client.wait_server_ready(timeout=5)
    ways = [frame, frame[["c", "a", "b"]], frame.set_index([["x", "y"]]), pd.DataFrame(X), X, X.tolist()]
    ways += [frame.to_dict("records"), json.dumps({"inputs": frame.to_dict("list")})]
    ways += [json.dumps({key: frame.to_dict("records")}) for key in ("instances", "dataframe_records")]
    for data in ways:
        found = client.invoke(data, params={"threshold": 1})
        assert found.get_predictions("ndarray") == pytest.approx(Y, abs=1e-4)
    with pytest.raises(Exception, match=r"error code 422.*row 1, field 'a': null"):
        client.invoke(frame.replace(0.0, np.nan))

    server.serve(risk="v1")
    with pytest.raises(Exception, match=r"error code 422.*2 models are served: demand, risk\. Name one"):
        client.invoke(frame)
    risk = ScoringServerClient("127.0.0.1", f"{server.port}/models/risk")
    risk.ping()
    assert risk.get_version() == client.get_version()
    assert risk.invoke(frame).get_predictions()["label"].tolist() == ["yes", "yes"]
    with pytest.raises(Exception, match="error code 404"):
        ScoringServerClient("127.0.0.1", f"{server.port}/models/nothing").ping()
    to_csv = {"content-type": "text/csv; charset=utf-8", "x-setpoint-model": "demand"}
    status, _, body = server.ask("POST", "/invocations", frame.to_csv().encode(), to_csv)
    assert (status, body["predictions"]) == (200, pytest.approx(Y, abs=1e-4))


@pytest.mark.skipif("KSERVE_PYTHON" not in os.environ, reason="KSERVE_PYTHON names no Python that has kserve")
def test_kserve_client(server):
    script = Path(__file__).with_name("kserve_client.py")
    argv = [os.environ["KSERVE_PYTHON"], script, f"http://127.0.0.1:{server.port}"]
    found = json.loads(subprocess.check_output(argv, timeout=60))
    assert found["v1"] == {"live": True, "model_ready": True, "predictions": pytest.approx(Y)}
    assert found["v2"] == {
        "live": True, "ready": True, "model_ready": True,
        "binary=False": ["q", *map(pytest.approx, Y)], "binary=True": ["q", *map(pytest.approx, Y)],
    }  # fmt: skip
