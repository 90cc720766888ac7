"""The comparison of a converted model with the framework's own, and the choice that follows."""

import numpy as np
import pytest

from setpoint.deploy.choice import choose
from setpoint.deploy.parity import ALLOWED_SHARE, compare, tolerance
from setpoint.deploy.timing import Timing
from setpoint.domain.schema import Task

RNG = np.random.default_rng(0)
SCORES = RNG.normal(100, 30, 5_000)
PROBABILITIES = RNG.random(5_000)


def shifted(scores: np.ndarray, rows: int, by: float) -> np.ndarray:
    moved = scores.copy()
    moved[:rows] += by
    return moved


def test_float32_rounding_is_right() -> None:
    found = compare(SCORES, SCORES.astype(np.float32).astype(np.float64), Task.REGRESSION)
    assert found.ok
    assert found.flips == 0
    assert 0 < found.largest < found.tolerance


@pytest.mark.parametrize(("rows", "ok"), [(0, True), (5, True), (6, False), (500, False)])
def test_one_row_in_a_thousand_may_cross_a_tree_s_threshold(rows: int, ok: bool) -> None:
    found = compare(SCORES, shifted(SCORES, rows, 9.0), Task.REGRESSION)
    assert found.ok is ok
    assert found.beyond == rows / len(SCORES)
    assert ALLOWED_SHARE == 1e-3


def test_on_few_rows_not_one_may_differ() -> None:
    assert not compare(SCORES[:500], shifted(SCORES[:500], 1, 9.0), Task.REGRESSION).ok


def test_a_probability_that_moves_without_a_flip_is_wrong() -> None:
    low = PROBABILITIES * 0.1
    found = compare(low, low + 0.3, Task.BINARY)
    assert found.flips == 0
    assert found.beyond == 1
    assert not found.ok


def test_flips_are_counted_at_the_threshold_of_the_version() -> None:
    found = compare(np.array([0.29999, 0.9]), np.array([0.30001, 0.9]), Task.BINARY, threshold=0.3)
    assert found.flips == 0.5
    assert found.beyond == 0


def test_the_worst_row_is_named_and_nan_is_the_worst() -> None:
    other = SCORES.copy()
    other[17] = np.nan
    found = compare(SCORES, other, Task.REGRESSION)
    assert found.worst_row == 17
    assert found.largest == np.inf


def test_tolerance_follows_the_spread_and_never_vanishes() -> None:
    assert tolerance(SCORES * 10, Task.REGRESSION) == pytest.approx(10 * tolerance(SCORES, Task.REGRESSION))
    assert tolerance(np.full(9, 5.0), Task.REGRESSION) == pytest.approx(5e-6)
    assert tolerance(np.zeros(9), Task.REGRESSION) > 0


SLOW, FAST = Timing(p50_us=280.0, rows_per_s=2e5), Timing(p50_us=7.0, rows_per_s=6e5)
RIGHT = compare(SCORES, SCORES, Task.REGRESSION)
WRONG = compare(SCORES, SCORES + 1, Task.REGRESSION)


@pytest.mark.parametrize(
    ("native", "onnx", "parity", "winner", "said"),
    [
        (SLOW, FAST, RIGHT, "onnxruntime", "40.0 × faster (one row in 7 µs against 280 µs)"),
        (FAST, SLOW, RIGHT, "native", "right, and slower"),
        (SLOW, FAST, WRONG, "native", "not the same model. Of 5,000 rows, 100.000% differ"),
        (SLOW, None, "RuntimeError: no converter", "native", "conversion failed. RuntimeError: no converter"),
    ],
)
def test_the_faster_that_is_right_wins(native, onnx, parity, winner, said) -> None:
    timings = {"native": native} | ({"onnxruntime": onnx} if onnx else {})
    variants = {v.runtime: v for v in choose(timings, parity, Task.REGRESSION)}
    assert [name for name, v in variants.items() if v.chosen] == [winner]
    assert said in variants["onnxruntime"].why
    assert variants["native"].why


def test_a_slower_batch_is_admitted() -> None:
    onnx = Timing(p50_us=7.0, rows_per_s=1e5)
    chosen = choose({"native": SLOW, "onnxruntime": onnx}, RIGHT, Task.REGRESSION)[1]
    assert chosen.chosen
    assert "though 2.0 × slower in batches of 1,024" in chosen.why
