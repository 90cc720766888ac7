"""A version is whole or it is not served: what a roll back brings back, and what a flipped byte anywhere does."""

import http.client
import json
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.tree import DecisionTreeClassifier

from setpoint.bootstrap.home import open_home
from setpoint.config import Settings
from setpoint.domain.live import Live, Served
from setpoint.domain.value import to_json
from setpoint.errors import Corrupt, Unsafe
from setpoint.loop.operator import Operator
from setpoint.store.signing import Signing

CONTRACT = "features:\n  age: {min: 18, max: 90}\n"
TOO_OLD = {"age": 120, "balance": 900.0, "job": "admin"}


def answered(setpoint: Any, rows: list[dict[str, Any]]) -> tuple[int, bytes]:
    """Status and body, as they came."""
    connection = http.client.HTTPConnection("127.0.0.1", setpoint.port, timeout=60)
    connection.request("POST", "/v1/models/campaign:predict", json.dumps({"instances": rows}))
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def files_of(setpoint: Any, version: str) -> dict[Path, bytes]:
    folder = setpoint.home / "bundles" / "campaign" / version
    return {file: file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.fixture
def two(setpoint: Any, campaign: Path, calls: Any) -> tuple[Any, list[dict[str, Any]], tuple[int, bytes], Operator]:
    """A signed first version with a contract, and a second that answers otherwise and has none, both served once."""
    setpoint.environment["SETPOINT_SIGNATURES"] = "trusted"
    setpoint.run("versions", "keygen")
    text, rows = (campaign / "setpoint.yaml").read_text(), calls(300, seed=0)
    (campaign / "setpoint.yaml").write_text(text + CONTRACT)
    setpoint.run("deploy", campaign)
    setpoint.up()
    asked = json.loads(calls(40, seed=3).drop(columns=["bought", "call"]).to_json(orient="records"))
    first = answered(setpoint, asked)
    assert first[0] == 200, first
    pipeline = joblib.load(campaign / "campaign.joblib")
    pipeline.steps[-1] = ("tree", DecisionTreeClassifier(max_depth=3, random_state=0))
    joblib.dump(pipeline.fit(rows[["age", "balance", "job"]], rows["bought"]), campaign / "campaign.joblib")
    (campaign / "setpoint.yaml").write_text(text + "allow: [campaign.Odd]\n")
    setpoint.run("deploy", campaign)
    return setpoint, asked, first, open_home(Settings(home=setpoint.home, signatures="trusted"))


def test_a_roll_back_brings_everything_back_and_damage_anywhere_is_refused(two: Any, tmp_path: Path) -> None:
    setpoint, asked, first, operator = two
    before = files_of(setpoint, "v1")
    second = answered(setpoint, asked)
    assert second != first
    assert answered(setpoint, [TOO_OLD])[0] == 200
    assert operator.deployments("campaign")[0].allow == ("campaign.Odd",)

    setpoint.run("rollback", "campaign")
    assert answered(setpoint, asked) == first  # bit for bit
    assert answered(setpoint, [TOO_OLD])[0] == 422  # the contract is back
    assert files_of(setpoint, "v1") == before
    assert operator.deployments("campaign")[0].allow == ()

    damaged = files_of(setpoint, "v2")
    assert {f.name for f in damaged} >= {"bundle.json", "bundle.seal", "campaign.joblib", "model.onnx", "limits.json"}
    for file, raw in damaged.items():
        file.chmod(0o644)
        file.write_bytes(raw[:-20] + bytes([raw[-20] ^ 4]) + raw[-19:])
        live: Live = operator.ports.platform.live()
        for change in (
            lambda: operator.rollback("campaign", to="v2", by="test"),  # the control process looks first
            lambda live=live: operator.ports.platform.apply(live.having("campaign", Served(champion="v2"))),  # workers
        ):
            with pytest.raises(Corrupt, match=file.name):
                change()
            assert answered(setpoint, asked) == first
        file.write_bytes(raw)
    assert setpoint.json("status")["deployments"][0]["champion"] == "v1"

    stranger = tmp_path / "stranger"
    stranger.mkdir()
    signer = Signing(stranger).make_key()
    seal = next(file for file in damaged if file.name == "bundle.seal")
    seal.write_bytes(to_json(Signing(stranger).seal((seal.parent / "bundle.json").read_bytes()), pretty=True))
    said = setpoint.says("rollback", "campaign", "--to", "v2")
    assert f"campaign v2 is signed by {signer}, which is not among the keys trusted" in said
    with pytest.raises(Unsafe, match=f"worker 0 refused campaign/v2: campaign v2 is signed by {signer}"):
        operator.ports.platform.apply(operator.ports.platform.live().having("campaign", Served(champion="v2")))
    assert answered(setpoint, asked) == first

    setpoint.run("versions", "sign", "campaign", "v2")  # by one who is trusted
    setpoint.run("rollback", "campaign", "--to", "v2")
    assert answered(setpoint, asked) == second
    assert setpoint.json("versions", "verify")["versions"] == [
        {"model": "campaign", "version": v, "ok": True, "wrong": ""} for v in ("v1", "v2")
    ]
