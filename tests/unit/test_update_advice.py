"""When should I retrain: every answer, and the words for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.calibration import Calibration
from setpoint.domain.receipt import Gain
from setpoint.domain.update import Cost, Updates
from setpoint.domain.value import replace
from setpoint.update.advice import Move, Situation, advise, considered_at, measured
from setpoint.update.former import Former

WELL_PAID = Gain(mean=5.0, low=1.0, high=9.0)
UNPAID = Gain(mean=0.1, low=-4.0, high=4.0)


def a_situation(**changes: object) -> Situation:
    """A champion with enough new rows, of whose loss of 50 a training should win a tenth."""
    calm = Situation(new_rows=1_000, learnt_rows=5_600, loss=50.0, expected=WELL_PAID)
    return replace(calm, **changes)


def test_what_pays_is_trained() -> None:
    advice = advise(a_situation())
    assert (advice.move, advice.expected) == (Move.RETRAIN, WELL_PAID)
    assert advice.why == "a training should win 10.0% of the loss"


def test_few_new_rows_are_waited_for() -> None:
    advice = advise(a_situation(new_rows=500))
    assert (advice.move, advice.rows) == (Move.WAIT, 60)
    assert advice.why == "500 new labelled rows; at 560 a training is considered"


def test_what_does_not_pay_is_tried_after_twice_as_many_rows() -> None:
    advice = advise(a_situation(expected=UNPAID))
    assert (advice.move, advice.rows) == (Move.NOT_WORTH_IT, 120)
    assert advice.why == "a training should win 0.2% of the loss; 1.0% would be worth it"
    tried = advise(a_situation(expected=UNPAID, new_rows=1_120))
    assert tried.move is Move.RETRAIN
    assert "made all the same after 1,120" in tried.why


def test_a_champion_is_not_trained_again_before_its_own_answers_are_known_unless_a_person_asks() -> None:
    young = a_situation(own_rows=30, settled_rows=240)
    assert (advise(young).move, advise(young).rows) == (Move.WAIT, 210)
    assert advise(replace(young, asked=True)).move is Move.RETRAIN
    assert advise(replace(young, expected=UNPAID)).move is Move.NOT_WORTH_IT


def test_where_outcomes_are_late_twice_as_many_answers_stand_for_them() -> None:
    assert measured(240, 300) == 240
    assert measured(0, 480) == 240


def test_money_decides_where_it_is_stated() -> None:
    cheap = Updates(cost=Cost(training=100.0, loss=0.01))
    dear = Updates(cost=Cost(training=10_000.0, loss=0.01))
    paid = advise(a_situation(updates=cheap, rows_per_day=200.0))
    assert paid.move is Move.RETRAIN
    assert paid.why.endswith("10 a day, and costs 100: paid back in 10 days")
    assert advise(a_situation(updates=dear, rows_per_day=200.0)).move is Move.NOT_WORTH_IT
    assert advise(a_situation(updates=dear)).move is Move.RETRAIN, "without the traffic nothing is known of its price"


def test_cheaper_remedies_come_first() -> None:
    former = Former(version="v1", gain=Gain(mean=5.0, low=2.0, high=8.0, rows=300))
    line = Calibration(shift=(3.0,))
    restored = advise(a_situation(former=former, line=line, line_moves=0.2))
    assert (restored.move, restored.version) == (Move.RESTORE, "v1")
    assert restored.why == "v1 would have lost 10.0% less on the last 300 labelled rows"
    lined = advise(a_situation(line=line, line_moves=0.2))
    assert (lined.move, lined.line) == (Move.RECALIBRATE, line)
    assert advise(a_situation(line=None, line_moves=0.2)).line is None
    assert advise(a_situation(line=line, line_moves=0.001)).move is Move.RETRAIN, "hardly a change is no version"


def test_what_holds_learning_back_holds_everything_back() -> None:
    advice = advise(a_situation(held_back="the label feed is wrong", line_moves=1.0, asked=True))
    assert (advice.move, advice.why) == (Move.WAIT, "the label feed is wrong")


def test_who_asks_is_not_kept_waiting() -> None:
    assert advise(a_situation(asked=True, new_rows=10, expected=UNPAID)).move is Move.RETRAIN


@given(
    new=st.integers(0, 10**6), learnt=st.integers(0, 10**6), loss=st.floats(0, 1e9), mean=st.floats(-1e9, 1e9),
    worth=st.floats(0, 0.99), moved=st.floats(0, 10), cost=st.none() | st.floats(0, 1e9),
    rate=st.none() | st.floats(0, 1e6),
)  # fmt: skip
def test_there_is_always_an_answer_with_words(
    new: int, learnt: int, loss: float, mean: float, worth: float, moved: float, cost: float | None, rate: float | None
) -> None:
    updates = Updates(worth=worth, cost=None if cost is None else Cost(training=cost, loss=1.0))
    expected = Gain(mean=mean, low=mean, high=mean)
    advice = advise(
        Situation(
            new_rows=new, learnt_rows=learnt, loss=loss, expected=expected, line_moves=moved, updates=updates,
            rows_per_day=rate,
        )
    )  # fmt: skip
    assert advice.why
    assert advice.rows >= 0
    if advice.move in (Move.WAIT, Move.NOT_WORTH_IT):
        assert advice.rows > 0


@pytest.mark.parametrize("learnt", [0, 100, 4_000, 10**7])
def test_small_references_still_need_rows_to_judge_on(learnt: int) -> None:
    assert considered_at(learnt) >= 300
