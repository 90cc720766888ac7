"""What is best done about a model's answers, from a look at it."""

import math
from typing import Any

import pytest

from setpoint.domain.calibration import Calibration
from setpoint.domain.envelope import Envelope
from setpoint.domain.objective import Objective
from setpoint.domain.receipt import Gain
from setpoint.domain.rollout import Candidate, Phase, Rollout
from setpoint.domain.update import Method, Updates
from setpoint.domain.value import replace
from setpoint.loop import actions as do
from setpoint.loop.advising import RAW, advice_of, plan_of
from setpoint.loop.looks.situation import Prospect
from setpoint.loop.plan import plan
from setpoint.update.advice import Move
from setpoint.update.former import Former
from setpoint.update.line import OWN, Line
from setpoint.update.recalibration import Evidence
from setpoint.update.walk_forward import Proof

SAVED = Proof(gain=1.0, se=0.2, low=0.5, rows=240)
LINE = Line(
    calibration=Calibration(shift=(2.0,)), evidence=Evidence(late=SAVED, prompt=SAVED), learnt_from=OWN
)  # fmt: skip
FORMER = Former(version="v0", gain=Gain(mean=2.0, low=1.0, high=3.0, rows=100))


def seen(line: Line | None = None, moves: float = 0.0, former: Former | None = None, loss: float = 5.0) -> Prospect:
    return Prospect(line=line, moves=moves, former=former, loss=loss)


@pytest.fixture
def off(made: Any) -> Any:
    return made.deployment(standings=made.mae_is_off())


def test_a_model_that_holds_its_set_point_is_left_alone_whatever_was_found(made: Any) -> None:
    well = (replace(made.mae_is_off()[0], value=1.0, at_set_point=True),)
    advice = advice_of(made.deployment(standings=well), made.look(prospect=seen(LINE, 0.5, FORMER)))
    assert (advice.move, advice.why) == (Move.WAIT, "quality holds its set point")


def test_it_is_not_said_to_hold_where_that_is_not_known_or_few_rows_say_otherwise(made: Any) -> None:
    few = (replace(made.mae_is_off()[0], rows=12),)
    said = [advice_of(made.deployment(standings=s), made.look()).why for s in ((), few)]
    assert said == [
        "it is not known yet whether quality holds its set point",
        "mae 5 is off its set point 2, on 12 labelled rows; 30 are needed",
    ]


def test_the_clock_strikes_for_a_model_that_holds_its_set_point_too(made: Any) -> None:
    clock = made.deployment(updates=Updates(every_s=86_400.0))
    advice = advice_of(clock, made.look())
    assert advice.move is Move.RETRAIN
    assert plan_of(advice, clock, made.look()).reason.startswith("due by `update: every`, 1d; ")


def test_a_line_comes_before_a_training_and_brings_its_proof(made: Any, off: Any) -> None:
    action = plan(off, made.look(prospect=seen(LINE, 0.2)))
    assert isinstance(action, do.Fit)
    assert action.plan.line == LINE.calibration
    assert (action.plan.proof.gain, action.plan.proof.champion_loss, action.plan.proof.candidate_loss) == (
        1.0,
        5.0,
        4.0,
    )
    assert "would have saved 1 a row" in action.plan.proof.checks[1]


def test_a_line_that_hardly_moves_the_answers_is_not_worth_a_version(made: Any, off: Any) -> None:
    assert plan(off, made.look(prospect=seen(LINE, 0.005))).plan.line is None  # trained instead


def test_a_line_whose_time_is_over_is_taken_away(made: Any, off: Any) -> None:
    assert plan(off, made.look(prospect=seen(None, 0.2))).plan.line == RAW


def test_a_former_champion_that_is_surely_better_is_restored_where_that_is_allowed(made: Any, off: Any) -> None:
    look = made.look(prospect=seen(LINE, 0.2, FORMER))
    assert plan(off, look) == do.Restore(version="v0", why=advice_of(off, look).why)
    assert plan(replace(off, envelope=Envelope(automatic=("retrain",))), look) is None


def test_after_a_restoration_nothing_is_decided_on_what_was_seen_of_another_champion(made: Any, off: Any) -> None:
    look = made.look(prospect=seen(former=FORMER))
    assert plan(replace(off, served=replace(off.served, champion="v0")), look) is None


def test_a_champion_is_given_time_to_be_measured_before_it_is_trained_again(made: Any, off: Any) -> None:
    fresh = replace(off, releases=(replace(off.releases[0], at=made.now - made.day),))  # 24 rows ago
    assert advice_of(fresh, made.look()).why == "the champion is measured on 24 rows of its own; 40 are needed"
    assert advice_of(replace(fresh, updates=Updates(every_s=60.0)), made.look()).move is Move.RETRAIN


def test_a_line_through_its_answers_makes_no_champion_a_new_one(made: Any, off: Any) -> None:
    """Where lines move as often as outcomes come, none would ever be old enough to be trained again."""
    lined = replace(off.releases[0], version="v2", at=made.now - made.day, replaced="v1")
    moved = replace(off, releases=(*off.releases, lined), served=replace(off.served, champion="v2"))
    for method, move in ((Method.RECALIBRATE, Move.RETRAIN), (Method.REFIT, Move.WAIT)):
        candidate = Candidate(version="v2", champion="v1", reason="", created=made.now, method=method)
        rollout = Rollout(candidate=candidate, phase=Phase.PROMOTED)
        assert advice_of(replace(moved, rollouts=(rollout,)), made.look()).move is move


@pytest.mark.parametrize(("failed", "rows"), [(0, 300), (1, 600), (3, 2_400), (9, 2_400)])
def test_trainings_that_did_not_help_double_what_the_next_one_takes(
    made: Any, off: Any, failed: int, rows: int
) -> None:
    said = tuple(replace(made.acted("fit", 1)[0], action="training failed") for _ in range(failed))
    few = made.look(prospect=seen(), unlearnt=made.rows(made.now - made.day, made.now).labelled)
    assert advice_of(replace(off, decisions=said), few).why.endswith(f"; at {rows:,} a training is considered")


def test_where_no_quality_is_stated_it_is_thought_over_once_a_unit_of_outcomes(made: Any) -> None:
    silent = made.deployment(objectives=(Objective(metric="latency_p99_ms", at_most=50.0),))
    assert plan(silent, made.look()) is None
    assert isinstance(plan(silent, made.look(prospect=seen())), do.Fit)


def test_what_a_training_would_win_is_less_where_a_line_is_through_the_answers(made: Any, off: Any) -> None:
    plain, lined = made.version(), replace(made.version(), calibration=LINE.calibration)
    gains = [advice_of(off, made.look(champion=v, prospect=seen())).expected.mean for v in (plain, lined)]
    assert gains[0] > 0 > gains[1]


def test_without_a_known_loss_nothing_is_expected(made: Any, off: Any) -> None:
    assert advice_of(off, made.look(prospect=seen(loss=math.nan))).expected is None


def test_a_method_that_a_person_asks_for_goes_before_the_file(made: Any) -> None:
    from setpoint.update.when import due

    assert due(made.look().unlearnt, now=made.now, cause="", method=Method.CONTINUE).method is Method.CONTINUE


def test_what_a_named_fault_spoiled_is_no_reason_to_train(made: Any, off: Any) -> None:
    """The window of the objective still holds rows of a fault that is over; without them the model is at its goal."""
    without = made.look(prospect=seen(), unspoiled=tuple(replace(s, at_set_point=True) for s in off.standings))
    assert advice_of(off, made.look(prospect=seen())).move is Move.RETRAIN
    assert advice_of(off, without).move is Move.WAIT


def test_after_a_training_that_came_to_nothing_the_next_waits_for_new_rows_and_learns_all(made: Any, off: Any) -> None:
    fresh = made.look(prospect=seen())
    assert plan(off, fresh).plan.new_rows == 56 * 24
    tried = replace(off, tried=made.now - made.day)
    assert advice_of(tried, fresh).why.startswith("24 new labelled rows; at 300 a training is considered")
    later = replace(off, tried=made.now - 50 * made.day)
    assert plan(later, fresh).plan.new_rows == 56 * 24
