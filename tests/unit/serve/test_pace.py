"""What is learnt of a model's speed, and how large its runs become."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.serve.batches import taken
from setpoint.serve.pace import FIRST_ROWS, Pace

LIMIT = 1_024


def learnt(seconds, runs=60):
    """A pace after runs that always had as many rows as there was room for; the last ones."""
    pace, sizes = Pace(), []
    for _ in range(runs):
        sizes.append(pace.room(LIMIT))
        pace.add(sizes[-1], seconds(sizes[-1]))
    return pace, sizes[-5:]


def test_before_the_first_run_nothing_is_known():
    assert Pace().seconds(1) == inf
    assert Pace().room(LIMIT) == FIRST_ROWS


def test_a_size_that_was_never_run_is_expected_to_take_as_long_a_row_as_a_smaller_one():
    pace = Pace()
    pace.add(1, 0.002)
    assert pace.seconds(10) == pytest.approx(0.02)
    pace.add(10, 0.003)
    assert (pace.seconds(10), pace.seconds(1)) == pytest.approx((0.003, 0.002))


@pytest.mark.parametrize(
    ("seconds", "low", "high"),
    [
        (lambda n: 1e-5 * n, LIMIT, LIMIT),
        (lambda n: 0.5, LIMIT - 1, LIMIT),  # a call costs the same whatever is in it
        (lambda n: 0.5 * n, 1, 3),
        (lambda n: 0.05 + 0.01 * n, 15, 31),  # about a quarter of a second
    ],
)
def test_runs_grow_to_what_pays(seconds, low, high):
    _, sizes = learnt(seconds)
    assert all(low <= n <= high for n in sizes), sizes


@given(
    st.lists(st.tuples(st.integers(1, 50), st.sampled_from([0, 5, 100, 10_000])), min_size=1, max_size=30),
    st.integers(1, 40),
)
def test_a_run_fits_its_room_and_its_deadlines(waiting, room):
    sizes = taken(waiting, room, lambda n: n * 1e-9)
    assert 1 <= sum(sizes) <= room
    assert sizes[0] == min(waiting[0][0], room)
    assert sizes[1:] == [rows for rows, _ in waiting[1 : len(sizes)]]
    if len(sizes) > 1:
        deadlines = [deadline for _, deadline in waiting[: len(sizes)] if deadline]
        assert sum(sizes) <= min(deadlines, default=room)


def test_a_tight_deadline_is_not_delayed_by_others():
    assert taken([(2, 3), (2, 0), (1, 0)], 10, lambda n: n * 1e-9) == [2]
    assert taken([(2, 0), (2, 0), (1, 4)], 10, lambda n: n * 1e-9) == [2, 2]
