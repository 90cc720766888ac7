"""Sensitive fields in a running home: what a caller sent is found nowhere, and what must still work does."""

import http.client
import json
import struct
import urllib.request
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import tritonclient.grpc as triton
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tests.ports import free_ports

TEXT, NUMBER, ID = "XmarkerX", 98765.4375, "XpersonX"
SPELT = (TEXT.encode(), ID.encode(), b"98765.4375", struct.pack(">d", NUMBER), struct.pack("<d", NUMBER))
FIELDS = ["age", "balance", "city", "job"]


@pytest.fixture
def people(campaign: Path, calls: Any) -> Path:
    """The campaign with a city that is encrypted, a job that is hashed, and a balance that nobody keeps."""
    rows = calls(400, seed=0)
    rows["city"] = np.random.default_rng(1).choice(["Linz", "Graz", "Wels"], len(rows))
    known = OneHotEncoder(handle_unknown="ignore")
    prepare = make_column_transformer(
        (StandardScaler(), ["age", "balance"]), (known, ["city"]), (OneHotEncoder(), ["job"])
    )
    model = make_pipeline(prepare, LogisticRegression()).fit(rows[FIELDS], rows["bought"])
    joblib.dump(model, campaign / "campaign.joblib")
    rows.to_parquet(campaign / "reference.parquet", index=False)
    with (campaign / "setpoint.yaml").open("a") as file:
        file.write(
            "features:\n  balance: {sensitive: drop, max: 99999}\n  city: {sensitive: encrypt}\n"
            "  job: {sensitive: hash}\nsensitive: {id: hash, caller: hash}\n"
        )
    return campaign


@pytest.fixture
def running(setpoint: Any, people: Path) -> Any:
    setpoint.environment["SETPOINT_ACCESS_LOG"] = str(setpoint.home / "access.log")
    setpoint.environment["SETPOINT_FSYNC"] = "true"
    setpoint.run("deploy", people)
    setpoint.grpc, _ = free_ports()
    ports = "--port", setpoint.port, "--grpc-port", setpoint.grpc, "--control-port", setpoint.control
    setpoint.run("up", "--detach", *ports, "--workers", 1)
    return setpoint


def send(running: Any, path: str, body: bytes, kind: str = "application/json", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    try:
        connection.request("POST", path, body, {"content-type": kind, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def row(**changes: Any) -> dict[str, Any]:
    return {"age": 40, "balance": NUMBER, "city": TEXT, "job": "admin", **changes}


BAD: list[dict[str, Any]] = [
    row(age=TEXT),
    row(balance=TEXT),
    row(job=5, city=[TEXT]),
    row(job=None),
    row(job=TEXT),  # the model itself raises
    row(balance=-NUMBER * 1e300),
    row(balance=NUMBER + 1e6),
    row(**{TEXT: 1}),
    {"age": 1, TEXT: TEXT},
    row(call={"a": ID}),
]


def tensors(rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    kinds = {"age": "INT64", "balance": "FP64", "city": "BYTES", "job": "BYTES"}
    inputs = [{"name": n, "shape": [len(rows)], "datatype": kinds[n], "data": [r.get(n) for r in rows]} for n in FIELDS]
    return {"inputs": inputs, **more}


def bombard(running: Any) -> None:
    """Send the markers by every route, in forms that fit and in forms that do not."""
    v1, v2, mlflow = "/v1/models/campaign:predict", "/v2/models/campaign/infer", "/invocations"
    answers = []
    for each in [row(), row(call=ID), *BAD]:
        listed = [each.get(n) for n in FIELDS]
        for path, body in [
            (v1, {"instances": [each]}),
            (v1, {"instances": [listed]}),
            (v1, {"inputs": {n: [v] for n, v in each.items()}}),
            (v1, {"instances": [TEXT]}),
            (v1, {TEXT: [each]}),
            (v2, tensors([each])),
            (v2, tensors([each], id=ID)),
            (v2, tensors([each], outputs=[{"name": TEXT}])),
            (mlflow, {"dataframe_records": [each]}),
            (mlflow, {"dataframe_split": {"columns": list(each), "data": [list(each.values())]}}),
        ]:
            answers.append(send(running, path, json.dumps(body).encode(), **{"x-request-id": ID}))
        csv = pd.DataFrame([each]).to_csv(index=False).encode()
        answers += [send(running, mlflow, raw, "text/csv") for raw in (csv, csv.split(b"\n")[1] + b"\n" + csv)]
    answers.append(send(running, v1, f'{{"instances": [{{"city": "{TEXT}'.encode()))
    answers.append(send(running, v1, b"{}", f"text/{TEXT}"))
    answers.append(send(running, v1, b"{}", **{"x-routing-key": TEXT + "é", "x-request-timeout-ms": TEXT}))
    answers.append(send(running, "/v1/models/campaign:outcome", json.dumps({"id": ID, "value": TEXT}).encode()))
    assert {status for status, _ in answers} >= {200, 400, 415, 422, 500}
    refused = [body for status, body in answers if status != 200]
    assert not any(TEXT.encode() in body for body in refused), next(b for b in refused if TEXT.encode() in b)
    call_grpc(running)


def call_grpc(running: Any) -> None:
    said = []
    with triton.InferenceServerClient(f"127.0.0.1:{running.grpc}") as client:
        for each in [row(), row(job=TEXT), {**row(), TEXT: 1.0}]:
            inputs = []
            for name, value in each.items():
                kind = "BYTES" if isinstance(value, str) else "INT64" if name == "age" else "FP64"
                array = np.array([value], object if kind == "BYTES" else np.int64 if kind == "INT64" else np.float64)
                inputs.append(triton.InferInput(name, [1], kind))
                inputs[-1].set_data_from_numpy(array)
            try:
                client.infer("campaign", inputs, request_id=ID)
            except triton.InferenceServerException as e:
                said.append(str(e))
    assert len(said) == 2
    assert not any(TEXT in text for text in said)


def found_in(home: Path) -> list[str]:
    """Files of the home that hold a marker, Parquet unpacked."""
    found = []
    for file in sorted(f for f in home.rglob("*") if f.is_file()):
        raw = file.read_bytes()
        if file.suffix == ".parquet":
            raw += repr(pq.read_table(file).to_pylist()).encode()
        if any(mark in raw for mark in SPELT):
            found.append(str(file.relative_to(home)))
    return found


def test_what_is_sensitive_is_found_nowhere(running: Any, until: Any) -> None:
    bombard(running)
    until(lambda: (running.home / "access.log").read_text().count("h:") > 100)  # it is written every second
    assert found_in(running.home) == []  # in the spool
    running.tick()
    assert found_in(running.home) == []  # in the log
    assert (running.home / "key").stat().st_mode & 0o777 == 0o600
    for path in ("/metrics", "/openapi.json", "/v2/models/campaign", "/v2/health"):
        with urllib.request.urlopen(f"http://127.0.0.1:{running.port}{path}", timeout=60) as answer:
            page = answer.read()
        assert not any(mark in page for mark in SPELT[:3])
        assert b"Graz" not in page
    assert not any(b"Graz" in f.read_bytes() for f in (running.home / "bundles").rglob("*.json"))
    key = (running.home / "key").read_bytes().strip()
    others = [f for f in running.home.rglob("*") if f.is_file() and f.name != "key"]
    assert not any(key in f.read_bytes() for f in others)


def test_raw_ids_and_the_key_still_find_what_was_recorded(running: Any, tmp_path: Path) -> None:
    for i, job in enumerate(["admin", "admin", "retired"]):
        body = {"instances": [row(call=f"{ID}{i}", job=job)]}
        assert send(running, "/v1/models/campaign:predict", json.dumps(body).encode())[0] == 200
    told = {"outcomes": [{"id": f"{ID}0", "value": "yes"}]}
    assert send(running, "/v1/models/campaign:outcome", json.dumps(told).encode())[0] == 200
    file = tmp_path / "outcomes.csv"
    pd.DataFrame({"call": [f"{ID}1", "stranger"], "bought": ["no", "no"]}).to_csv(file, index=False)
    receipt = running.json("outcomes", "campaign", file, code=1)
    assert (receipt["recorded"], receipt["unknown_examples"]) == (2, ["stranger"])

    kept = running.records("campaign")
    assert [r["outcome"] for r in kept] == ["yes", "no", None]
    jobs, cities, callers = ({r["inputs"][n] for r in kept} for n in ("job", "city", "balance"))
    assert (len(jobs), len(cities), callers) == (2, 3, {None})  # equal hashes, other ciphertexts, nothing
    assert len({r["caller"] for r in kept}) == 1
    assert all(r["caller"].startswith("h:") for r in kept)

    def asked(*options: str) -> list[dict[str, Any]]:
        return [
            json.loads(line)
            for line in running.run("records", "campaign", "--json-lines", *options).stdout.splitlines()
        ]

    assert asked("--id", f"{ID}1") == [kept[1]]
    assert asked("--where", f"id == '{ID}2'") == [kept[2]]
    assert asked("--where", "job == 'admin'") == kept[:2]
    assert asked("--segment", "job=retired") == [kept[2]]
    assert {r["inputs"]["city"] for r in asked("--decrypt")} == {TEXT}
    assert "job (sensitive: hash)" in running.says("update", "campaign")

    receipt = running.json("erase", "campaign", "--id", f"{ID}1", "--yes", "--wait", "60")
    assert (receipt["rows"], receipt["outcomes"], receipt["lingering"]) == (1, 1, [])
    assert [r["id"] for r in running.records("campaign")] == [kept[0]["id"], kept[2]["id"]]
    assert found_in(running.home) == []
