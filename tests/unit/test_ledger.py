"""The label ledger: an estimator that errs loses its vote, an honest one keeps it."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from setpoint.domain.ledger import (
    FEWEST,
    KEPT,
    LAST,
    REFERENCE,
    SCORES,
    TRACKED,
    Entry,
    Estimate,
    Ledger,
    Realised,
    entered,
    past,
    pending,
    scored,
    track,
    vote,
)  # fmt: skip
from setpoint.domain.value import from_json, to_json
from setpoint.stats.estimate_tracked import tracked

START = datetime(2024, 1, 1, tzinfo=UTC)


def an_entry(at: int = 0, width: float = 0.1, **said: float) -> Entry:
    values = {SCORES: 0.8, TRACKED: 0.8, REFERENCE: 0.7, LAST: 0.7, **said}
    since = START + timedelta(days=at)
    estimates = {n: Estimate(value=v, low=v - width, high=v + width) for n, v in values.items()}
    return Entry(
        metric="roc_auc", version="v1", since=since, until=since + timedelta(days=1), rows=100, estimates=estimates
    )


def kept(entries, realised) -> Ledger:
    ledger = Ledger()
    for entry, value in zip(entries, realised, strict=True):
        ledger = scored(entered(ledger, entry), entry, Realised(value=value, error=0.01, rows=100))
    return ledger


def test_nobody_speaks_before_enough_windows_are_scored():
    """Three windows prove nothing."""
    ledger = kept([an_entry(at) for at in range(FEWEST - 1)], [0.8] * (FEWEST - 1))
    assert vote(ledger, "roc_auc", "v1").why == "unproven: 3 of 4 windows scored"
    ledger = kept([an_entry(at) for at in range(FEWEST)], [0.8] * FEWEST)
    assert vote(ledger, "roc_auc", "v1").estimator == TRACKED


def test_an_estimator_no_better_than_a_dummy_has_no_vote():
    """Though its interval, wide as it is, holds every realised value."""
    ledger = kept([an_entry(at) for at in range(8)], [0.74] * 8)
    assert not track(past(ledger, "roc_auc", "v1"), SCORES).withdrawn
    assert "'as in the reference' 0.04" in vote(ledger, "roc_auc", "v1").why


def test_three_misses_in_a_row_withdraw_and_hits_restore():
    """The penalty is tripled by a miss, halved by a hit; it must be back at 1."""
    realised = [0.8] * 6 + [0.95] * 3 + [0.8] * 5
    entries = past(kept([an_entry(at) for at in range(14)], realised), "roc_auc", "v1")
    assert [track(entries[:n], SCORES).withdrawn for n in (8, 9, 13, 14)] == [False, True, True, False]


def test_a_version_starts_unproven():
    """What was estimated of another version proves nothing of this one."""
    ledger = kept([an_entry(at) for at in range(8)], [0.8] * 8)
    assert vote(ledger, "roc_auc", "v2").windows == 0


def test_an_entry_is_written_once_and_scored_once():
    """What was said before the labels came cannot be said again after."""
    entry = an_entry()
    ledger = entered(entered(Ledger(), entry), an_entry(scores=0.1))
    assert ledger.entries == (entry,)
    assert pending(ledger) == (entry,)
    ledger = scored(ledger, entry, Realised(value=0.8, error=0.01, rows=100))
    assert scored(ledger, entry, Realised(value=0.1, error=0.01, rows=100)) == ledger
    assert from_json(to_json(ledger), Ledger) == ledger


def test_the_ledger_is_bounded():
    """The last entries of a metric are kept."""
    ledger = kept([an_entry(at) for at in range(KEPT + 5)], [0.8] * (KEPT + 5))
    assert len(ledger.entries) == KEPT
    assert ledger.entries[0].since == START + timedelta(days=5)


def misses(rng: np.random.Generator, windows: int, bias) -> list[bool]:
    """Whether an estimator is withdrawn after each window; its interval holds 90 % where there is no bias."""
    truth = 0.8 + rng.normal(0, 0.03, windows)
    said = truth + rng.normal(0, 0.02, windows) + bias
    entries = [an_entry(at, width=1.645 * 0.02, scores=v) for at, v in enumerate(said)]
    scored_ones = past(kept(entries, truth), "roc_auc", "v1")
    return [track(scored_ones[: n + 1], SCORES).withdrawn for n in range(windows)]


def test_an_honest_estimator_seldom_loses_its_vote():
    """With 10 % of windows outside its interval it is withdrawn in under 2 % of windows."""
    rng = np.random.default_rng(1)
    assert np.mean([misses(rng, 50, 0.0) for _ in range(60)]) < 0.02


def test_a_concept_change_takes_the_vote_within_a_few_windows():
    """Estimates off by four of their standard deviations from window 20 on: withdrawn by window 25, every time."""
    rng = np.random.default_rng(2)
    runs = np.array([misses(rng, 30, np.where(np.arange(30) < 20, 0.0, 0.08)) for _ in range(40)])
    assert runs[:, 24].mean() >= 0.95
    assert np.median(runs[:, 20:].argmax(axis=1)) <= 3


def stream(rng: np.random.Generator, windows: int, reliance: float, drift: float):
    estimate = 0.8 + np.cumsum(rng.normal(0, 0.01, windows))
    level = np.cumsum(rng.normal(0, drift, windows))
    realised = 0.8 + reliance * (estimate - 0.8) + level + rng.normal(0, 0.005, windows)
    return estimate, realised


@pytest.mark.parametrize(("reliance", "drift"), [(1.0, 0.0), (0.0, 0.01), (-0.8, 0.01), (0.5, 0.02)])
def test_tracking_is_near_the_better_of_estimate_and_last_value(reliance, drift):
    """Within a tenth, whether the estimate follows the truth, says nothing, or moves the wrong way; intervals hold."""
    rng, errors, held = np.random.default_rng(3), [], []
    for _ in range(12):
        said, was = stream(rng, 40, reliance, drift)
        for at in range(1, 40):
            found = tracked(said[: at + 1], was[:at], np.full(at + 1, 0.005))
            if at >= 10:
                errors.append((abs(found.mean - was[at]), abs(said[at] - was[at]), abs(was[at - 1] - was[at])))
                held.append(found.quantile(0.05) <= was[at] <= found.quantile(0.95))
    ours, plain, last = np.mean(errors, axis=0)
    assert ours <= 1.1 * min(plain, last)
    assert 0.86 <= np.mean(held) <= 0.99
