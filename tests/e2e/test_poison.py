"""A request that ends what answers it: found among those that were asked, refused from then on, and let in again."""

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper

pytestmark = pytest.mark.timeout(240)
MODULE = """
import os
import numpy as np

class Predictor:
    task = "binary"
    classes = ["no", "yes"]

    def predict(self, frame):
        if (frame["age"] == 66).any():
            os._exit(9)
        return 1 / (1 + np.exp((1000 - frame["balance"]) / 200 + (frame["age"] - 50) / 20))
"""
COUNTS = """\
model: counts
task: regression
artifact: counts.onnx
reference: reference.csv
target: y
objectives:
  - {metric: mae, at_most: 5}
"""


def counting() -> Any:
    """A graph that counts up to its input, one step at a time: it is not done with 1e15 before anybody gives up."""
    step = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Add", ["so_far", "one"], ["more"]),
        ],
        "step",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("so_far", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("more", TensorProto.FLOAT, []),
        ],
        [helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])],
    )
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0),
        helper.make_node("Cast", ["most"], ["trips"], to=TensorProto.INT64),
        helper.make_node("Loop", ["trips", "", "zero"], ["count"], body=step),
        helper.make_node("Mul", ["count", "zero"], ["nothing"]),
        helper.make_node("Add", ["x", "nothing"], ["prediction"]),
    ]
    graph = helper.make_graph(
        nodes,
        "counts",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1])],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["n", 1])],
        [helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def test_a_row_that_ends_the_process_of_a_model_is_isolated_and_let_in_again(
    setpoint: Any, campaign: Path, calls: Callable[..., pd.DataFrame], until: Callable[..., Any]
) -> None:
    text = (campaign / "setpoint.yaml").read_text().replace("campaign.joblib", "model.py:Predictor")
    (campaign / "setpoint.yaml").write_text(text)
    (campaign / "model.py").write_text(MODULE)
    reference = pd.read_parquet(campaign / "reference.parquet")
    reference[reference["age"] != 66].to_parquet(campaign / "reference.parquet", index=False)
    setpoint.run("deploy", campaign)
    setpoint.up()
    usual = calls(40, seed=1).drop(columns=["bought"]).query("age != 66")
    bad = usual[:1].assign(age=66, call="bad")

    def ask(rows: pd.DataFrame) -> tuple[int, Any]:
        instances = json.loads(rows.to_json(orient="records"))
        return setpoint.ask("POST", "/v1/models/campaign:predict", {"instances": instances})[:2]

    assert ask(usual)[0] == 200
    status, body = ask(bad)
    assert (status, body["violations"]) == (502, ["model_ended"])
    assert ask(usual[:3])[0] == 200  # it was started again
    setpoint.tick()
    (incident,) = (i for i in setpoint.json("incidents", "campaign")["incidents"] if i["subject"] == "model process")
    assert (incident["causes"][0]["cause"], incident["remedy"]) == ("crash", "isolate")
    assert "of bad ends it (its process ended with exit code 9)" in json.dumps(incident)

    for rows in (bad, pd.concat([usual[:2], bad.assign(call="again")])):
        status, body = ask(rows)
        assert (status, body["violations"]) == (422, ["isolated:row"])
        assert "is isolated" in body["error"]
    before = ask(usual[:3])
    assert before[0] == 200
    told = setpoint.home / "run" / "workers" / "0.json"
    until(lambda: sum(json.loads(told.read_text())["stopped"].values()) == 2, what="the count of the worker")
    setpoint.tick()
    (incident,) = (i for i in setpoint.json("incidents", "campaign")["incidents"] if i["subject"] == "model process")
    assert (incident["status"], incident["repair"]["stopped"]) == ("held", 2)

    setpoint.run("repair", "undo", incident["id"])
    assert ask(usual[:3]) == before
    assert ask(bad)[0] == 502


def test_a_request_that_hangs_its_worker_is_found_among_those_that_were_asked(
    setpoint: Any, tmp_path: Path, until: Callable[..., Any]
) -> None:
    onnx.save(counting(), tmp_path / "counts.onnx")
    (tmp_path / "setpoint.yaml").write_text(COUNTS)
    x = np.arange(60.0)
    pd.DataFrame({"x": x, "y": x}).to_csv(tmp_path / "reference.csv", index=False)
    setpoint.run("deploy", tmp_path)
    setpoint.up()

    def ask(value: float) -> int:
        return int(setpoint.ask("POST", "/v1/models/counts:predict", {"instances": [[value]]})[0])

    assert {ask(value) for value in x} == {200}
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(1e15)
    events = setpoint.home / "run" / "events.jsonl"
    until(lambda: events.exists() and '"worker":0' in events.read_text(), 60, "the end of the worker")
    setpoint.tick()  # which waits for the worker that comes after
    lost = setpoint.records("counts")[-1]
    assert (lost["status"], lost["inputs"], lost["violations"]) == (502, {"x": 1e15}, ["worker_ended"])
    (incident,) = setpoint.json("incidents", "counts")["incidents"]
    assert (incident["subject"], incident["causes"][0]["cause"], incident["remedy"]) == ("worker 0", "crash", "isolate")
    assert incident["examples"] == [lost["request_id"]]
    assert (ask(1e15), ask(3.0)) == (422, 200)
