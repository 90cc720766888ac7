"""Rows of the record log in memory: what is taken of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.records import Records


def records(rows: int) -> Records:
    number, text = np.arange(rows, dtype=np.float64), np.array([f"r{i}" for i in range(rows)], object)
    time = number.astype("datetime64[us]")
    return Records(
        id=text,
        time=time,
        version=text,
        score=number,
        outcome=number,
        known=time,
        latency_us=number,
        maps=text,
        inputs={"x": number},
    )


@given(st.lists(st.booleans(), max_size=30))
def test_a_mask_takes_the_rows_that_it_says(mask: list[bool]) -> None:
    found, wanted = records(len(mask)).take(np.array(mask, bool)), np.flatnonzero(mask)
    assert found.score.tolist() == found.inputs["x"].tolist() == wanted.tolist()
    assert found.id.tolist() == [f"r{i}" for i in wanted]


@pytest.mark.parametrize("mask", [[0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1]])
def test_rows_in_one_piece_are_not_copied(mask: list[int]) -> None:
    rows = records(4)
    assert np.shares_memory(rows.take(np.array(mask, bool)).score, rows.score)
