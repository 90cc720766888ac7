"""A drill over the traffic that a deployment has on record: what it says, and that nothing of it stays."""

from collections.abc import Callable
from typing import Any

import pytest

from setpoint.bootstrap.drilling import drill
from setpoint.domain.drill import LEFT_ALONE, MENDED, Drill
from setpoint.domain.fault import Fault
from setpoint.domain.incident import Cause
from setpoint.domain.value import from_json, to_json
from setpoint.errors import InvalidInput
from setpoint.loop.drill.ride import ride, windows_at
from tests.integration.loop.conftest import MODEL, World

FAULTS = ("unit", "release", "covariate", "crash")


@pytest.fixture
def recorded(world: Callable[..., World]) -> World:
    """Sixty days of healthy traffic on record, and no look at it yet."""
    here = world()
    end = here.traffic.time[-1:] + 1
    ride(
        here.operator, here.clock, here.log, MODEL, here.traffic, windows_at(here.traffic, end),
        look=lambda now: here.log.ingest(),
    )  # fmt: skip
    return here


def test_a_drill_finds_names_and_mends_and_leaves_no_trace(recorded: World) -> None:
    before, rows = recorded.deployment, recorded.log.table(MODEL)
    told: list[tuple[int, int, str]] = []
    found = drill(recorded.operator, MODEL, faults=FAULTS, seed=4, progress=lambda *said: told.append(said))
    by = {str(d.fault.kind): d for d in found.faults}
    assert list(by) == list(FAULTS)
    assert by["unit"].verdict == MENDED
    assert by["unit"].found_rows is not None
    assert by["unit"].found_rows <= 24
    assert by["release"].named
    assert by["covariate"].verdict == LEFT_ALONE
    assert by["crash"].named
    assert told[-1] == (len(FAULTS) + 1, len(FAULTS) + 2, "crash")
    assert recorded.deployment == before
    assert recorded.log.table(MODEL).equals(rows)
    assert recorded.live.models == {MODEL: before.served}


def test_the_same_seed_drills_the_same(recorded: World) -> None:
    a, b = (drill(recorded.operator, MODEL, faults=("swapped",), seed=3) for _ in range(2))
    assert to_json(a) == to_json(b)
    assert from_json(to_json(a), Drill) == a
    assert isinstance(a.faults[0].fault, Fault)


def test_what_cannot_be_drilled_is_said(recorded: World) -> None:
    assert "no column" in drill(recorded.operator, MODEL, faults=("renamed",)).impossible["renamed"]
    with pytest.raises(InvalidInput, match="'disk' is not drilled: it takes a real disk"):
        drill(recorded.operator, MODEL, faults=("disk",))
    with pytest.raises(InvalidInput, match="faults are null, unit"):
        drill(recorded.operator, MODEL, faults=("nul",))


def test_nothing_on_record_is_too_little(world: Any) -> None:
    with pytest.raises(InvalidInput, match="nothing is recorded of demand"):
        drill(world().operator, MODEL, faults=(str(Cause.UNIT),))
