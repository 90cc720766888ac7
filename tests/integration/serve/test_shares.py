"""Shares on real workers: sticky on whichever worker and protocol, as asked, recorded, changed without a failure."""

import threading
from collections import Counter

import numpy as np
import pytest
import tritonclient.grpc as triton

from setpoint.domain.live import Served
from setpoint.domain.routing import chosen
from setpoint.errors import Unusable

PREDICT = "/v1/models/demand:predict"
ROW = {"instances": [[1, 2, 3]]}
KEYS = [f"caller-{i}" for i in range(200)]


def meets(server, key):
    """The version that a key meets over REST, each time on a connection of its own."""
    status, headers, body = server.ask("POST", PREDICT, ROW, {"x-routing-key": key})
    assert status == 200, body
    version = headers["x-model-version"]
    assert body["predictions"][0] == pytest.approx(14 if version == "v1" else 1_014, abs=1e-2)
    return version


@pytest.fixture
def split(start):
    server = start(workers=2, grpc=True)
    server.serve(demand=Served(champion="v1", shares={"v2": 0.3}))
    return server


def test_a_key_meets_the_same_version_on_every_worker_and_in_both_protocols(split):
    expected = {key: chosen("demand", {"v2": 0.3}, key) or "v1" for key in KEYS}
    assert Counter(expected.values())["v2"] == pytest.approx(60, abs=26)  # four standard deviations
    assert {key: meets(split, key) for key in KEYS} == expected
    tensor = triton.InferInput("x", [1, 3], "FP64")
    tensor.set_data_from_numpy(np.array([[1.0, 2.0, 3.0]]))
    with triton.InferenceServerClient(f"127.0.0.1:{split.grpc_port}") as client:
        for key in KEYS[:40]:
            answer = client.infer("demand", [tensor], headers={"x-routing-key": key}).get_response()
            assert answer.model_version == expected[key]
        pinned = client.infer("demand", [tensor], model_version="v2", headers={"x-routing-key": KEYS[0]})
        assert pinned.get_response().model_version == "v2"
    split.stop()
    writers = {path.name.split("-")[1] for path in (split.home / "spool" / "demand").iterdir()}
    assert writers == {"0", "1"}
    records = split.records()
    assert {(r.version, r.role) for r in records} == {("v1", "champion"), ("v2", "challenger")}
    assert Counter(r.version for r in records) == Counter([*expected.values(), *map(expected.get, KEYS[:40]), "v2"])


def test_a_retry_with_the_same_request_id_meets_the_same_version(split):
    for i in range(20):
        met = {split.ask("POST", PREDICT, ROW, {"x-request-id": f"r{i}"})[1]["x-model-version"] for _ in range(3)}
        assert len(met) == 1


def test_shares_change_under_requests_without_a_failure_and_a_growing_one_keeps_its_keys(split):
    problems, enough = [], threading.Event()

    def load():
        while not enough.is_set():
            try:
                meets(split, "somebody")
            except Exception as e:
                problems.append(e)

    clients = [threading.Thread(target=load) for _ in range(2)]
    for client in clients:
        client.start()
    had = set()
    try:
        for share in (0.01, 0.2, 0.6, 0.99):
            split.serve(demand=Served(champion="v1", shares={"v2": share}))
            has = {key for key in KEYS[:50] if meets(split, key) == "v2"}
            assert has >= had
            had = has
        split.serve(demand=Served(champion="v2"))
    finally:
        enough.set()
        for client in clients:
            client.join()
    assert problems == []
    assert len(had) > 40


def test_a_challenger_that_cannot_be_loaded_is_refused_and_what_was_served_stays(split):
    with pytest.raises(Unusable, match=r"refused demand/v7: .* what was served before is served again"):
        split.serve(demand=Served(champion="v1", shares={"v2": 0.3, "v7": 0.1}))
    assert {s.versions["demand"].shares["v2"] for s in split.files.reports().values()} == {0.3}
    assert all(set(s.versions["demand"].shares) == {"v2"} for s in split.files.reports().values())
