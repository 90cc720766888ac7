"""A period that is over is shown as it was, and a period that cannot be is refused."""

from datetime import timedelta

import pytest

from setpoint.domain.fleet import Release
from setpoint.domain.incident import Incident, IncidentStatus, Remedy, Repair
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput
from setpoint.loop.verbs.rewind import as_of
from tests.unit.loop.conftest import NOW, a_deployment

DAY = timedelta(days=1)


def an_incident(**changes):
    fields = {
        "id": "i", "model": "demand", "status": IncidentStatus.CLOSED, "since": NOW - 9 * DAY, "opened": NOW - 8 * DAY,
        "subject": "temp", "findings": (), "closed": NOW - 2 * DAY,
        "repair": Repair(
            id="r", remedy=Remedy.INVERSE_MAP, subject="temp", applied=NOW - 7 * DAY, lifted=NOW - 3 * DAY
        ),
    }  # fmt: skip
    return Incident(**{**fields, **changes})


def deployed(**changes):
    releases = (
        Release(version="v1", at=NOW - 20 * DAY, by="ann"),
        Release(version="v2", at=NOW - 4 * DAY, by="setpoint", replaced="v1"),
    )
    return replace(a_deployment(), releases=releases, looked=NOW, **changes)


@pytest.mark.parametrize(
    ("days", "status", "applied"),
    [
        (7.5, IncidentStatus.OPEN, None),
        (6.0, IncidentStatus.MENDING, NOW - 7 * DAY),
        (1.0, IncidentStatus.CLOSED, NOW - 7 * DAY),
    ],
)
def test_an_incident_stands_as_it_stood(days, status, applied):
    (found,) = as_of(deployed(incidents=(an_incident(),)), NOW - days * DAY).incidents
    assert found.status is status
    assert (found.repair.applied if found.repair else None) == applied
    assert (found.closed is None) is (status is not IncidentStatus.CLOSED)


def test_what_came_later_is_left_out():
    found = as_of(deployed(incidents=(an_incident(),)), NOW - 8.5 * DAY)
    assert found.incidents == ()
    assert found.served.champion == "v1"
    assert [r.version for r in found.releases] == ["v1"]


def test_now_is_left_as_it_is():
    deployment = deployed(incidents=(an_incident(),))
    assert as_of(deployment, NOW) == deployment


def test_before_the_first_release_there_is_nothing_to_show():
    with pytest.raises(InvalidInput, match="was first deployed at"):
        as_of(deployed(), NOW - 30 * DAY)
