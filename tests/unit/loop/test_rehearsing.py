"""A sleeping copy of the version before is woken, and must answer to the last bit what it answered when it served."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Cause
from setpoint.domain.schema import Handling
from setpoint.domain.value import from_json, replace, to_json
from setpoint.errors import Corrupt, ModelFailed
from setpoint.loop.looks.rehearsing import rehearsal_findings, rehearsed
from setpoint.maintain.hypotheses.way_back import explain
from setpoint.maintain.triage import triage
from tests.unit.versions.hand_made import NOW, SCHEMA, a_deployment, a_version

DAY = timedelta(days=1)


class Copies:
    """Sleeping copies of two versions, and how they wake: `off` is added to the answers, `error` is raised."""

    def __init__(self, folder: Path) -> None:
        pq.write_table(pa.table({"temp": [1.0, 2.0, 3.0], "hum": [0.0, 1.0, 2.0]}), folder / "reference.parquet")
        self.home, self.off, self.schema, self.woken = folder, 0.0, SCHEMA, list[str]()
        self.error: Exception | None = None
        self.ports: Any = SimpleNamespace(bundles=self, scorer=self, studies=True)

    def verify(self, model: str, version: str) -> None:
        if isinstance(self.error, Corrupt):
            raise self.error

    def get(self, model: str, version: str) -> Any:
        return a_version(version, schema=self.schema)

    def folder(self, model: str, version: str) -> Path:
        return self.home

    def apart(self, model: str, version: str, inputs: Any) -> Any:
        self.woken.append(version)
        if self.error is not None:
            raise self.error
        return {} if inputs is None else {"prediction": inputs["temp"] + self.off}, 0.4

    def rehearse(self, deployment: Deployment, now: Any = NOW) -> Deployment:
        last, answers = rehearsed(self.ports, deployment, now)
        deployment = replace(deployment, rehearsal=last, answers=answers)
        assert from_json(to_json(deployment), Deployment) == deployment
        return deployment


@pytest.fixture
def copies(tmp_path: Path) -> Copies:
    return Copies(tmp_path)


@pytest.fixture
def two(copies: Copies) -> Deployment:
    """A deployment whose first version was rehearsed while it served; then the second became champion."""
    first = copies.rehearse(a_deployment(["v1"]))
    assert first.rehearsal is not None
    assert (first.rehearsal.version, [k.version for k in first.answers]) == ("", ["v1"])
    return replace(a_deployment(["v1", "v2"]), rehearsal=first.rehearsal, answers=first.answers)


def test_the_same_answers_to_the_last_bit_are_a_way_back(copies: Copies, two: Deployment) -> None:
    after = copies.rehearse(two)
    assert after.rehearsal is not None
    assert (after.rehearsal.version, after.rehearsal.rows, after.rehearsal.why) == ("v1", 3, "")
    assert copies.woken == ["v1", "v2", "v1"]
    assert rehearsal_findings(after.rehearsal, NOW) == ()


def test_a_first_version_is_not_woken_within_its_first_hour(copies: Copies) -> None:
    first = a_deployment(["v1"])
    assert copies.rehearse(first, first.releases[0].at + timedelta(minutes=59)).rehearsal is None
    assert copies.woken == []


def test_it_is_rehearsed_each_day_and_never_in_a_replay(copies: Copies, two: Deployment) -> None:
    after = copies.rehearse(two)
    assert copies.rehearse(after, NOW + DAY / 2).rehearsal == after.rehearsal
    again = copies.rehearse(after, NOW + DAY)
    assert again.rehearsal is not None
    assert again.rehearsal.at == NOW + DAY
    copies.ports.studies = False
    assert copies.rehearse(again, NOW + 9 * DAY) == again


@pytest.mark.parametrize(
    ("off", "error", "why"),
    [
        (4e-16, None, "it answers 3 of 3 rows of its reference otherwise than when it served, by up to 4.44e-16"),
        (0.0, Corrupt("m.joblib differs from its digest"), "m.joblib differs from its digest"),
        (0.0, ModelFailed("no module named old"), "no module named old"),
    ],
)
def test_what_cannot_be_gone_back_to_is_an_incident_in_plain_words(
    copies: Copies, two: Deployment, off: float, error: Any, why: str
) -> None:
    ready = copies.rehearse(two)
    copies.off, copies.error = off, error
    last = copies.rehearse(ready, NOW + DAY).rehearsal
    assert last is not None
    assert last.why == why
    findings = rehearsal_findings(last, NOW + DAY)
    (incident,) = triage((), findings, NOW + DAY, model="demand", version="v2")
    (cause,) = explain(incident, None, None)  # type: ignore[arg-type]
    assert (incident.subject, cause.cause) == ("rollback", Cause.ARTEFACT)
    assert findings[0].detail == f"v2 could not be rolled back to v1: {why}"


def test_answers_to_sensitive_inputs_are_neither_asked_nor_kept(copies: Copies, two: Deployment) -> None:
    features = (replace(SCHEMA.features[0], sensitive=Handling.HASH), *SCHEMA.features[1:])
    copies.schema = replace(SCHEMA, features=features)
    after = copies.rehearse(replace(two, answers=()))
    assert after.rehearsal is not None
    assert (after.rehearsal.rows, after.rehearsal.failed, after.answers) == (0, False, ())
    assert "sensitive" in after.rehearsal.note


def test_answers_that_are_no_numbers_are_kept_too(copies: Copies, two: Deployment) -> None:
    copies.off = np.nan
    assert len(copies.rehearse(replace(two, answers=())).answers) == 2
