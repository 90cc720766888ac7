"""What prune removes, and what it can never remove."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.event import Event, What
from setpoint.domain.fleet import Deployment, Hold, Training
from setpoint.domain.incident import Incident, IncidentStatus, Remedy, Repair
from setpoint.domain.live import Live, Served
from setpoint.domain.receipt import Gain, Receipt
from setpoint.domain.rollout import Candidate, Phase, Rollout
from setpoint.domain.value import replace
from setpoint.errors import Conflict, InvalidInput, NotFound
from setpoint.loop.verbs import versions
from setpoint.loop.verbs.keeping import needed, spared
from setpoint.loop.verbs.operator import Operator
from setpoint.loop.verbs.pruning import prune
from tests.unit.versions.hand_made import NOW, a_deployment, a_version

DAY = timedelta(days=1)


def left(operator: Operator) -> list[str]:
    return operator.ports.bundles.names("demand")


def test_what_nothing_needs_goes_and_who_removed_it_is_on_record(five: Operator) -> None:
    found = prune(five, "demand", keep=0, by="ann")
    assert [r.version for r in found.removed] == ["v2", "v3"]
    assert left(five) == ["v1", "v4", "v5"]
    assert found.kept["v1"] == ("its reference begins each training set",)
    assert found.kept["v4"] == ("the release before", "`rollback` returns to it", "parent of v5")
    said = [d for d in five.deployments("demand")[0].decisions if d.action == "prune"]
    assert [(d.subject, d.by) for d in said] == [("v2", "ann"), ("v3", "ann")]
    assert [r.version for r in versions.removed(five, "demand")] == ["v2", "v3"]


def test_records_of_what_was_removed_can_still_be_read(five: Operator) -> None:
    schema = five.ports.bundles.get("demand", "v2").schema
    prune(five, "demand", keep=0, by="ann")
    assert five.ports.bundles.get("demand", "v2").schema == schema
    with pytest.raises(NotFound, match="the files of demand v2 were removed"):
        five.rollback("demand", to="v2", by="ann")


def test_a_dry_run_removes_nothing_and_names_the_same(five: Operator) -> None:
    would = prune(five, "demand", keep=0, dry_run=True, by="ann")
    assert left(five) == ["v1", "v2", "v3", "v4", "v5"]
    assert prune(five, "demand", keep=0, by="ann") == would


@pytest.mark.parametrize(
    ("keep", "older_than", "gone"),
    [(0, None, ["v2", "v3"]), (3, None, ["v2"]), (5, None, []), (0, 98.5 * DAY, ["v2"]), (0, 200 * DAY, [])],
)
def test_the_newest_and_the_young_are_spared(
    five: Operator, keep: int, older_than: timedelta | None, gone: list[str]
) -> None:
    found = prune(five, "demand", keep=keep, older_than=older_than, by="ann")
    assert [r.version for r in found.removed] == gone


def test_a_held_version_stays_until_it_is_released(five: Operator) -> None:
    versions.hold(five, "demand", "v2", why="case 17", by="ann")
    with pytest.raises(Conflict, match=r"v2 is on hold already, by ann \(case 17\)"):
        versions.hold(five, "demand", "v2", why="another", by="bob")
    assert prune(five, "demand", keep=0, by="bob").kept["v2"] == ("on hold: case 17",)
    assert versions.release(five, "demand", "v2", by="bob").why == "case 17"
    assert [r.version for r in prune(five, "demand", keep=0, by="bob").removed] == ["v2"]
    did = [(d.action, d.subject, d.by) for d in five.deployments("demand")[0].decisions]
    assert did == [
        ("hold", "v2", "ann"), ("prune", "v3", "bob"), ("end of hold", "v2", "bob"), ("prune", "v2", "bob"),
    ]  # fmt: skip


def test_a_hold_needs_a_reason_and_a_version(five: Operator) -> None:
    with pytest.raises(InvalidInput, match="needs a reason"):
        versions.hold(five, "demand", "v2", why=" ", by="ann")
    with pytest.raises(NotFound, match="no version 'v9'"):
        versions.hold(five, "demand", "v9", why="case", by="ann")
    with pytest.raises(NotFound, match="v2 is not on hold; on hold: none"):
        versions.release(five, "demand", "v2", by="ann")


def test_what_the_platform_serves_stays_whatever_the_state_says(five: Operator) -> None:
    five.ports.platform.apply(Live(generation=7, models={"demand": Served(champion="v3")}))
    assert [r.version for r in prune(five, "demand", keep=0, by="ann").removed] == []  # v2 is the parent of v3


def test_a_version_just_made_waits_for_its_turn(home: Any) -> None:
    operator = home([a_version("v1"), a_version("v2", 0.5), a_version("v3", 2)], a_deployment(["v1"]))
    found = prune(operator, "demand", keep=0, by="ann")
    assert [r.version for r in found.removed] == ["v3"]  # which was refused, and never live
    assert found.kept["v2"] == ("made within the last day",)


# -- whatever the fleet is like

names = st.sampled_from([f"v{i}" for i in range(1, 8)])
incidents = st.builds(
    lambda version, status, in_words: Incident(
        id="demand-quality", model="demand", status=status, since=NOW, opened=NOW, subject="quality", findings=(),
        timeline=(Event(at=NOW, what=What.NOTED, said=f"roll back to {version}."),) if in_words else (),
        repair=None if in_words else Repair(id="r", remedy=Remedy.ROLLBACK, subject="quality", to_version=version),
    ),
    names, st.sampled_from(IncidentStatus), st.booleans(),
)  # fmt: skip
rollouts = st.builds(
    lambda version, champion, phase, receipt: Rollout(
        candidate=Candidate(version=version, champion=champion, reason="", created=NOW), phase=phase, receipt=receipt
    ),
    names, names, st.sampled_from(Phase),
    st.none() | st.just(Receipt(at=NOW, realised=Gain(mean=1.0, low=1.0, high=1.0))),
)  # fmt: skip
trainings = st.builds(
    lambda parent: Training(job="j", parent=parent, reason="", by="", holdout_since=NOW, until=NOW), names | st.just("")
)
fleets = st.fixed_dictionaries(
    {
        "released": st.lists(names, min_size=1, max_size=9),
        "shares": st.sets(names, max_size=2),
        "shadow": st.none() | names,
        "live": st.none() | names,
        "holds": st.sets(names, max_size=2),
        "incidents": st.lists(incidents, max_size=3),
        "rollouts": st.lists(rollouts, max_size=3),
        "training": st.none() | trainings,
        "root": names,
        "days_ago": st.lists(st.sampled_from([0.1, 5, 40, 400]), min_size=7, max_size=7),
        "parents": st.lists(st.none() | names, min_size=7, max_size=7),
        "keep": st.integers(0, 7),
        "older_than": st.none() | st.sampled_from([1, 90]),
    }
)


def a_fleet(drawn: dict[str, Any]) -> SimpleNamespace:
    champion = drawn["released"][-1]
    served = Served(
        champion=champion,
        shadow=drawn["shadow"] if drawn["shadow"] not in (champion, *drawn["shares"]) else None,
        shares=dict.fromkeys(drawn["shares"] - {champion}, 0.1),
    )
    deployment: Deployment = replace(
        a_deployment(drawn["released"], served=served),
        holds=tuple(Hold(version=v, why="", by="", at=NOW) for v in drawn["holds"]),
        incidents=tuple(drawn["incidents"]),
        rollouts=tuple(drawn["rollouts"]),
        training=drawn["training"],
    )
    versions = [
        a_version(f"v{i + 1}", days, parent)
        for i, (days, parent) in enumerate(zip(drawn["days_ago"], drawn["parents"], strict=True))
    ]
    live = Served(champion=drawn["live"]) if drawn["live"] else None
    return SimpleNamespace(deployment=deployment, versions=versions, live=live)


def referenced(fleet: SimpleNamespace, drawn: dict[str, Any]) -> set[str]:
    """Everything that something points at, said in another way than the code says it."""
    d: Deployment = fleet.deployment
    live = {d.served.champion, d.served.shadow, *d.served.shares, *([drawn["live"]] if drawn["live"] else [])}
    found = live | {drawn["root"]} | drawn["holds"] | {d.releases[-1].replaced}
    found |= {v.lineage.parent for v in fleet.versions if v.version in live}
    for incident in drawn["incidents"]:
        if incident.status is not IncidentStatus.CLOSED:
            found |= {f"v{i}" for i in range(1, 8) if f"v{i}" in f"{incident}"}
    for rollout in drawn["rollouts"]:
        if rollout.phase in (Phase.GATE, Phase.SHADOW):
            found |= {rollout.candidate.version, rollout.candidate.champion}
    if drawn["training"]:
        found |= {drawn["training"].parent} if drawn["training"].parent else {f"v{i}" for i in range(1, 8)}
    return found - {None}


@given(drawn=fleets)
def test_nothing_that_is_referenced_goes(drawn: dict[str, Any]) -> None:
    fleet = a_fleet(drawn)
    kept = needed(fleet.deployment, fleet.live, fleet.versions, drawn["root"], NOW)
    before = NOW - drawn["older_than"] * DAY if drawn["older_than"] else None
    stays = kept | spared(fleet.versions, newest=drawn["keep"], before=before)
    going = [v for v in fleet.versions if v.version not in stays]
    assert not referenced(fleet, drawn) & {v.version for v in going}
    assert len(going) <= 7 - drawn["keep"]
    assert all(v.lineage.created < (before or NOW) - timedelta(0) for v in going)
    assert all(NOW - v.lineage.created >= DAY for v in going)  # one that is about to be made live


@given(drawn=fleets)
def test_what_stays_is_told_why(drawn: dict[str, Any]) -> None:
    fleet = a_fleet(drawn)
    kept = needed(fleet.deployment, fleet.live, fleet.versions, drawn["root"], NOW)
    assert all(whys and all(whys) and len(set(whys)) == len(whys) for whys in kept.values())
