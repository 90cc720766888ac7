"""What a check of a history names."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.domain.envelope import Envelope, PromoteBounds, RetrainBounds, Ruled
from setpoint.domain.fleet import Decided, Deployment, Release
from setpoint.domain.notice import Quiet
from setpoint.domain.receipt import Receipt
from setpoint.domain.rollout import Decision, Phase
from setpoint.domain.value import replace
from setpoint.loop import actions as do
from setpoint.loop.acts import act
from setpoint.loop.plan import plan
from setpoint.loop.replay import RecordedPlatform
from setpoint.loop.verbs.inside import checked
from setpoint.loop.verbs.inside_words import bounds_of, inside_view, summary
from tests.unit.versions.hand_made import NOW, a_deployment

DAY = timedelta(days=1)


def said(action: str, at: Any = NOW, by: str = "setpoint", subject: str = "quality", **facts: Any) -> Decided:
    return Decided(at=at, cause="", subject=subject, action=action, why="", by=by, facts=facts)


def history(*decisions: Decided, **changes: Any) -> Deployment:
    return a_deployment(["v1"], decisions=decisions, **changes)


def test_a_history_is_judged_by_the_envelope_of_its_time() -> None:
    strict = Envelope(retrain=RetrainBounds(most_per_week=0))
    ruled = (Ruled(at=NOW - 9 * DAY, by="ann", envelope=Envelope()), Ruled(at=NOW, by="ann", envelope=strict))
    found = checked(history(said("fit", NOW - DAY), said("fit", NOW + DAY), envelopes=ruled, envelope=strict))
    assert [(s.at, s.kind, s.by) for s in found.outside] == [(NOW + DAY, "retrain", "setpoint")]
    assert (found.automatic, found.holds) == (2, False)
    assert "left its envelope" in summary(found)
    assert "1 of 2 automatic changes" in summary(found)


def test_what_a_person_decided_is_told_and_no_violation() -> None:
    found = checked(history(said("fit", by="ann"), envelope=Envelope(automatic=())))
    assert found.holds
    assert [(s.by, s.said) for s in found.people] == [("ann", ("retrain is not in the envelope",))]


def test_changes_before_the_period_count_but_are_not_judged() -> None:
    envelope = Envelope(max_actions_per_day=1)
    deployment = history(said("fit", NOW), said("fit", NOW + DAY / 2), said("fit", NOW + DAY), envelope=envelope)
    assert [s.at for s in checked(deployment).outside] == [NOW + DAY / 2, NOW + DAY]
    assert [s.at for s in checked(deployment, NOW + DAY).outside] == [NOW + DAY]
    assert checked(deployment, NOW + 2 * DAY).automatic == 0


def test_a_champion_that_no_decision_explains_or_that_does_not_exist_is_named() -> None:
    release = Release(version="v2", at=NOW, by="setpoint", replaced="v1")
    silent = history(releases=(*history().releases, release))
    assert [s.subject for s in checked(silent).loose] == ["v2"]
    told = replace(silent, decisions=(said("promote", subject="v2"),))
    assert checked(told, versions=["v1", "v2"]).loose == ()
    assert [s.said for s in checked(told, versions=["v1"]).loose] == [
        ("became champion, and there is no such version",)
    ]


def test_a_promotion_that_tells_of_other_evidence_than_is_kept_is_named(made: Any) -> None:
    rollout = made.rollout(phase=Phase.PROMOTED, ended=NOW, receipt=made.receipt(-1.0))
    told = said("promote", subject="v2", gate="accept", gate_rows=900.0, shadow="", shadow_rows=0.0)
    found = checked(history(told, rollouts=(rollout,)))
    assert [s.said for s in found.loose] == [("was promoted with 900 rows at the gate, and its rollout keeps 200",)]
    assert isinstance(rollout.receipt, Receipt)
    assert found.lost == ("v2",)
    assert inside_view(found)["holds"] is False


def test_an_envelope_is_shown_line_by_line() -> None:
    lines = bounds_of(Envelope(ask=("promote",), retrain=RetrainBounds(most_per_week=7)))
    assert ("retrain", "yes", "7 a week") in lines
    assert ("promote", "asks", "what the gate accepted") in lines


HOURS = (None, Quiet(start_min=0, end_min=60), Quiet(start_min=60, end_min=120))


@settings(max_examples=100)
@given(
    envelope=st.builds(
        Envelope,
        automatic=st.sampled_from([("promote",), ("promote",), ("retrain",)]),
        max_actions_per_day=st.integers(0, 3),
        hours=st.sampled_from(HOURS),
        promote=st.builds(
            PromoteBounds,
            most_per_week=st.none() | st.integers(0, 2),
            worse_by=st.none() | st.sampled_from([0.0, 0.1]),
            gate_rows=st.sampled_from([0, 150]),
            shadow_rows=st.sampled_from([0, 150]),
            largest_step=st.sampled_from([0.5, 1.0]),
        ),
    ),
    rows=st.tuples(st.sampled_from([100, 200]), st.sampled_from([100, 200])),
    gain=st.sampled_from([-0.3, -0.1, 0.5]),
    before=st.tuples(st.sampled_from(["fit", "promote", "mend"]), st.integers(0, 3)),
)
def test_what_the_plan_promotes_the_check_accepts_and_what_it_does_not_would_be_outside(
    made: Any, envelope: Envelope, rows: tuple[int, int], gain: float, before: tuple[str, int]
) -> None:
    gate, shadow = (replace(made.verdict(), rows=n, gain=gain) for n in rows)
    rollout = made.rollout(shadow=Decision.ACCEPT)
    rollout = replace(rollout, candidate=replace(rollout.candidate, gate=gate), shadow=shadow)
    deployment = made.deployment(rollouts=(rollout,), envelope=envelope, decisions=made.acted(*before)[::-1])
    look, ports = made.look(), SimpleNamespace(platform=RecordedPlatform())
    promotes = isinstance(plan(deployment, look), do.Promote)
    after = act(do.Promote(version="v2", why=""), ports, deployment, look)  # type: ignore[arg-type]
    assert checked(after, look.now).holds is promotes
