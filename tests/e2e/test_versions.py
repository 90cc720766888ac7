"""A version is whole or it is not served: what a roll back brings back, and what a flipped byte anywhere does."""

import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.tree import DecisionTreeClassifier

from setpoint.bootstrap.home import open_home
from setpoint.config import Settings, read_setpoint_file
from setpoint.domain.live import Served
from setpoint.domain.value import to_json
from setpoint.errors import Corrupt, Unsafe
from setpoint.loop.verbs import deploying, versions
from setpoint.loop.verbs.operator import Operator
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


@dataclass
class Two:
    """A server with two versions: `first` and `second` are what they answer to `asked`, status and bytes."""

    setpoint: Any
    operator: Operator
    asked: list[dict[str, Any]]
    first: tuple[int, bytes]
    second: tuple[int, bytes]

    @property
    def now(self) -> tuple[int, bytes]:
        return answered(self.setpoint, self.asked)

    def serve(self, version: str) -> None:
        """Tell the workers alone, as the control process never would of a version that it refuses."""
        platform = self.operator.ports.platform
        platform.apply(platform.live().having("campaign", Served(champion=version)))


@pytest.fixture
def two(setpoint: Any, campaign: Path, calls: Any) -> Two:
    """A signed version with a contract, and after it one that answers otherwise and has none; the second is live."""
    operator = open_home(Settings(home=setpoint.home, signatures="trusted"))
    Signing(setpoint.home).make_key()
    text, rows = (campaign / "setpoint.yaml").read_text(), calls(300, seed=0)
    (campaign / "setpoint.yaml").write_text(text + CONTRACT)
    deploying.deploy(operator, read_setpoint_file(campaign), by="test")
    setpoint.environment["SETPOINT_SIGNATURES"] = "trusted"
    setpoint.up()
    asked = json.loads(calls(40, seed=3).drop(columns=["bought", "call"]).to_json(orient="records"))
    first = answered(setpoint, asked)
    pipeline = joblib.load(campaign / "campaign.joblib")
    pipeline.steps[-1] = ("tree", DecisionTreeClassifier(max_depth=3, random_state=0))
    joblib.dump(pipeline.fit(rows[["age", "balance", "job"]], rows["bought"]), campaign / "campaign.joblib")
    (campaign / "setpoint.yaml").write_text(text + "allow: [campaign.Odd]\n")
    deploying.deploy(operator, read_setpoint_file(campaign), by="test")
    return Two(setpoint, operator, asked, first, answered(setpoint, asked))


def test_a_roll_back_is_whole_and_what_is_damaged_or_a_stranger_s_is_refused(two: Two, tmp_path: Path) -> None:
    assert two.first[0] == two.second[0] == 200
    assert two.first != two.second
    before = files_of(two.setpoint, "v1")
    assert answered(two.setpoint, [TOO_OLD])[0] == 200

    assert two.operator.rollback("campaign", to=None, by="test").allow == ()
    assert two.now == two.first  # bit for bit
    assert answered(two.setpoint, [TOO_OLD])[0] == 422  # the contract is back
    assert files_of(two.setpoint, "v1") == before

    a_flipped_byte_anywhere_is_refused(two)
    a_stranger_s_signature_is_refused(two, tmp_path / "stranger")

    two.operator.ports.bundles.sign("campaign", "v2")  # by one who is trusted
    two.operator.rollback("campaign", to="v2", by="test")
    assert two.now == two.second
    assert all(c.ok for c in versions.verified(two.operator))


def a_flipped_byte_anywhere_is_refused(two: Two) -> None:
    """By the control process and by the workers, while the first version answers as before."""
    two.serve("v1")  # alone: what workers hold ready was checked when they loaded it
    damaged = files_of(two.setpoint, "v2")
    assert {f.name for f in damaged} >= {"bundle.json", "bundle.seal", "campaign.joblib", "model.onnx", "limits.json"}
    for file, raw in damaged.items():
        file.chmod(0o644)
        file.write_bytes(raw[:-20] + bytes([raw[-20] ^ 4]) + raw[-19:])
        with pytest.raises(Corrupt, match=file.name):
            two.operator.rollback("campaign", to="v2", by="test")
        with pytest.raises(Corrupt, match=rf"worker 0 refused campaign/v2: .*{file.name}"):
            two.serve("v2")
        assert two.now == two.first
        file.write_bytes(raw)
    assert two.operator.deployments("campaign")[0].served.champion == "v1"


def a_stranger_s_signature_is_refused(two: Two, stranger: Path) -> None:
    stranger.mkdir()
    signer = Signing(stranger).make_key()
    seal = two.setpoint.home / "bundles" / "campaign" / "v2" / "bundle.seal"
    seal.write_bytes(to_json(Signing(stranger).seal(seal.with_name("bundle.json").read_bytes()), pretty=True))
    said = f"campaign v2 is signed by {signer}, which is not among the keys trusted"
    with pytest.raises(Unsafe, match=said):
        two.operator.rollback("campaign", to="v2", by="test")
    with pytest.raises(Unsafe, match=f"worker 0 refused campaign/v2: {said}"):
        two.serve("v2")
    assert two.now == two.first
