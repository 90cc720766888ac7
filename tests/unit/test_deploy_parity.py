"""The comparison of a converted model with the framework's own, and the choice that follows."""

from typing import Any

import numpy as np
import pytest

from setpoint.deploy.choice import choose
from setpoint.deploy.parity import ALLOWED_SHARE, compare, rank_changes, tolerance
from setpoint.deploy.timing import Timing
from setpoint.deploy.tried import Tried
from setpoint.domain.schema import Task
from setpoint.domain.version import Price

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
    assert not found.ok
    assert np.isfinite(found.largest)  # of those that are numbers


def test_tolerance_follows_the_spread_and_never_vanishes() -> None:
    assert tolerance(SCORES * 10, Task.REGRESSION) == pytest.approx(10 * tolerance(SCORES, Task.REGRESSION))
    assert tolerance(np.full(9, 5.0), Task.REGRESSION) == pytest.approx(5e-6)
    assert tolerance(np.zeros(9), Task.REGRESSION) > 0


NATIVE = Tried(runtime="native", precision="as trained")
RIGHT = compare(SCORES, SCORES, Task.REGRESSION)
WRONG = compare(SCORES, SCORES + 1, Task.REGRESSION)
SLOW, FAST = Timing(p50_us=280.0, rows_per_s=2e5), Timing(p50_us=7.0, rows_per_s=6e5)
CHEAP, DEAR = (Price(change=most / 2, most=most, flips=0.0, ok=most < 0.01) for most in (0.004, 0.3))


def onnx(**how: Any) -> Tried:
    return Tried(**{"runtime": "onnxruntime", "precision": "fp32", "parity": RIGHT, **how})


def chosen(*tried: tuple[Tried, Timing | None], latency_us: float | None = None) -> dict[str, str]:
    """Return why each was chosen or not, the winner's under `won`."""
    variants = choose([t for t, _ in tried], [timing for _, timing in tried], Task.REGRESSION, latency_us)
    assert sum(v.chosen for v in variants) == 1
    return {"won" if v.chosen else f"{v.runtime} {v.precision} {v.threads}": v.why for v in variants}


@pytest.mark.parametrize(
    ("native", "fast", "converted", "won", "lost"),
    [
        (SLOW, FAST, onnx(), "40.0 × faster (one row in 7 µs against 280 µs), and right.", "40.0 × slower on one row"),
        (FAST, SLOW, onnx(), "40.0 × faster than the converted model", "40.0 × slower on one row, and right."),
        (SLOW, FAST, onnx(parity=WRONG), "the converted model differs", "Of 5,000 rows, 100.000% differ"),
        (
            SLOW,
            None,
            onnx(failed="conversion failed. No: x"),
            "the only way to run it here",
            "conversion failed. No: x",
        ),
    ],
)
def test_the_faster_that_is_right_wins(native, fast, converted, won, lost) -> None:
    said = chosen((NATIVE, native), (converted, fast))
    assert won in said.pop("won")
    assert lost in next(iter(said.values()))


def test_a_slower_batch_is_admitted() -> None:
    said = chosen((NATIVE, SLOW), (onnx(), Timing(p50_us=7.0, rows_per_s=1e5)))
    assert "though 2.0 × slower in batches of 1,024" in said["won"]


@pytest.mark.parametrize(
    ("int8", "p50_us", "said"),
    [
        (onnx(precision="int8", parity=None, price=CHEAP), 4.0, "chosen"),
        (onnx(precision="int8", parity=None, price=CHEAP), 6.5, "not used: only 1.1 × faster"),
        (
            onnx(precision="int8", parity=None, price=DEAR),
            1.0,
            "it may cost too much. Its loss on the reference is +15.00%",
        ),
    ],
)
def test_lower_precision_must_be_cheap_and_worth_it(int8: Tried, p50_us: float, said: str) -> None:
    whys = chosen((NATIVE, SLOW), (onnx(), FAST), (int8, Timing(p50_us=p50_us, rows_per_s=1e6)))
    assert said in (whys["won"] if said == "chosen" else whys["onnxruntime int8 1"])
    assert ("+0.20% (at most +0.40%)" in whys["won"]) is (said == "chosen")


@pytest.mark.parametrize(
    ("latency_us", "said"),
    [(None, "no objective asks for a latency"), (1_000.0, "one is fast enough"), (200.0, "chosen: 2.0 × faster")],
)
def test_a_second_thread_is_taken_where_one_misses_the_latency(latency_us: float | None, said: str) -> None:
    two = (onnx(threads=2), Timing(p50_us=250.0, rows_per_s=1e5))
    one = (onnx(), Timing(p50_us=400.0, rows_per_s=1e5))
    whys = chosen((NATIVE, Timing(p50_us=500.0, rows_per_s=1e5)), one, two, latency_us=latency_us)
    assert said in (whys["won"] if "chosen" in said else whys["onnxruntime fp32 2"])


def test_rank_changes_are_the_neighbours_that_swap() -> None:
    own = np.arange(11.0)
    swapped = own.copy()
    swapped[[3, 4]] = swapped[[4, 3]]
    assert rank_changes(own, swapped, 1e-6) == 0.1
    assert rank_changes(own, swapped, 5.0) == 0.0
    assert rank_changes(np.column_stack([own, own]), np.column_stack([own, swapped]), 1e-6) == 0.1
