"""Each bound of an envelope: what leaves it, and whether waiting cures that."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from setpoint.domain.bounds import breaches, spent, unproven
from setpoint.domain.envelope import Change, Envelope, Kind, PromoteBounds, RetrainBounds
from setpoint.domain.notice import Quiet
from setpoint.domain.update import Method

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
PROVEN: dict[str, float | str] = {
    "gate": "accept", "gate_rows": 100, "shadow": "accept", "shadow_rows": 50, "gain": -0.02, "champion_loss": 2.0,
    "from": 0.0,
}  # fmt: skip


def change(kind: Kind, at: datetime = NOON, by: str = "setpoint", **facts: Any) -> Change:
    known = {**PROVEN, **facts} if kind is Kind.PROMOTE else facts
    return Change(at=at, kind=kind, subject="v2", by=by, facts=known)


def promote(**bounds: Any) -> Envelope:
    return Envelope(promote=PromoteBounds(**bounds))


@pytest.mark.parametrize(
    ("envelope", "made", "bound", "passing"),
    [
        (Envelope(automatic=("promote",)), change(Kind.RETRAIN), "automatic", False),
        (Envelope(ask=("promote",)), change(Kind.SHARE, share=0.1), "automatic", False),
        (Envelope(hours=Quiet(start_min=0, end_min=60)), change(Kind.PROMOTE), "hours", True),
        (Envelope(retrain=RetrainBounds(methods=())), change(Kind.RETRAIN, method="refit"), "retrain.methods", False),
        (promote(), change(Kind.PROMOTE, gate="wait"), "promote.gate", False),
        (promote(gate_rows=101), change(Kind.PROMOTE), "promote.gate_rows", False),
        (promote(shadow_rows=51), change(Kind.PROMOTE), "promote.shadow_rows", True),
        (promote(worse_by=0.005), change(Kind.PROMOTE), "promote.worse_by", False),
        (promote(largest_step=0.25), change(Kind.PROMOTE), "promote.largest_step", False),
        (promote(largest_step=0.25), change(Kind.SHARE, **{"from": 0.1, "share": 0.5}), "promote.largest_step", False),
    ],
)
def test_a_change_that_leaves_a_bound_is_named(envelope: Envelope, made: Change, bound: str, passing: bool) -> None:
    assert [(b.bound, b.passing) for b in breaches(envelope, made, ())] == [(bound, passing)]


@pytest.mark.parametrize(
    ("envelope", "made"),
    [
        (Envelope(), change(Kind.PROMOTE)),
        (Envelope(hours=Quiet(start_min=0, end_min=60)), change(Kind.ROLLBACK)),
        (Envelope(retrain=RetrainBounds(methods=(Method.REFIT,))), change(Kind.RETRAIN, method="refit")),
        (promote(gate_rows=100, shadow_rows=50, worse_by=0.01), change(Kind.PROMOTE)),
        (promote(shadow_rows=51), change(Kind.PROMOTE, shadow="", shadow_rows=0)),
        (promote(largest_step=0.25), change(Kind.PROMOTE, **{"from": 0.75})),
    ],
)
def test_a_change_on_a_bound_is_inside(envelope: Envelope, made: Change) -> None:
    assert breaches(envelope, made, ()) == ()


def test_what_people_did_does_not_count_and_old_changes_do_not() -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    before = (
        change(Kind.RETRAIN, NOON - 8 * day), change(Kind.RETRAIN, NOON - day), change(Kind.RETRAIN, NOON - hour),
        change(Kind.RETRAIN, NOON - hour, by="ann"), change(Kind.SHARE, NOON - hour),
    )  # fmt: skip
    assert spent(before, NOON) == 1
    weekly = Envelope(retrain=RetrainBounds(most_per_week=2), max_actions_per_day=1)
    found = breaches(weekly, change(Kind.RETRAIN), before)
    assert [(b.bound, b.passing) for b in found] == [("max_actions_per_day", True), ("retrain.most_per_week", True)]
    assert breaches(Envelope(retrain=RetrainBounds(most_per_week=3)), change(Kind.RETRAIN), before) == ()


def test_evidence_that_was_not_written_down_is_told_apart_from_a_breach() -> None:
    bare = Change(at=NOON, kind=Kind.PROMOTE, subject="v2")
    assert unproven(promote(gate_rows=1), bare)
    assert not unproven(Envelope(), bare)
    assert breaches(promote(gate_rows=1), bare, ()) == ()
