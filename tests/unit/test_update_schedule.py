"""The clock of updates: it counts from the last training, catches up once, and slows down."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.envelope import Envelope
from setpoint.domain.fleet import Decided, Deployment, Release
from setpoint.domain.live import Served
from setpoint.domain.rollout import Candidate, Decision, Phase, Rollout, Verdict
from setpoint.domain.update import Updates
from setpoint.domain.value import replace
from setpoint.update.schedule import next_training, struck

BEGAN, WEEK = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=7)
DEPLOYED = Deployment(
    model="demand", source="", served=Served(champion="v1"), envelope=Envelope(), objectives=(),
    releases=(Release(version="v1", at=BEGAN, by="ann"),), updates=Updates(every_s=WEEK.total_seconds()),
)  # fmt: skip


def no_better(count: int) -> tuple[Rollout, ...]:
    gate = Verdict(decision=Decision.REJECT, rows=300, champion_loss=9.0, candidate_loss=9.0, gain=0.0, low=-1, high=1)
    names = [Candidate(version=f"v{i}", champion="v1", reason="", created=BEGAN, gate=gate) for i in range(count)]
    return tuple(Rollout(candidate=c, phase=Phase.REJECTED) for c in names)


def test_it_counts_from_the_first_release_and_then_from_the_last_training() -> None:
    assert next_training(DEPLOYED) == BEGAN + WEEK
    assert not struck(DEPLOYED, BEGAN + WEEK - timedelta(seconds=1))
    assert struck(DEPLOYED, BEGAN + WEEK)
    trained = replace(DEPLOYED, last_fit=BEGAN + 2 * WEEK)
    assert next_training(trained) == BEGAN + 3 * WEEK


def test_without_a_clock_none_strikes() -> None:
    assert next_training(replace(DEPLOYED, updates=Updates())) is None
    assert not struck(replace(DEPLOYED, updates=Updates()), BEGAN + 99 * WEEK)


@given(lost=st.integers(0, 9))
def test_each_candidate_that_was_no_better_doubles_the_time_up_to_eight_times(lost: int) -> None:
    assert next_training(replace(DEPLOYED, rollouts=no_better(lost))) == BEGAN + WEEK * 2 ** min(lost, 3)


def test_a_rollout_that_a_person_ended_does_not_begin_the_count_anew_and_a_promotion_does() -> None:
    lost, (other,) = no_better(2), no_better(1)
    good = replace(other, candidate=replace(other.candidate, gate=None))
    aborted = replace(DEPLOYED, rollouts=(*lost, replace(good, phase=Phase.ABORTED)))
    assert next_training(aborted) == BEGAN + 4 * WEEK
    assert next_training(replace(aborted, rollouts=(*lost, replace(good, phase=Phase.PROMOTED)))) == BEGAN + WEEK


@given(failed=st.integers(0, 9), lost=st.integers(0, 3))
def test_so_does_each_training_in_a_row_that_failed(failed: int, lost: int) -> None:
    said = [
        Decided(at=BEGAN, cause="", subject="quality", action=a, why="")
        for a in ["reject", *["training failed"] * failed]
    ]
    deployment = replace(DEPLOYED, rollouts=no_better(lost), decisions=tuple(said))
    assert next_training(deployment) == BEGAN + WEEK * 2 ** min(lost + failed, 3)
    judged = replace(deployment, decisions=(*said, replace(said[0], action="shadow")))
    assert next_training(judged) == BEGAN + WEEK * 2 ** min(lost, 3)


@given(weeks=st.floats(1, 500))
def test_what_was_missed_is_caught_up_with_once(weeks: float) -> None:
    now = BEGAN + weeks * WEEK
    assert struck(DEPLOYED, now)
    assert not struck(replace(DEPLOYED, last_fit=now), now)


@given(failed=st.integers(1, 9))
def test_one_that_comes_to_nothing_moves_no_clock_and_is_not_begun_again_at_once(failed: int) -> None:
    cancelled = replace(DEPLOYED, tried=BEGAN + WEEK / 2)
    assert next_training(cancelled) == BEGAN + WEEK
    assert next_training(replace(cancelled, tried=BEGAN + WEEK)) == BEGAN + 2 * WEEK
    said = Decided(at=BEGAN, cause="", subject="quality", action="training failed", why="")
    times = [BEGAN]
    for count in range(failed):
        clock = replace(DEPLOYED, tried=times[-1] if count else None, decisions=(said,) * count)
        times.append(next_training(clock) or BEGAN)
    assert times[1:] == sorted(set(times[1:]))
    assert [(t - BEGAN) / WEEK for t in times[1:4]] == [1, 2, 4][:failed]
    assert all(b - a >= 4 * WEEK for a, b in itertools.pairwise(times[4:]))
