"""Inputs audited at their source: a skew is found, named and held for, and over when the source agrees again."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from setpoint.domain.audited import Audit
from setpoint.domain.envelope import Envelope
from setpoint.domain.incident import Cause, IncidentStatus, Remedy
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput
from setpoint.loop.verbs.auditing_by_hand import audit_table

FETCH = """
import pandas as pd

def fetch(ids, times, inputs):
    table = pd.read_parquet("{truth}").set_index("id")
    return table.loc[[i for i in ids if i in table.index], ["wind", "hum"]]
"""
FIRST, LAST = 20, 24  # days on which what is sent is old


def stale_wind(rows: pd.DataFrame) -> pd.DataFrame:
    day = np.arange(len(rows)) // 24
    return rows.assign(wind=np.where((day >= FIRST) & (day < LAST), rows["wind"].shift(5), rows["wind"]))


@pytest.fixture
def sent(world, tmp_path):
    """A world whose wind is stale for some days, and the table of what its source says."""
    truth = []

    def kept(rows):
        truth.append(rows)
        return stale_wind(rows)

    made = world(kept, envelope=Envelope(false_actions_per_year=12.0))
    truth[0].to_parquet(tmp_path / "truth.parquet", index=False)
    (tmp_path / "features.py").write_text(FETCH.format(truth=tmp_path / "truth.parquet"))
    return made, truth[0]


def test_a_skew_is_found_held_for_and_over_when_the_source_agrees(sent, tmp_path):
    made, _ = sent
    state = made.operator.ports.state
    state.save(replace(made.deployment, audit=Audit(function=f"{tmp_path}/features.py:fetch", rows_per_day=24)))
    made.until(FIRST)
    assert made.deployment.incidents == ()
    assert made.deployment.audits[-1].columns == ("hum", "wind")
    made.until(FIRST + 2)
    one = made.incident
    assert (one.causes[0].cause, one.causes[0].subject) == (Cause.SKEW, "wind")
    assert one.repair.remedy is Remedy.HOLD
    assert f"{one.since:%m-%d}" == "03-21"
    assert made.deployment.distrusts == one
    assert one.findings[0].examples
    made.until(LAST)
    asked = [one.investigated, *made.incident.asked_again]
    assert len(asked) > 1
    assert all(b - a >= timedelta(hours=23) for a, b in pairwise(asked))  # no more rows than audits take in that time
    made.until(LAST + 3)
    assert made.incident.status is IncidentStatus.CLOSED
    assert made.deployment.distrusts is None


def worse_and_worse(rows: pd.DataFrame) -> pd.DataFrame:
    """Send the temperature of another day in some rows of the first day, and in all from then on."""
    day, rng = np.arange(len(rows)) // 24, np.random.default_rng(0)
    share = np.where(day == FIRST, 0.4, np.where(day > FIRST, 1.0, 0.0))
    return rows.assign(temp=np.where(rng.random(len(rows)) < share, rng.permutation(rows["temp"]), rows["temp"]))


def test_where_a_column_is_held_for_its_source_is_asked_again_until_something_brings_it_back(world, tmp_path):
    truth = []

    def kept(rows):
        truth.append(rows)
        return worse_and_worse(rows)

    made = world(kept, envelope=Envelope(automatic=("impute", "hold"), false_actions_per_year=12.0))
    truth[0].to_parquet(tmp_path / "truth.parquet", index=False)
    source = FETCH.replace('"wind", "hum"', '"temp"').format(truth=tmp_path / "truth.parquet")
    (tmp_path / "features.py").write_text(source)
    state = made.operator.ports.state
    state.save(replace(made.deployment, audit=Audit(function=f"{tmp_path}/features.py:fetch", rows_per_day=24)))
    made.until(FIRST + 1)
    held = made.incident.repair
    assert (held.remedy, held.in_force, made.deployment.served.maps) == (Remedy.HOLD, True, ())
    made.until(FIRST + 2)
    one = made.incident
    assert (one.repair.remedy, one.repair.cause, len(one.asked_again)) == (Remedy.IMPUTE, Cause.SKEW, 1)
    assert "97.5 % interval" in one.repair.proof  # each time has half of the error of the one before
    assert made.deployment.served.maps == (one.repair.map,)
    assert [(t.repair.remedy, t.repair.refuted) for t in one.tried] == [(Remedy.HOLD, False)]
    made.until(FIRST + 4)
    assert (made.incident.status, made.incident.asked_again) == (IncidentStatus.HELD, one.asked_again)


def test_a_table_of_true_inputs_is_an_audit_that_the_loop_acts_on(sent):
    made, truth = sent
    made.until(FIRST + 2)
    ports, now = made.operator.ports, made.clock.now() + timedelta(seconds=1)  # after the look
    assert made.deployment.incidents == ()
    audits = audit_table(ports, "demand", pa.Table.from_pandas(truth[["id", "wind", "temp"]]), None, now)
    assert [a.of("wind") is not None for a in audits] == [False] * FIRST + [True] * 2
    assert all(a.of("temp") is None for a in audits)
    assert audit_table(ports, "demand", pa.Table.from_pandas(truth[["id", "wind", "temp"]]), None, now) == audits
    assert made.deployment.audits == audits  # once
    made.until(FIRST + 3)
    assert made.incident.causes[0].cause is Cause.SKEW
    with pytest.raises(InvalidInput, match="the table has no column 'id'"):
        audit_table(ports, "demand", pa.table({"wind": [1.0]}), None, now)
    with pytest.raises(InvalidInput, match="more than one row whose id is 'x'"):
        audit_table(ports, "demand", pa.table({"id": ["x", "x"], "wind": [1.0, 2.0]}), None, now)
