"""From a model file to a promoted version and back, by the commands alone."""

import hashlib
import json
from pathlib import Path
from typing import Any


def digests(folder: Path) -> dict[str, str]:
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.iterdir())}


def deliver(setpoint: Any, model: str, rows: Any, folder: Path, *columns: str) -> str:
    """Send rows and then their outcomes, as a table; what the command says."""
    setpoint.predict(model, rows.drop(columns=columns[-1]))
    rows[list(columns)].to_csv(folder / "outcomes.csv", index=False)
    said: str = setpoint.run("outcomes", model, folder / "outcomes.csv").stdout
    return said


def test_a_scikit_learn_model_goes_the_whole_way(setpoint: Any, campaign: Path, calls: Any, tmp_path: Path) -> None:
    (campaign / "setpoint.yaml").unlink()
    model, reference = campaign / "campaign.joblib", campaign / "reference.parquet"
    said = setpoint.run("init", model, reference, "--target", "bought", "--id", "call").stdout
    assert "binary of bought, model campaign" in said

    made = setpoint.json("deploy", campaign)
    assert {"model", "version", "runtime", "candidates"} <= made.keys()
    assert (made["model"], made["version"]) == ("campaign", "v1")
    keys = {"runtime", "precision", "p50_us", "rows_per_s", "parity", "chosen"}
    assert all(keys <= c.keys() for c in made["candidates"])
    assert [c["runtime"] for c in made["candidates"] if c["chosen"]] == [made["runtime"]]

    setpoint.up()
    assert setpoint.ask("GET", "/v2/health/ready")[0] == 200
    row = {"age": 40, "balance": 1200.5, "job": "admin"}
    status, one, headers = setpoint.ask("POST", "/v1/models/campaign:predict", {"instances": [row]})
    assert (status, headers["x-model-version"]) == (200, "v1")
    inputs = [
        {"name": n, "shape": [1], "datatype": t, "data": [row[n]]}
        for n, t in (("age", "INT64"), ("balance", "FP64"), ("job", "BYTES"))
    ]
    status, two, _ = setpoint.ask("POST", "/v2/models/campaign/infer", {"inputs": inputs, "id": "mine"})
    outputs = {o["name"]: o["data"][0] for o in two["outputs"]}
    assert (status, two["id"], outputs) == (200, "mine", one["predictions"][0])

    world = calls(600, seed=1, turned=True)
    assert "600 received: 600 recorded" in deliver(setpoint, "campaign", world, tmp_path, "call", "bought")

    view = setpoint.json("status", "campaign")["deployments"][0]
    assert {"model", "champion", "challenger", "shares", "objectives", "incidents_open"} <= view.keys()
    found = setpoint.json("monitor", "campaign")["findings"]
    keys = {"monitor", "metric", "column", "segment", "window", "value", "limit", "alarm"}
    assert all(keys <= f.keys() for f in found)
    assert any(f["monitor"] == "quality" and f["alarm"] for f in found)
    assert "✗ roc_auc is 0." in setpoint.run("monitor").stdout
    setpoint.run("monitor", "--html", tmp_path / "report.html", "--fail-on", "alarm", code=2)
    assert "roc_auc is 0." in (tmp_path / "report.html").read_text()

    lines = setpoint.records("campaign")
    assert len(lines) == 602
    assert {"request_id", "time", "version", "role", "inputs", "outputs", "outcome"} <= lines[0].keys()
    assert lines[0]["request_id"] == headers["x-request-id"]
    told = {r["id"]: r for r in lines}
    assert [told[i]["outcome"] for i in world["call"]] == world["bought"].tolist()
    assert told["c0"]["inputs"] == json.loads(world.drop(columns=["call", "bought"]).iloc[0].to_json())

    said = setpoint.run("update", "campaign", "--by", "ann").stdout
    assert "refit v2: at the gate: " in said
    assert "the candidate is better by" in said
    assert "shadow v3: trained like v2, which passed the gate, on all rows up to" in said
    view = setpoint.json("status")["deployments"][0]
    assert (view["champion"], view["challenger"]) == ("v1", "v3")
    (objective,) = [o for o in view["objectives"] if o["metric"] == "roc_auc"]
    assert {"metric", "target", "value", "at_set_point"} <= objective.keys()
    assert objective["at_set_point"] is False
    assert objective["value"] < 0.5

    deliver(setpoint, "campaign", calls(250, seed=2, turned=True, first=600), tmp_path, "call", "bought")
    decisions = setpoint.tick() + setpoint.tick()
    assert [d["subject"] for d in decisions if d["action"] == "promote"] == ["v3"]
    assert setpoint.ask("POST", "/v1/models/campaign:predict", {"instances": [row]})[2]["x-model-version"] == "v3"

    before = digests(setpoint.home / "bundles" / "campaign" / "v1")
    assert "campaign is back on v1 (was v3)" in setpoint.run("rollback", "campaign").stdout
    status, again, headers = setpoint.ask("POST", "/v1/models/campaign:predict", {"instances": [row]})
    assert (headers["x-model-version"], again) == ("v1", one)
    assert digests(setpoint.home / "bundles" / "campaign" / "v1") == before
    assert "Down" in setpoint.run("down").stdout
    assert setpoint.says("down") == f"nothing is up on {setpoint.home}"
