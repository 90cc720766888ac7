"""Each remedy on a real worker: it answers as it should under the fault, and taken back it leaves no trace."""

import json
from types import SimpleNamespace

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
from setpoint.domain.baseline import BASELINE
from setpoint.domain.incident import Incident, IncidentStatus
from setpoint.domain.live import Served
from setpoint.loop import actions as do
from setpoint.loop.acts import act
from setpoint.loop.taking import taken_back
from setpoint.loop.verbs.deploying import deploy
from tests.remedies import HEALTHY, REMEDIES, SCHEMA
from tests.unit.versions.hand_made import NOW, a_deployment

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
BEFORE = Served(champion="v2", standby="v1")


@pytest.fixture
def server(home, start, tmp_path):
    """Two versions; the second one is champion."""
    rng = np.random.default_rng(0)
    temp, sky = rng.normal(15, 9, 400), rng.choice(["clear", "grey"], 400)
    table = pd.DataFrame({"temp": temp, "felt": 1.1 * temp + rng.normal(size=400), "hum": rng.random(400), "sky": sky})
    table["y"] = table["temp"] + 10 * table["hum"] + 20 * (sky == "clear") + table["felt"]
    table.loc[::9, "felt"] = None
    names = ["temp", "felt", "hum", "sky"]
    table.to_csv(tmp_path / "reference.csv", index=False)
    (tmp_path / "setpoint.yaml").write_text(SETPOINT)
    for trees in (20, 40):
        rest = make_column_transformer((OneHotEncoder(sparse_output=False), ["sky"]), remainder="passthrough")
        model = make_pipeline(rest, HistGradientBoostingRegressor(max_iter=trees)).fit(table[names], table["y"])
        joblib.dump(model, tmp_path / "model.joblib")
        deploy(open_home(Settings(home=home)), read_setpoint_file(tmp_path), by="test")
    return start()


def deployed(repair):
    incident = Incident(
        id="i", model="demand", status=IncidentStatus.OPEN, since=NOW, opened=NOW, subject=repair.subject,
        findings=(), repair=repair,
    )  # fmt: skip
    return a_deployment(["v1", "v2"], served=BEFORE, incidents=(incident,))


def test_each_remedy_mends_and_its_undo_restores_every_byte(server):
    """One server for all of them, for starting one takes a second; each is put in place as the loop does."""
    for name, case in REMEDIES.items():
        requests = [case.faulty, *([row] for row in case.faulty)]
        wanted = meant(server, case)
        server.serve(bikes=BEFORE)
        before = [answer(server, rows) for rows in (HEALTHY, *requests)]
        mend = do.Mend(incident="i", repair=case.repair, why="")
        mended = act(mend, None, deployed(case.repair), SimpleNamespace(now=NOW))
        assert (mended.served != BEFORE) is case.repair.changes_answers
        server.serve(bikes=mended.served)
        found = [answer(server, rows) for rows in requests]
        if case.repair.isolation is not None:
            found = [(status, b"" if status == 422 else body) for status, body in found]
        assert found == wanted, name
        record = server.records("bikes")[-len(requests)]
        assert case.repair.isolation or record.inputs["temp"] == [row[0] for row in case.faulty], name  # as it came
        assert (case.repair.map is None) or (case.repair.map.id in record.maps)
        undone = taken_back(mended, "i", NOW, "", helped=False, by="ann")
        server.serve(bikes=undone.served)
        assert [answer(server, rows) for rows in (HEALTHY, *requests)] == before, name
        assert server.records("bikes")[-1].maps == []
        assert not case.repair.changes_answers or wanted != before[1:]


def meant(server, case):
    """Return what must be answered under the remedy: to all faulty rows in one request, and to each alone."""
    rows = case.seen or case.faulty
    requests = [rows, *([row] for row in rows)]
    by = {}
    for version in ("v1", "v2"):
        server.serve(bikes=Served(champion=version))
        by[version] = [answer(server, request) for request in requests]
    if case.repair.to_version:
        return by[case.repair.to_version]
    if case.repair.isolation is not None:
        return [(422, b"") if HEALTHY[1] in request else by["v2"][i] for i, request in enumerate(requests)]
    if (fallback := case.repair.fallback) is None:
        return by["v2"]
    if fallback.baseline is not None:
        by[BASELINE] = [
            (200, json.dumps(({"predictions": [row[0] for row in r]}), separators=(",", ":")).encode())
            for r in requests
        ]
    at, asked = SCHEMA.names.index(fallback.within.feature), [case.faulty, *([row] for row in case.faulty)]
    dtype = SCHEMA.features[at].dtype
    within = [any(fallback.within.has(row[at], dtype) for row in request) for request in asked]
    return [by[fallback.version if inside else "v2"][i] for i, inside in enumerate(within)]


def answer(server, rows):
    """Return the status and the body, byte by byte."""
    connection = server.connect()
    connection.request("POST", "/v1/models/bikes:predict", json.dumps({"instances": rows}), JSON)
    found = connection.getresponse()
    whole = found.status, found.read()
    connection.close()
    return whole
