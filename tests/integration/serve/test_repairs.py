"""Each repair at the door of a real worker: it answers as for healthy requests, and taken away it leaves no trace."""

import json

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from setpoint.bootstrap.home import open_home
from setpoint.config import Settings, read_setpoint_file
from setpoint.domain.feature_map import FeatureMap, Instead, Levels, Peer
from setpoint.domain.value import replace

SETPOINT = """\
model: bikes
task: regression
artifact: model.joblib
reference: reference.csv
target: y
objectives:
  - {metric: mae, at_most: 5}
"""
JSON = {"content-type": "application/json"}
HEALTHY = [[12.5, 14.0, 0.5, "clear"], [3.25, 1.0, 0.75, "grey"], [30.0, 33.5, 0.25, "clear"]]
PEER = Peer(feature="temp", weight=1.1, low=-10.0, high=40.0)
REPAIRS = {
    "inverse_map": (
        FeatureMap(id="m", feature="temp", scale=0.5, offset=-16.0),
        [[2 * t + 32, felt, hum, sky] for t, felt, hum, sky in HEALTHY],
        HEALTHY,
    ),
    "map_levels": (
        FeatureMap(id="m", feature="sky", levels=Levels(expected={"CLEAR": "clear"})),
        [[*row[:3], {"clear": "CLEAR"}.get(row[3], row[3])] for row in HEALTHY],
        HEALTHY,
    ),
    "swap_back": (
        FeatureMap(id="m", feature="temp", swap="hum"),
        [[hum, felt, t, sky] for t, felt, hum, sky in HEALTHY],
        HEALTHY,
    ),
    "impute": (
        FeatureMap(id="m", feature="temp", instead=Instead(constant=12.0)),  # its nulls are refused without it
        [[None, *row[1:]] for row in HEALTHY],
        [[12.0, *row[1:]] for row in HEALTHY],
    ),
    "impute_all": (
        FeatureMap(id="m", feature="felt", instead=Instead(peers=(PEER,), base=1.0, everywhere=True, constant=3.0)),
        [[row[0], 99.0, *row[2:]] for row in HEALTHY],
        [[row[0], 1.0 + 1.1 * row[0], *row[2:]] for row in HEALTHY],
    ),
    "ignore": (
        FeatureMap(id="m", feature="felt", instead=Instead(everywhere=True)),
        [[row[0], 1e9, *row[2:]] for row in HEALTHY],
        [[row[0], None, *row[2:]] for row in HEALTHY],
    ),
}


@pytest.fixture
def server(home, start, tmp_path):
    rng = np.random.default_rng(0)
    temp, sky = rng.normal(15, 9, 400), rng.choice(["clear", "grey"], 400)
    table = pd.DataFrame({"temp": temp, "felt": 1.1 * temp + rng.normal(size=400), "hum": rng.random(400), "sky": sky})
    table["y"] = table["temp"] + 10 * table["hum"] + 20 * (sky == "clear") + table["felt"]
    table.loc[::9, "felt"] = None
    names = ["temp", "felt", "hum", "sky"]
    rest = make_column_transformer((OneHotEncoder(sparse_output=False), ["sky"]), remainder="passthrough")
    model = make_pipeline(rest, HistGradientBoostingRegressor(max_iter=40)).fit(table[names], table["y"])
    joblib.dump(model, tmp_path / "model.joblib")
    table.to_csv(tmp_path / "reference.csv", index=False)
    (tmp_path / "setpoint.yaml").write_text(SETPOINT)
    open_home(Settings(home=home)).deploy(read_setpoint_file(tmp_path), by="test")
    return start()


def test_each_repair_mends_and_its_undo_restores_every_byte(server):
    """One server for all of them, for starting one takes a second."""
    served = server.platform.live().models["bikes"]
    for name, (repair, faulty, seen) in REPAIRS.items():
        before = [answer(server, rows) for rows in (HEALTHY, faulty)]
        wanted = answer(server, seen)
        server.serve(bikes=replace(served, maps=(repair,)))
        assert answer(server, faulty) == wanted, name
        record = server.records("bikes")[-1]
        assert (record.maps, record.inputs["temp"]) == ([repair.id], [row[0] for row in faulty])
        assert [answer(server, [row]) for row in faulty] == [answer_of(wanted, i) for i in range(len(faulty))]
        server.serve(bikes=served)
        assert [answer(server, rows) for rows in (HEALTHY, faulty)] == before, name
        assert server.records("bikes")[-1].maps == []
    assert before[0] != wanted


def answer(server, rows):
    """Return the status and the body, byte by byte."""
    connection = server.connect()
    connection.request("POST", "/v1/models/bikes:predict", json.dumps({"instances": rows}), JSON)
    found = connection.getresponse()
    whole = found.status, found.read()
    connection.close()
    return whole


def answer_of(whole, row):
    one = {"predictions": [json.loads(whole[1])["predictions"][row]]}
    return whole[0], json.dumps(one, separators=(",", ":")).encode()
