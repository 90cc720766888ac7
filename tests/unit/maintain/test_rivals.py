import pytest

from setpoint.domain.incident import Cause
from setpoint.maintain.explanation import CERTAIN, Explanation, weighed
from setpoint.maintain.rivals import told_apart


def said(cause, subject, nats, *, whole=False, support=CERTAIN):
    return Explanation(cause=cause, subject=subject, support=support, evidence=(), nats=nats, whole=whole)


def test_of_two_that_are_certain_about_a_column_the_one_that_the_rows_fit_better_is_named():
    """The dummy that goes by the cap alone names the one that is met more often."""
    unit, swap = said(Cause.UNIT, "price", 1_105.0), said(Cause.SWAPPED, "demand, price", 1_398.0)
    assert weighed([unit, swap])[0].cause is Cause.UNIT
    assert weighed(told_apart([unit, swap]))[0].cause is Cause.SWAPPED


def test_of_columns_that_follow_each_other_one_that_makes_all_rows_healthy_is_enough():
    temp, felt = said(Cause.UNIT, "temp", 10_458.0, whole=True), said(Cause.UNIT, "felt", 5_010.0)
    assert [e.support for e in told_apart([felt, temp])] == [0.0, CERTAIN]


def test_faults_of_two_columns_stand_side_by_side_where_neither_explains_all():
    found = [said(Cause.UNIT, "temp", 400.0), said(Cause.SWAPPED, "hum, wind", 90.0)]
    assert told_apart(found) == found


@pytest.mark.parametrize("support", [0.0, -3.0])
def test_one_that_says_nothing_for_itself_outdoes_none(support):
    refuted, other = said(Cause.SWAPPED, "a, b", 900.0, support=support), said(Cause.UNIT, "a", 90.0)
    assert told_apart([refuted, other]) == [refuted, other]


def test_what_is_not_told_by_the_rows_as_a_whole_is_left_as_it_is():
    frozen = Explanation(cause=Cause.FROZEN, subject="a", support=12.0, evidence=())
    assert told_apart([frozen, said(Cause.UNIT, "a", 90.0, whole=True)])[0] == frozen


def test_a_little_better_is_a_little_likelier():
    best, other = told_apart([said(Cause.UNIT, "a", 52.0), said(Cause.SWAPPED, "a, b", 50.0)])
    assert (best.support, other.support) == (CERTAIN, CERTAIN - 2.0)
