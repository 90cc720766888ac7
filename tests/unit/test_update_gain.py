"""The expected gain learns from receipts: simulated models whose trainings win more or less than the signs say."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.receipt import Gain, Receipt
from setpoint.update.gain import OFFSET_SD, SPREAD_SD, Belief, Signs, expected_gain, learnt

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LOSS = 40.0


def a_receipt(expected: Gain, won: float, *, promoted: bool = True) -> Receipt:
    realised = Gain(mean=won, low=won - 1, high=won + 1, rows=168)
    loss, other = (LOSS - won, LOSS) if promoted else (LOSS, LOSS - won)
    name = "stay" if promoted else "promote"
    return Receipt(at=NOW, realised=realised, expected=expected, loss=loss, alternatives={name: other})


def simulated(models: int, updates: int) -> list[list[tuple[Gain, float]]]:
    """Expected and realised gain of each update of some models; half of the candidates are rejected."""
    rng, found = np.random.default_rng(0), []
    for _ in range(models):
        offset, receipts, story = OFFSET_SD * rng.normal(), [], []
        for nth in range(updates):
            signs = Signs(decay=float(rng.uniform(-0.5, 0.5)))
            expected = expected_gain(signs, LOSS, learnt(receipts))
            truth = expected_gain(signs, LOSS, Belief()).mean / LOSS + offset + SPREAD_SD * rng.normal()
            story.append((expected, LOSS * truth))
            receipts.append(a_receipt(expected, LOSS * truth, promoted=bool(nth % 2)))
        found.append(story)
    return found


def test_intervals_cover_what_is_realised_and_receipts_make_the_expectation_better() -> None:
    stories = simulated(150, 25)
    covered = [e.low <= won <= e.high for story in stories for e, won in story]
    assert 0.87 < np.mean(covered) < 0.96
    first, last = (np.mean([abs(story[i][0].mean - story[i][1]) for story in stories]) for i in (0, -1))
    assert last < 0.9 * first, "the dummy is the expectation that never learns: that of the first update"


def test_surprises_pull_the_expectation_and_it_grows_surer() -> None:
    belief = learnt([a_receipt(Gain(mean=0.0, low=-1, high=1), 12.0) for _ in range(6)])
    assert 0.1 < belief.offset < 0.3
    assert belief.offset_sd < Belief().offset_sd


def test_receipts_that_measured_nothing_teach_nothing() -> None:
    blank = Receipt(at=NOW, realised=Gain(mean=0.0, low=0.0, high=0.0), expected=Gain(mean=1.0, low=0.0, high=2.0))
    unexpected = Receipt(at=NOW, realised=Gain(mean=3.0, low=2.0, high=4.0, rows=168), loss=4.0)
    assert learnt([blank, unexpected]) == Belief()


def test_a_rejected_candidate_teaches_as_much_as_a_promoted_one() -> None:
    expected = Gain(mean=2.0, low=-4.0, high=8.0)
    assert learnt([a_receipt(expected, 5.0)]) == learnt([a_receipt(expected, 5.0, promoted=False)])


@given(
    decay=st.floats(-1e9, 1e9), loss=st.floats(0, 1e12),
    wins=st.lists(st.floats(-1e6, 1e6), max_size=20),
)  # fmt: skip
def test_the_interval_encloses_the_mean_whatever_happened(decay: float, loss: float, wins: list[float]) -> None:
    belief = learnt([a_receipt(Gain(mean=1.0, low=0.0, high=2.0), won) for won in wins])
    gain = expected_gain(Signs(decay=decay), loss, belief)
    assert gain.low <= gain.mean <= gain.high
    assert gain.low >= -loss * 1.0000001


def test_the_gain_is_in_the_unit_of_the_loss() -> None:
    small, large = (expected_gain(Signs(decay=0.2), loss, Belief()) for loss in (1.0, 100.0))
    assert large.mean == pytest.approx(100 * small.mean)
    assert large.low == pytest.approx(100 * small.low)
