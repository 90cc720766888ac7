"""The moves of an incident: whatever comes, no remedy twice, few in all, and an end that is recovered or undone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain import mending
from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.incident import Incident, IncidentStatus, Remedy, Repair
from setpoint.domain.value import from_json, replace, to_json
from setpoint.errors import Conflict

T0 = datetime(2025, 1, 1, tzinfo=UTC)
REPAIRS = (
    *(
        Repair(
            id=f"i.map{n}", remedy=Remedy.INVERSE_MAP, subject=c, map=FeatureMap(id=f"i{n}", feature=c, scale=n + 2.0)
        )
        for n, c in enumerate(("a", "b", "a"))
    ),
    Repair(id="i-rollback", remedy=Remedy.ROLLBACK, subject="v2", to_version="v1"),
    Repair(id="i-hold", remedy=Remedy.HOLD, subject="outcomes"),
    Repair(id="i-restart", remedy=Remedy.RESTART, subject="worker 0"),
)
moves = st.lists(
    st.tuples(
        st.sampled_from(["put", "better", "proven", "kept", "lifted", "given up", "taken", "over"]), st.integers(0, 5)
    )
)


def an_incident(**changes: Any) -> Incident:
    return replace(
        Incident(id="i", model="m", status=IncidentStatus.OPEN, since=T0, opened=T0, subject="a", findings=()),
        **changes,
    )


def moved(incident: Incident, move: str, number: int, at: datetime) -> Incident:
    match move:
        case "put":
            return mending.put_in_place(incident, REPAIRS[number], at, "setpoint")
        case "better":
            return mending.bettered(incident, REPAIRS[number], at, "setpoint")
        case "proven":
            return mending.proven(incident, at)
        case "kept":
            return mending.kept(incident, at)
        case "lifted":
            return mending.lifted(incident, at)
        case "given up":
            return mending.given_up(incident, at, "no better")
        case "taken":
            return mending.given_up(incident, at, "by ann", "ann")
        case _:
            return mending.over(incident, at)


@given(happens=moves)
def test_whatever_happens_no_remedy_comes_twice_and_the_end_is_recovered_or_undone(happens: Any) -> None:
    incident, put = an_incident(), list[tuple[str, ...]]()
    for hours, (move, number) in enumerate(happens):
        before, at = incident, T0 + timedelta(hours=hours)
        try:
            incident = moved(incident, move, number, at)
        except Conflict:
            continue
        assert before.live  # what is closed stays as it is
        if move in ("put", "better"):
            put.append(REPAIRS[number].key)
        in_force = incident.repair is not None and incident.repair.in_force
        assert in_force is (incident.status in mending.MENDED) or incident.status is IncidentStatus.CLOSED
        assert from_json(to_json(incident), Incident) == incident
    assert len(put) == len(set(put)) <= mending.MOST
    assert len(incident.tried) <= len(put)
    if incident.status is IncidentStatus.CLOSED and incident.repair is not None and incident.repair.applied:
        repair = incident.repair
        assert repair.recovered or repair.lifted or repair.to_version  # proven to help, or away, or another version
        assert not repair.at_door or repair.lifted  # nothing stays at the door


@given(happens=moves)
def test_an_incident_can_always_be_brought_to_its_end(happens: Any) -> None:
    incident = an_incident()
    for move, number in happens:
        try:
            incident = moved(incident, move, number, T0)
        except Conflict:
            continue
    if incident.status in mending.MENDED:
        incident = mending.given_up(incident, T0, "deadline")
    if incident.live:
        incident = mending.over(incident, T0)
    assert not incident.live


def test_another_map_of_the_same_column_is_the_same_remedy_and_is_refused_in_words() -> None:
    tried = mending.given_up(mending.put_in_place(an_incident(), REPAIRS[0], T0, "setpoint"), T0, "no better")
    with pytest.raises(Conflict, match="inverse_map of a was tried for it and taken back"):
        mending.put_in_place(tried, REPAIRS[2], T0, "setpoint")
    assert mending.put_in_place(tried, REPAIRS[1], T0, "setpoint").status is IncidentStatus.MENDING


def test_ids_of_repairs_are_new_after_each_that_was_taken_back() -> None:
    first = an_incident()
    again = mending.given_up(mending.put_in_place(first, REPAIRS[0], T0, "setpoint"), T0, "no better")
    assert (first.named(".map"), again.named(".map")) == ("i.map", "i.map-2")


def test_a_better_repair_takes_the_place_of_one_which_refutes_no_cause() -> None:
    offered = replace(mending.put_in_place(an_incident(), REPAIRS[0], T0, "setpoint"), better=REPAIRS[1])
    changed = mending.bettered(mending.proven(offered, T0), REPAIRS[1], T0 + timedelta(hours=1), "setpoint")
    assert (changed.status, changed.repair.id, changed.better) == (IncidentStatus.MENDING, REPAIRS[1].id, None)
    (old,) = changed.tried
    assert (old.repair.lifted, old.repair.refuted) == (T0 + timedelta(hours=1), False)
    with pytest.raises(Conflict, match="was tried for it and taken back"):
        mending.bettered(changed, REPAIRS[0], T0, "setpoint")
