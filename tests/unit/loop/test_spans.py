"""What counts as usual while a fault lasts: rows under a proven repair as the model saw them, no doubtful ones."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from setpoint.domain.feature_map import FeatureMap, Instead
from setpoint.domain.incident import Cause, IncidentStatus, Remedy
from setpoint.domain.value import replace
from setpoint.loop.looks.spans import as_answered, as_repaired, doubtful_spans, natural, sees_spoiled, untouched


def held_since(made: Any, days: int, **changes: Any) -> Any:
    """A deployment under a repair that was proven a day after the fault began."""
    since = made.now - days * made.day
    repair = made.repair(applied=since + made.hour, recovered=since + made.day, **changes)
    return made.deployment(incidents=(made.incident(repair, status=IncidentStatus.HELD, since=since),))


def sent(made: Any, days: int) -> Any:
    """The last weeks, in which the temperature comes in °F, and is mapped from the second hour on."""
    healthy = made.rows(made.now - 56 * made.day, made.now - days * made.day)
    since = made.rows(made.now - days * made.day, made.now, scale=1.8, seed=1)
    since = dataclasses.replace(
        since,
        inputs={**since.inputs, "temp": since.inputs["temp"] + 32},
        maps=np.array(["", *["m1"] * (len(since) - 1)], object),
    )
    return made.joined(healthy, since)


def test_under_a_proven_repair_rows_are_usual_as_the_model_saw_them(made: Any) -> None:
    rows, deployment = sent(made, 40), held_since(made, 40)
    usual = natural(rows.between(made.now - 28 * made.day, made.now), deployment)
    assert len(usual) == 28 * 24
    assert usual.inputs["temp"].mean() == pytest.approx(15, abs=1)
    assert set(usual.maps) == {""}  # they are mended once
    assert untouched(rows, deployment).sum() == len(rows) - 1  # one came before the repair


def test_before_it_is_proven_they_are_doubtful(made: Any) -> None:
    deployment = held_since(made, 10)
    (incident,) = deployment.incidents
    mending = replace(incident, repair=replace(incident.repair, recovered=None))
    rows = sent(made, 10)
    assert len(natural(rows, replace(deployment, incidents=(mending,)))) == len(rows) - 240


def test_what_stands_in_the_place_of_a_value_is_not_usual(made: Any) -> None:
    frozen = FeatureMap(id="m1", feature="temp", instead=Instead(constant=12.0, everywhere=True))
    usual = natural(sent(made, 10), held_since(made, 10, map=frozen))
    assert np.isnan(usual.inputs["temp"]).sum() == 239
    assert not np.isnan(usual.inputs["hum"]).any()


def test_while_outcomes_are_held_inputs_are_usual_and_outcomes_unknown(made: Any) -> None:
    hold = made.repair(Remedy.HOLD, subject="outcomes", applied=made.now - 9 * made.day)
    since = made.now - 10 * made.day
    deployment = made.deployment(incidents=(made.incident(hold, status=IncidentStatus.MENDING, since=since),))
    rows = made.rows(made.now - 28 * made.day, made.now)
    usual = natural(rows, deployment)
    assert (len(usual), len(usual.labelled)) == (28 * 24, 18 * 24 - 1)  # of the last hour before, it came within
    assert untouched(rows, deployment).sum() == 18 * 24


def test_rows_of_a_named_fault_tell_nothing_of_the_model_when_it_is_over(made: Any) -> None:
    """They came in °F for ten days, in the first hour without the repair; a training set repairs that hour too."""
    rows, (incident,) = sent(made, 10), held_since(made, 10).incidents
    assert len(as_answered(rows, made.deployment(incidents=(incident,)))) == len(rows) - 1  # it lasts, and is mended
    over = replace(incident, status=IncidentStatus.CLOSED, closed=made.now)
    closed = made.deployment(incidents=(over,))
    assert len(as_answered(rows, closed)) == len(rows) - 10 * 24
    assert len(as_repaired(rows, closed)) == len(rows)
    unmended = made.deployment(incidents=(replace(over, repair=None),))
    assert len(as_answered(rows, unmended)) == len(as_repaired(rows, unmended)) == len(rows) - 10 * 24
    unnamed = (replace(over, repair=None, causes=(replace(over.causes[0], weight=0.6),)), replace(over, causes=()))
    for doubted in unnamed:
        assert len(as_answered(rows, made.deployment(incidents=(replace(doubted, repair=None),)))) == len(rows)


@pytest.mark.parametrize("status", [IncidentStatus.WAITING, IncidentStatus.CLOSED])
def test_a_repair_that_nobody_approved_leaves_its_rows_spoiled(made: Any, status: IncidentStatus) -> None:
    rows, since = sent(made, 10), made.now - 10 * made.day
    closed = made.now if status is IncidentStatus.CLOSED else None
    deployment = made.deployment(incidents=(made.incident(made.repair(), status=status, since=since, closed=closed),))
    assert len(as_answered(rows, deployment)) == len(as_repaired(rows, deployment)) == len(rows) - 10 * 24
    (left,) = doubtful_spans(deployment, made.now)
    assert (left.since, left.until) == (since, made.now)


def test_two_columns_broken_at_once_are_named_each(made: Any) -> None:
    since = made.now - 10 * made.day
    told = made.incident(made.repair(), since=since, closed=made.now, status=IncidentStatus.CLOSED)
    one, (temp, *_) = replace(told, repair=None), told.causes
    both = replace(one, causes=(replace(temp, weight=0.5), replace(temp, subject="hum", weight=0.49)))
    same = replace(one, causes=(replace(temp, weight=0.5), replace(temp, cause=Cause.FROZEN, weight=0.49)))
    rows = sent(made, 10)
    assert [len(rows) - len(as_repaired(rows, made.deployment(incidents=(i,)))) for i in (both, same)] == [240, 0]


def test_held_outcomes_tell_nothing_by_request_or_by_arrival(made: Any) -> None:
    hold = made.repair(Remedy.HOLD, subject="outcomes", applied=made.now - 9 * made.day)
    since = made.now - 10 * made.day
    told = made.incident(hold, cause=Cause.OUTCOMES, status=IncidentStatus.CLOSED, since=since, closed=made.now)
    rows = made.rows(made.now - 28 * made.day, made.now)
    for kept in (as_answered, as_repaired):
        assert len(kept(rows, made.deployment(incidents=(told,)))) == 18 * 24 - 1


@pytest.mark.parametrize(("days", "sees"), [(10, True), (9, False), (12, False)])
def test_an_alarm_about_rows_of_a_named_fault_is_no_reason_to_train(made: Any, days: int, sees: bool) -> None:
    """It came ten days ago, and was mended within the hour: what is seen under the repair is no fault of the inputs."""
    begin = made.now - days * made.day
    alarm = made.finding(monitor="quality", metric="mae_step", column=None, since=begin, until=begin + made.day)
    assert sees_spoiled(alarm, held_since(made, 10)) is sees
