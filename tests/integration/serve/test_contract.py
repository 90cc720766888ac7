"""The contract from setpoint.yaml through deploy to real workers, in every protocol, and read back from the log."""

import json
import struct

import joblib
import numpy as np
import pandas as pd
import pytest
import tritonclient.grpc as triton
from sklearn.linear_model import LinearRegression

from setpoint.bootstrap.home import open_home
from setpoint.config import Settings, read_setpoint_file
from setpoint.loop.verbs import deploying, recorded

SETPOINT = """\
model: loan
task: regression
artifact: model.joblib
reference: reference.csv
target: y
features:
  age: {min: 17, max: 100, on_violation: impute}
  debt: {max: 9, on_violation: flag}
objectives:
  - {metric: mae, at_most: 5}
"""
JSON, CSV = {"content-type": "application/json"}, {"content-type": "text/csv"}
V1, V2, FLOW = "/v1/models/loan:predict", "/v2/models/loan/infer", "/models/loan/invocations"
HEAD = json.dumps(
    {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "parameters": {"binary_data_size": 24}}]}
).encode()
WAYS = {
    "lists": (V1, {"instances": [[999, 10, 1]]}, JSON),
    "records": (V1, {"instances": [{"age": 999, "debt": 10, "own": 1}]}, JSON),
    "columns": (V1, {"inputs": {"age": [999], "debt": [10], "own": [1]}}, JSON),
    "v2": (V2, {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [999, 10, 1]}]}, JSON),
    "binary": (
        V2,
        HEAD + struct.pack("<3d", 999, 10, 1),
        {"inference-header-content-length": str(len(HEAD)), "content-type": "application/octet-stream"},
    ),
    "invocations": (FLOW, {"dataframe_split": {"columns": ["own", "age", "debt"], "data": [[1, 999, 10]]}}, JSON),
    "csv": (FLOW, b"age,debt,own\n999,10,1\n", CSV),
}


@pytest.fixture
def server(home, start, tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"age": rng.integers(18, 90, 201) * 1.0, "debt": rng.random(201), "own": rng.random(201)})
    table.loc[0, "age"] = 40.0
    table["y"] = table["age"] + 100 * table["debt"] + 1_000 * table["own"]
    joblib.dump(LinearRegression().fit(table[["age", "debt", "own"]], table["y"]), tmp_path / "model.joblib")
    table.to_csv(tmp_path / "reference.csv", index=False)
    (tmp_path / "setpoint.yaml").write_text(SETPOINT)
    operator = open_home(Settings(home=home))
    deploying.deploy(operator, read_setpoint_file(tmp_path), by="test")
    server = start(grpc=True)
    server.operator, server.median = operator, float(table["age"].median())
    return server


def number_in(answer):
    found = answer.get("predictions") or answer.get("outputs")
    return found[0]["data"][0] if isinstance(found[0], dict) else found[0]


def test_the_metadata_and_the_document_tell_the_contract(server):
    age, debt, own = server.ask("GET", "/v2/models/loan")[2]["inputs"]
    rules = {"on_violation": "impute", "min": 17, "max": 100, "impute": server.median}
    assert (age["parameters"], own) == (rules, {"name": "own", "datatype": "FP64", "shape": [-1]})
    assert debt["parameters"] == {"on_violation": "flag", "max": 9}
    with triton.InferenceServerClient(f"127.0.0.1:{server.grpc_port}") as client:
        assert [tensor.name for tensor in client.get_model_metadata("loan").inputs] == ["age", "debt", "own"]
    body = server.ask("GET", "/openapi.json")[2]["paths"]["/v1/models/loan:predict"]["post"]["requestBody"]
    row = body["content"]["application/json"]["schema"]["anyOf"][0]["properties"]["instances"]["anyOf"][0]["items"]
    assert row["properties"]["debt"] == {"type": "number", "description": "maximum 9.0; else flag"}


def test_a_broken_contract_is_answered_and_recorded_alike_in_every_protocol(server):
    expected = pytest.approx(server.median + 1_000 + 1_000, rel=1e-4)
    for way, (path, body, headers) in WAYS.items():
        status, told, answer = server.ask("POST", path, body, headers)
        assert (status, number_in(answer)) == (200, expected), way
        assert told["x-setpoint-violations"] == "range:age,imputed:age,range:debt"
    fine = {"instances": [[40, 1, 1]]}
    assert "x-setpoint-violations" not in server.ask("POST", "/v1/models/loan:predict", fine)[1]
    with triton.InferenceServerClient(f"127.0.0.1:{server.grpc_port}") as client:
        tensor = triton.InferInput("x", [1, 3], "FP64")
        tensor.set_data_from_numpy(np.array([[999.0, 10.0, 1.0]]))
        assert client.infer("loan", [tensor]).as_numpy("prediction")[0] == expected
    assert server.ask("POST", V1, {"instances": [{"debt": "much", "own": 1}]})[0] == 422
    table = recorded.records(server.operator, "loan")
    answered = [r for r in table.to_pylist() if r["status"] == 200 and r["violations"]]
    assert len(answered) == len(WAYS) + 1
    for record in answered:
        assert record["violations"] == ["range:age", "imputed:age", "range:debt"]
        assert record["inputs"] == {"age": 999.0, "debt": 10.0, "own": 1.0}
    refused = server.operator.ports.log.refused("loan", *(t.as_py() for t in (table["time"][0], table["time"][-1])))
    assert set(refused) <= {"", "type:debt"}
    metrics = server.ask("GET", "/metrics")[2]
    assert f'setpoint_violations_total{{model="loan",rule="imputed:age",version="v1"}} {len(WAYS) + 1}.0' in metrics
