"""Alarms about the feed of outcomes become incidents, are explained by it, and hold what learns from it."""

import dataclasses

import numpy as np
import pytest

from setpoint.domain.incident import Cause, IncidentStatus, Remedy
from setpoint.domain.value import replace
from setpoint.maintain.investigate import investigate
from setpoint.maintain.triage import triage


@pytest.fixture
def late(finding):
    said = {"rows": 30, "value": 1.0, "limit": 0.1, "detail": "100 % of 30 outcomes had not come"}
    return finding("feed", "late", "demand", **said)


def look(incidents, findings, now):
    return triage(incidents, findings, now, model="demand", version="v1")


def test_outcomes_that_stay_away_open_an_incident_that_holds(late, incident, world, score):
    (one,) = look((), [late], late.until)
    assert one.subject == "outcomes"
    case = world()
    unknown = np.full(len(case.suspect), np.datetime64("NaT", "us"))
    case = dataclasses.replace(case, suspect=dataclasses.replace(case.suspect, known=unknown))
    causes, repair = investigate(one, case, score)
    assert causes[0].cause is Cause.OUTCOMES
    assert causes[0].weight > 0.9
    assert (repair.remedy, repair.subject) == (Remedy.HOLD, "outcomes")


def test_outcomes_that_stand_still_hold(finding, world, score):
    still = finding("feed", "constant", "demand", rows=200, value=200.0, limit=20.0, detail="200 are all 0")
    causes, repair = investigate(look((), [still], still.until)[0], world(), score)
    assert causes[0].cause is Cause.OUTCOMES
    assert repair.remedy is Remedy.HOLD


def test_quality_joins_an_incident_about_outcomes_and_their_level_one_about_quality(late, finding):
    quality, level = finding("quality", "mae_step", None), finding("feed", "level", "demand")
    known = look((), [late], late.until)
    (one,) = look(known, [quality], late.until)
    assert {f.monitor for f in one.findings} == {"feed", "quality"}
    known = look((), [quality], late.until)
    (one,) = look(known, [level], late.until)
    assert one.subject == "quality"


def test_what_a_closed_incident_explains_opens_no_other(late):
    (one,) = look((), [late], late.until)
    over = replace(one, status=IncidentStatus.CLOSED, closed=late.until)
    assert look((over,), [late], late.until) == (over,)
