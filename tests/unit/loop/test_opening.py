"""A column that broke beside the one that a repair was found for gets an incident, a cause and a repair of its own."""

import dataclasses
from typing import Any

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.incident import Cause, Hypothesis, IncidentStatus
from setpoint.domain.value import replace
from setpoint.loop.opening import with_others
from setpoint.maintain.case import Case

UNIT = Hypothesis(cause=Cause.UNIT, subject="temp", weight=0.5)
NULL = Hypothesis(cause=Cause.NULL, subject="hum", weight=0.5)


def first_of(made: Any) -> Any:
    repair = replace(made.repair(), cause=Cause.UNIT, subject="temp", applied=None)
    one = made.incident(repair, status=IncidentStatus.OPEN)
    found = (made.finding(column="temp"), made.finding(column="hum"))
    return replace(one, causes=(UNIT, NULL), findings=found, investigated=made.now)


def case_of(made: Any) -> Case:
    rows, release = made.rows(made.now - made.day, made.now), made.deployment().releases[0]
    return Case(
        schema=made.look().champion.schema, binning=None, healthy=rows, suspect=rows, champion=release, previous=None,
        now=made.now,
    )  # fmt: skip


def opened_by(made: Any, repair: Any, cause: Cause = Cause.NULL) -> Any:
    """Return what is thought over, and the incidents after it, where the second look finds a repair, or none."""
    seen, first = [], first_of(made)

    def think(incident: Any, case: Case) -> Any:
        seen.append((incident.subject, [m.feature for m in case.maps]))
        return replace(incident, causes=(replace(NULL, cause=cause, weight=1.0),), repair=repair, investigated=case.now)

    after = with_others(made.deployment(incidents=(first,)), first, case_of(made), think)
    return seen, after


def test_the_second_column_is_looked_into_as_if_the_first_were_mended(made: Any) -> None:
    mend = FeatureMap(id="x.impute", feature="hum")
    seen, after = opened_by(made, replace(made.repair(), map=mend, cause=Cause.NULL, subject="hum", applied=None))
    assert seen == [("hum", ["temp"])]
    one, other = after.incidents
    assert [f.column for f in one.findings] == ["temp"]
    assert [f.column for f in other.findings] == ["hum"]
    assert (other.subject, other.status, other.repair.map) == ("hum", IncidentStatus.OPEN, mend)
    assert [d.action for d in after.decisions[-2:]] == ["open", "locate"]


def test_a_lost_column_needs_no_repair_at_the_door_for_a_version_may_stand_in(made: Any) -> None:
    _, after = opened_by(made, None)
    assert [i.subject for i in after.incidents] == ["temp", "hum"]


def test_without_a_remedy_of_its_own_nothing_is_opened(made: Any) -> None:
    _, after = opened_by(made, None, Cause.UNIT)
    assert len(after.incidents) == 1
    assert len(after.incidents[0].findings) == 2


def test_a_column_that_has_an_incident_already_gets_no_second_one(made: Any) -> None:
    first = first_of(made)
    other = dataclasses.replace(first, id="demand-hum", subject="hum", repair=None)
    deployment = made.deployment(incidents=(first, other))
    assert with_others(deployment, first, case_of(made), lambda i, c: i) == deployment
