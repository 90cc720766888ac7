"""A rollout on its course, whatever the evidence says and people do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain import canary
from setpoint.domain.canary import Turn, next_turn
from setpoint.domain.course import Course, Step
from setpoint.domain.evidence import Judged, Margins, Says, Stream, Terms
from setpoint.domain.live import Served
from setpoint.domain.rollout import Candidate, Phase, Rollout
from setpoint.domain.slice import Only
from setpoint.domain.value import from_json, replace, to_json
from setpoint.errors import Conflict

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
COURSE = Course(steps=(Step(share=0.0), Step(share=0.1), Step(share=0.5)))
NORTH = Only(segment={"plant": ("north",)})
CHAMPION = Served(champion="v1")


def a_rollout(by: str = "ann", **changes: Any) -> Rollout:
    candidate = Candidate(version="v2", champion="v1", reason="", created=NOW)
    course = replace(COURSE, only=changes.pop("only", None))
    rollout = canary.begun(candidate, course, Terms(), by=by, now=NOW)
    return replace(rollout, moving=replace(rollout.moving, **changes))


def said(says: Says, reason: str = "") -> Judged:
    return Judged(says=says, reason=reason, words=f"evidence says {says}")


def turn(rollout: Rollout, now: datetime = NOW + HOUR, *, held: str = "", automatic: bool = True) -> tuple[Turn, str]:
    found = next_turn(rollout, now, held=held, automatic=automatic)
    return found.turn, found.why


def test_a_step_is_left_when_it_had_its_time_and_its_requests() -> None:
    rollout = a_rollout(judged=said(Says.WAIT), requests=500)
    assert turn(rollout, NOW + HOUR / 2) == (Turn.STAY, "the step lasts 1 h at least, 30 min of it to come")
    few = a_rollout(judged=said(Says.WAIT), requests=499)
    assert turn(few) == (Turn.STAY, "499 of at least 500 requests answered in this step")
    assert turn(rollout) == (Turn.STEP, "nothing speaks against it after 500 requests in 1 h")
    assert turn(a_rollout(requests=500)) == (Turn.STAY, "nothing has been judged yet")


def test_a_shadow_that_ceased_to_answer_is_asked_about_long_before_its_deadline() -> None:
    silent = a_rollout(judged=said(Says.WAIT), unheard=100, silent_since=NOW)
    assert turn(silent, NOW + HOUR / 20)[0] is Turn.STAY
    found, why = turn(silent, NOW + HOUR / 12)
    assert found is Turn.ASK
    assert why.startswith(
        "it answered none of the last 100 requests of its shadow, since 2026-01-01 00:00 UTC: it hangs"
    )
    few = replace(silent, moving=replace(silent.moving, unheard=99))
    assert turn(few)[0] is Turn.STAY
    anew = canary.approved(canary.asking(silent, why), by="ann", fast=False)
    assert turn(anew, NOW + HOUR / 12)[0] is Turn.STAY
    assert canary.stepped(silent, NOW).moving.unheard == 0


def test_only_what_is_proven_becomes_champion_and_the_envelope_says_by_whom() -> None:
    last = canary.stepped(canary.stepped(a_rollout(), NOW), NOW)
    last = replace(last, moving=replace(last.moving, requests=500, judged=said(Says.WAIT)))
    assert turn(last)[0] is Turn.STAY
    proven = replace(last, moving=replace(last.moving, judged=said(Says.PROMOTE)))
    assert turn(proven)[0] is Turn.PROMOTE
    assert turn(proven, automatic=False)[0] is Turn.ASK
    assert turn(canary.asking(proven, "may it?"), automatic=False) == (Turn.STAY, "waits for a person: may it?")
    assert turn(canary.approved(proven, by="ann", fast=False), automatic=False)[0] is Turn.PROMOTE


def test_what_only_the_shadow_can_prove_is_proven_there_or_asked_for() -> None:
    open_ = Stream(metric="disagreement", challenger_rows=400, challenger=0.03)
    terms = Terms(margins=Margins(disagreement=0.05))
    shadow = a_rollout(terms=terms, requests=500, judged=replace(said(Says.WAIT), streams=(open_,)))
    found, why = turn(shadow)
    assert found is Turn.STAY
    assert why == (
        "3 % of 400 requests were answered otherwise; it is not proven yet that no more than 5 % are, and only the "
        "shadow can prove it"
    )
    assert turn(shadow, NOW + 4 * HOUR) == (Turn.ASK, why)
    proven = replace(said(Says.WAIT), streams=(replace(open_, held=True),))
    asked = canary.asking(shadow, why)
    assert turn(replace(asked, moving=replace(asked.moving, judged=proven)), NOW + 5 * HOUR)[0] is Turn.STEP
    allowed = canary.approved(asked, by="ann", fast=False)
    assert turn(allowed, NOW + 5 * HOUR)[0] is Turn.STEP
    assert allowed.moving.terms.margins.disagreement is None  # it would be waited for in vain later
    assert canary.approved(shadow, by="ann", fast=False).moving.terms == terms  # nobody was asked that


def test_what_is_proven_for_a_part_of_the_requests_becomes_champion_of_all_by_a_person() -> None:
    last = canary.stepped(canary.stepped(a_rollout(only=NORTH), NOW), NOW)
    last = replace(last, moving=replace(last.moving, requests=500, judged=said(Says.WAIT)))
    early = canary.approved(last, by="ann", fast=False)  # which lets it take traffic
    for rollout in (last, early):
        proven = replace(rollout, moving=replace(rollout.moving, judged=said(Says.PROMOTE)))
        found, why = turn(proven)
        assert (found, why) == (
            Turn.ASK,
            "evidence says promote; that is of plant north, and as champion it answers the others too, "
            "which nobody has judged",
        )
    asked = canary.asking(proven, why)
    assert turn(asked)[0] is Turn.STAY
    assert turn(canary.approved(asked, by="bob", fast=False))[0] is Turn.PROMOTE


def test_a_plain_approval_skips_no_step() -> None:
    unjudged = said(Says.ASK, "unjudged: quality")
    early = canary.approved(a_rollout(judged=unjudged, requests=10), by="ann", fast=False)
    assert turn(early, NOW + timedelta(minutes=5), automatic=False)[0] is Turn.STAY
    assert turn(replace(early, moving=replace(early.moving, requests=500)), automatic=False)[0] is Turn.STEP
    assert turn(canary.approved(early, by="ann", fast=True), NOW)[0] is Turn.PROMOTE
    last = canary.stepped(canary.stepped(a_rollout(), NOW), NOW)
    last = replace(last, moving=replace(last.moving, judged=unjudged, requests=500))
    assert turn(last)[0] is Turn.ASK
    assert turn(canary.approved(last, by="ann", fast=False))[0] is Turn.PROMOTE


def test_a_candidate_of_the_loop_answers_nobody_without_consent() -> None:
    ready: dict[str, Any] = {"judged": said(Says.WAIT), "requests": 500}
    assert turn(a_rollout("ann", **ready), automatic=False)[0] is Turn.STEP  # she has begun it herself
    assert turn(a_rollout(canary.LOOP, **ready), automatic=False)[0] is Turn.ASK
    assert turn(canary.approved(a_rollout(canary.LOOP, **ready), by="ann", fast=False), automatic=False)[0] is Turn.STEP


def test_what_cannot_be_judged_is_asked_at_the_end_and_what_is_wrong_at_once() -> None:
    ready: dict[str, Any] = {"requests": 500}
    unjudged = a_rollout(judged=said(Says.ASK, "unjudged: quality"), **ready)
    assert turn(unjudged)[0] is Turn.STEP
    last = replace(unjudged, moving=replace(unjudged.moving, starts=(NOW, NOW, NOW)))
    assert turn(last, NOW + HOUR / 2)[0] is Turn.STAY
    assert turn(last)[0] is Turn.ASK
    assert turn(a_rollout(judged=said(Says.ASK, "shares"), **ready))[0] is Turn.ASK
    left = canary.approved(a_rollout(judged=said(Says.ASK, "shares"), **ready), by="ann", fast=False)
    assert turn(left) == (Turn.PROMOTE, "without waiting for the rest, by ann: evidence says ask")


@pytest.mark.parametrize("says", Says)
def test_nothing_holds_up_the_way_back_and_a_pause_or_a_window_all_else(says: Says) -> None:
    rollout = canary.approved(a_rollout(judged=said(says), requests=500), by="ann", fast=True)
    paused = canary.paused(rollout, NOW, by="bob")
    back = says is Says.BACK
    assert turn(paused) == ((Turn.BACK, "evidence says back") if back else (Turn.STAY, "paused by bob"))
    assert turn(rollout, held="frozen until then")[0] is (Turn.BACK if back else Turn.STAY)
    assert turn(rollout)[0] is (Turn.BACK if back else Turn.PROMOTE)


def test_a_pause_is_no_time_of_the_step() -> None:
    rollout = canary.paused(a_rollout(judged=said(Says.WAIT), requests=500), NOW + HOUR / 2, by="bob")
    rollout = canary.resumed(rollout, NOW + 2 * HOUR)
    assert turn(rollout, NOW + 2 * HOUR)[0] is Turn.STAY
    assert turn(rollout, NOW + 2.5 * HOUR)[0] is Turn.STEP


def test_what_is_not_there_to_be_done_is_refused() -> None:
    with pytest.raises(Conflict, match="is not paused"):
        canary.resumed(a_rollout(), NOW)
    with pytest.raises(Conflict, match="is paused by bob"):
        canary.stepped(canary.paused(a_rollout(), NOW, by="bob"), NOW)
    with pytest.raises(Conflict, match="cannot be promoted: nothing has been judged yet"):
        canary.promoted(a_rollout(), NOW)
    with pytest.raises(Conflict, match="cannot be promoted: evidence says back"):
        canary.promoted(a_rollout(judged=said(Says.BACK)), NOW)
    with pytest.raises(Conflict, match="has already ended"):
        canary.aborted(canary.aborted(a_rollout(), NOW), NOW)
    with pytest.raises(Conflict, match="has no steps"):
        canary.paused(Rollout(candidate=a_rollout().candidate), NOW, by="bob")
    last = canary.stepped(canary.stepped(a_rollout(), NOW), NOW)
    with pytest.raises(Conflict, match="last step"):
        canary.stepped(last, NOW)


def test_each_step_is_served_as_it_says_and_nothing_is_left_behind() -> None:
    rollout = a_rollout(only=NORTH)
    assert rollout.phase is Phase.SHADOW
    served = canary.serving(CHAMPION, rollout)
    assert served == Served(champion="v1", shadow="v2")
    rollout = canary.stepped(rollout, NOW)
    assert rollout.phase is Phase.CANARY
    served = canary.serving(served, rollout)
    assert served == Served(champion="v1", shares={"v2": 0.1}, only=NORTH)
    assert canary.without(served, "v2") == CHAMPION
    by_hand = Served(champion="v1", shares={"v5": 0.2})
    assert canary.serving(by_hand, a_rollout()) == Served(champion="v1", shadow="v2", shares={"v5": 0.2})
    with pytest.raises(Conflict, match="v5 has a share"):
        canary.serving(by_hand, rollout)


def test_a_rollout_is_stored_and_read_back() -> None:
    rollout = canary.paused(canary.stepped(a_rollout(judged=said(Says.WAIT)), NOW), NOW, by="bob")
    assert from_json(to_json(rollout), Rollout) == rollout


acts = st.sampled_from(["look", "pause", "resume", "abort", "approve", "fast"])


@given(st.lists(st.tuples(acts, st.sampled_from(Says), st.booleans(), st.booleans(), st.integers(0, 700)), max_size=30))
def test_whatever_happens_a_rollout_stands_on_its_course_until_it_has_ended(story: Any) -> None:
    rollout, now, back = a_rollout(canary.LOOP), NOW, False
    for act, says, held, automatic, requests in story:
        now += HOUR / 2
        back = back or says is Says.BACK
        judged = said(Says.BACK if back else says)
        rollout = replace(rollout, moving=replace(rollout.moving, judged=judged, requests=requests))
        before = rollout
        try:
            rollout = done(rollout, act, now, held=held, automatic=automatic)
        except Conflict:
            assert rollout == before
        step = rollout.moving.step
        if not rollout.running:
            break
        assert rollout.phase is (Phase.CANARY if step.share else Phase.SHADOW)
        assert canary.serving(CHAMPION, rollout).shares == ({"v2": step.share} if step.share else {})
        assert rollout.moving.at - before.moving.at in (0, 1)
        assert rollout.moving.at == before.moving.at or not (held or before.moving.paused_by)
    if rollout.phase is Phase.PROMOTED:
        assert not back
        assert rollout.moving.last or rollout.moving.fast_by


def done(rollout: Rollout, act: str, now: datetime, *, held: bool, automatic: bool) -> Rollout:
    match act:
        case "pause":
            return canary.paused(rollout, now, by="ann")
        case "resume":
            return canary.resumed(rollout, now)
        case "abort":
            return canary.aborted(rollout, now)
        case "approve" | "fast":
            return canary.approved(rollout, by="ann", fast=act == "fast")
    match next_turn(rollout, now, held="frozen" if held else "", automatic=automatic).turn:
        case Turn.STEP:
            return canary.stepped(rollout, now)
        case Turn.PROMOTE:
            return canary.promoted(rollout, now)
        case Turn.ASK:
            return canary.asking(rollout, "may it?")
        case Turn.BACK:
            return replace(rollout, phase=Phase.REJECTED, ended=now)
        case _:
            return rollout
