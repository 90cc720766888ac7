"""The rollout's state machine, whatever the verdicts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.rollout import Candidate, Decision, Phase, Rollout, Verdict, advance, refitted
from setpoint.errors import Conflict

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def a_rollout() -> Rollout:
    return Rollout(candidate=Candidate(version="v2", champion="v1", reason="", created=NOW))


def a_verdict(decision: Decision) -> Verdict:
    return Verdict(decision=decision, rows=1, champion_loss=1.0, candidate_loss=1.0, gain=0.0, low=0.0, high=0.0)


def played(decisions: list[Decision]) -> Rollout:
    rollout = a_rollout()
    for day, decision in enumerate(decisions):
        if rollout.running:
            rollout = advance(rollout, a_verdict(decision), NOW + timedelta(days=day))
        if rollout.phase is Phase.REFIT:
            rollout = refitted(rollout, "v3", until=NOW, seconds=1.0, now=NOW + timedelta(days=day))
    return rollout


@given(st.lists(st.sampled_from(Decision)))
def test_only_two_acceptances_in_a_row_of_waits_promote(decisions: list[Decision]) -> None:
    """A version is promoted exactly when the gate and then the shadow accepted it, and nothing rejected it before."""
    decided = [d for d in decisions if d is not Decision.WAIT][:2]
    assert (played(decisions).phase is Phase.PROMOTED) == (decided == [Decision.ACCEPT, Decision.ACCEPT])


@given(st.lists(st.sampled_from(Decision)))
def test_a_rollout_has_ended_exactly_when_it_no_longer_runs(decisions: list[Decision]) -> None:
    rollout = played(decisions)
    assert (rollout.ended is None) == rollout.running
    assert (rollout.phase is Phase.REJECTED) == (Decision.REJECT in [d for d in decisions if d is not Decision.WAIT][:2]
                                                 and decisions != [])  # fmt: skip


@given(st.lists(st.sampled_from(Decision)))
def test_the_shadow_starts_with_the_gates_acceptance_and_keeps_its_verdict(decisions: list[Decision]) -> None:
    rollout = played(decisions)
    first = next((d for d in decisions if d is not Decision.WAIT), None)
    assert (rollout.shadow_since is not None) == (first is Decision.ACCEPT)
    assert rollout.shadow is None or rollout.candidate.gate is not None


@pytest.mark.parametrize("decision", Decision)
def test_a_finished_rollout_refuses_to_change(decision: Decision) -> None:
    rollout = advance(a_rollout(), a_verdict(Decision.REJECT), NOW)
    with pytest.raises(Conflict, match="v2 has already ended"):
        advance(rollout, a_verdict(decision), NOW)


def test_what_passed_the_gate_is_trained_again_before_it_is_judged_again() -> None:
    passed = advance(a_rollout(), a_verdict(Decision.ACCEPT), NOW)
    with pytest.raises(Conflict, match="v2 waits for its second training"):
        advance(passed, a_verdict(Decision.ACCEPT), NOW)
    with pytest.raises(Conflict, match="waits for no second training"):
        refitted(a_rollout(), "v3", until=NOW, seconds=1.0, now=NOW)
    again = refitted(passed, "v3", until=NOW, seconds=2.0, now=NOW)
    assert (again.phase, again.candidate.version, again.candidate.gated) == (Phase.SHADOW, "v3", "v2")
    assert again.candidate.gate == passed.candidate.gate
