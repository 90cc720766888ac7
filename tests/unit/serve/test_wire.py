"""Tensors as bytes: what goes in comes out, and what does not fit is refused in words."""

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.errors import InvalidRequest
from setpoint.serve.wire import DATATYPES, DTYPES, from_raw, to_raw


@given(st.lists(st.text()))
def test_texts_survive(texts: list[str]) -> None:
    assert from_raw("x", "BYTES", to_raw("BYTES", texts), len(texts)) == (texts, False)


@given(st.sampled_from(sorted(DTYPES)), st.lists(st.integers(0, 1), min_size=1))
def test_numbers_survive(datatype: str, numbers: list[int]) -> None:
    values, infinite = from_raw("x", datatype, to_raw(datatype, numbers), len(numbers))
    assert values == numbers
    assert not infinite


@given(st.sampled_from(sorted(DATATYPES)), st.binary(max_size=64), st.integers(0, 16))
def test_any_bytes_give_that_many_values_or_a_refusal(datatype: str, raw: bytes, count: int) -> None:
    values = None
    with contextlib.suppress(InvalidRequest):
        values, _ = from_raw("x", datatype, raw, count)
    assert values is None or len(values) == count


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
def test_nan_is_a_missing_number_and_infinity_is_told(datatype: str) -> None:
    raw = np.array([1.0, np.nan], DTYPES[datatype]).tobytes()
    assert from_raw("x", datatype, raw, 2) == ([1.0, None], False)
    raw = np.array([math.inf, np.nan], DTYPES[datatype]).tobytes()
    assert from_raw("x", datatype, raw, 2) == ([math.inf, None], True)


def test_a_text_is_read_as_utf_8() -> None:
    with pytest.raises(InvalidRequest, match="element 0 is not UTF-8"):
        from_raw("x", "BYTES", b"\x01\x00\x00\x00\xff", 1)
