"""A calibration: what it does to answers, that it can be undone, and that it orders rows as before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import ValidationError

from setpoint.domain.calibration import Calibration, apply, corrected, undo
from setpoint.domain.schema import Task
from setpoint.domain.value import from_json, to_json

SLOPES = st.floats(0.2, 5.0)
SHIFTS = st.floats(-5.0, 5.0)
PROBABILITIES = st.lists(st.floats(0.001, 0.999), min_size=2, max_size=20)


@given(p=PROBABILITIES, slope=SLOPES, shift=SHIFTS)
def test_a_probability_can_be_had_back_and_keeps_its_order(p: list[float], slope: float, shift: float) -> None:
    """Whatever the line, the raw score is recovered from the calibrated one, and no two rows change places."""
    line, raw = Calibration(shift=(shift,), slope=slope), np.sort(np.array(p))
    given_ = apply(line, raw, Task.BINARY)
    assert np.all((given_ >= 0) & (given_ <= 1))
    assert np.all(np.diff(given_) >= 0)
    clear = (given_ > 1e-6) & (given_ < 1 - 1e-6)  # nearer to one, a float no longer tells them apart
    np.testing.assert_allclose(undo(line, given_, Task.BINARY)[clear], raw[clear], rtol=1e-6)


@given(
    p=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), slope=SLOPES, shift=SHIFTS, centre=st.floats(-1e3, 1e3)
)
def test_a_prediction_can_be_had_back(p: list[float], slope: float, shift: float, centre: float) -> None:
    """Of a regression the raw prediction is recovered to the last few digits."""
    line, raw = Calibration(shift=(shift,), slope=slope, centre=centre), np.array(p)
    np.testing.assert_allclose(undo(line, apply(line, raw, Task.REGRESSION), Task.REGRESSION), raw, atol=1e-6)


@given(p=st.lists(st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3), min_size=1, max_size=10), slope=SLOPES)
def test_several_classes_sum_to_one_and_can_be_had_back(p: list[list[float]], slope: float) -> None:
    """Of several classes the probabilities sum to one before and after."""
    raw = np.array(p) / np.sum(p, axis=1, keepdims=True)
    line = Calibration(shift=(0.5, 0.0, -1.0), slope=slope)
    given_ = apply(line, raw, Task.MULTICLASS)
    np.testing.assert_allclose(given_.sum(axis=1), 1.0)
    np.testing.assert_allclose(undo(line, given_, Task.MULTICLASS), raw, rtol=1e-6, atol=1e-9)


def test_a_logit_is_shifted_and_stretched() -> None:
    """Of two classes: the logit of the answer is `shift + slope · logit`."""
    raw = np.array([0.2, 0.7])
    logit = np.log(raw / (1 - raw))
    expected = 1 / (1 + np.exp(-(0.3 + 2 * logit)))
    np.testing.assert_allclose(apply(Calibration(shift=(0.3,), slope=2.0), raw, Task.BINARY), expected)


def test_a_row_is_corrected_by_its_own() -> None:
    """A number by a number, a probability in its logit, and never beyond 0 and 1."""
    by = np.array([0.5, -0.5, 1e9])
    np.testing.assert_array_equal(corrected(np.zeros(3), by, Task.REGRESSION), by)
    odds = np.array([1.0, 1.0]) * np.exp(by[:2])
    np.testing.assert_allclose(corrected(np.full(2, 0.5), by[:2], Task.BINARY), odds / (1 + odds))
    np.testing.assert_array_equal(corrected(np.array([0.0, 1.0, np.nan]), by, Task.BINARY), [0.0, 1.0, np.nan])


def test_the_surest_answers_and_missing_ones_stay() -> None:
    """0 and 1 stay what they are, and no answer stays none; a row that sums to nothing too."""
    line = Calibration(shift=(3.0,), slope=2.0)
    np.testing.assert_array_equal(apply(line, np.array([0.0, 1.0, np.nan]), Task.BINARY), [0.0, 1.0, np.nan])
    several = Calibration(shift=(1.0, 0.0, 0.0), slope=2.0)
    np.testing.assert_array_equal(apply(several, np.zeros((1, 3)), Task.MULTICLASS), np.zeros((1, 3)))


def test_sums_of_float32_a_little_beyond_one_are_answered() -> None:
    """As a forest's mean of its trees may be."""
    line, a_little = Calibration(shift=(1.0,), slope=1.5), np.array([-2e-7, 1 + 2e-7])
    np.testing.assert_array_equal(apply(line, a_little, Task.BINARY), [0.0, 1.0])
    np.testing.assert_array_equal(corrected(a_little, np.ones(2), Task.BINARY), [0.0, 1.0])
    several = Calibration(shift=(1.0, 0.0, 0.0), slope=1.5)
    assert apply(several, np.array([[1 + 2e-7, -1e-7, -1e-7]]), Task.MULTICLASS).tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    "raw", [b'{"slope": 0}', b'{"slope": -1}', b'{"shift": []}', b'{"shift": [1e400]}', b'{"centre": 1e400}']
)
def test_a_line_that_cannot_be_undone_is_refused(raw: bytes) -> None:
    """Also where it is read from a manifest."""
    with pytest.raises(ValidationError):
        from_json(raw, Calibration)


def test_it_is_stored_and_read() -> None:
    """JSON in both directions; the words say shift, slope and centre."""
    line = Calibration(shift=(1.25,), slope=0.9, centre=100.0)
    assert from_json(to_json(line), Calibration) == line
    assert line.in_words == "shift +1.25; slope 0.9 around 100"
