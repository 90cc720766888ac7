"""Which metrics are chosen, by task, base rate and outcomes; and the room that a bound leaves."""

import numpy as np
import pytest

from setpoint.domain.classes import Classes
from setpoint.domain.objective import Objective
from setpoint.monitor.metric_choice import choose, chosen_for


def binary(base, rows=4_000, seed=0):
    rng = np.random.default_rng(seed)
    p = np.clip(rng.beta(2, 2 / base - 2, rows), 1e-3, 1 - 1e-3)
    return (rng.random(rows) < p).astype(float), p


def names(task, y, score, **more):
    return [c.metric for c in choose(task, y, score, **more)]


def test_a_balanced_classifier_is_ranked_and_its_probability_judged():
    assert names("binary", *binary(0.4)) == ["roc_auc", "log_loss", "calibration_in_the_large"]


def test_rare_positives_are_looked_at_themselves():
    y, p = binary(0.02)
    assert names("binary", y, p) == ["average_precision", "precision_at_top", "log_loss", "calibration_in_the_large"]
    assert names("binary", y, p, threshold=0.05)[:3] == ["average_precision", "recall", "precision"]
    top = choose("binary", y, p)[1].top
    assert top == pytest.approx(0.02, rel=0.6)


def test_certain_probabilities_are_judged_by_brier():
    y, p = binary(0.4)
    assert "brier" in names("binary", y, np.round(p))
    assert names("binary", y, 3 * p)[0] == "roc_auc"  # no probability: nothing of it is judged
    assert len(names("binary", y, 3 * p)) == 1


def test_counts_with_zeros_get_wape_and_never_mape():
    rng = np.random.default_rng(1)
    y = rng.poisson(1.0, 2_000).astype(float)
    chosen = choose("regression", y, np.ones(2_000))
    assert [c.metric for c in chosen] == ["mae", "bias", "wape"]
    assert "mape has no value" in chosen[2].why
    assert names("regression", y - 5, np.ones(2_000)) == ["mae", "bias"]


def test_a_heavy_tail_and_a_season_bring_their_own_metrics():
    rng = np.random.default_rng(2)
    hour = np.arange(24 * 60)
    y = 10 + 5 * np.sin(2 * np.pi * hour / 24) + rng.normal(size=len(hour))
    assert names("regression", y, y + 1, every_s=3_600.0)[-1] == "mase"
    assert "mase" not in names("regression", rng.permutation(y), y, every_s=3_600.0)
    wild = y + np.where(rng.random(len(y)) < 0.005, 1e4, 0)
    assert "median_absolute_error" in names("regression", wild, y)


@pytest.mark.parametrize(
    ("y", "score", "metric", "bound"),
    [
        ([0, 10, 0, 10], [1, 9, 2, 8], "mae", 1.8),  # a fifth more than 1.5
        ([0, 10, 0, 10], [5, 5, 5, 5.8], "mae", 5.0),  # no more than a constant answer makes
        ([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9], "roc_auc", 0.7),  # a fifth of what 0.75 has above one half
    ],
)
def test_a_bound_leaves_a_fifth_of_the_error_or_the_skill(y, score, metric, bound):
    task = "binary" if metric == "roc_auc" else "regression"
    first = choose(task, np.array(y, float), np.array(score, float))[0]
    assert (first.metric, first.bound) == (metric, pytest.approx(bound))


def test_what_is_no_better_than_knowing_nothing_is_doubted():
    rng = np.random.default_rng(3)
    y = (rng.random(2_000) < 0.5).astype(float)
    by_name = {c.metric: c for c in choose("binary", y, np.clip(rng.random(2_000), 0.01, 0.99))}
    assert "chance" in by_name["roc_auc"].doubt
    assert "always answering the same" in by_name["log_loss"].doubt
    assert not choose("binary", *binary(0.4))[0].doubt


def test_one_class_gets_no_metric_and_the_set_point_is_kept():
    y, p = np.zeros(500), np.full(500, 0.1)
    assert names("binary", y, p) == []
    y, p = binary(0.4)
    missed = Objective(metric="roc_auc", at_least=0.99)
    (choice, held), *_ = chosen_for([missed, Objective(metric="recall", at_least=0.1)], y, p, 0.5)
    assert held is missed
    assert choice.room < 0 < choice.matters
    assert "missed on the reference" in choice.why


def classes(shares, rows=2_000):
    rng = np.random.default_rng(3)
    truth = rng.choice(len(shares), rows, p=shares).astype(float)
    p = np.full((rows, len(shares)), 0.2 / (len(shares) - 1))
    said = np.where(rng.random(rows) < 0.8, truth, rng.integers(len(shares), size=rows)).astype(int)
    p[np.arange(rows), said] = 0.8
    return Classes(decided=said.astype(float), truth=truth, probabilities=p)


@pytest.mark.parametrize(
    ("shares", "first", "beside"),
    [
        ((0.3, 0.3, 0.4), "accuracy", ["log_loss", "calibration_in_the_large"]),
        ((0.8, 0.1, 0.1), "balanced_accuracy", ["log_loss", "calibration_in_the_large"]),
        ((0.5, 0.48, 0.02), "accuracy", ["macro_f1", "log_loss", "calibration_in_the_large"]),
    ],
)
def test_metrics_of_several_classes_follow_their_shares(shares, first, beside):
    rows = classes(shares)
    score = rows.probabilities.max(axis=1)
    found = choose("multiclass", rows.right, score, several=rows)
    assert [c.metric for c in found] == [first, *beside]
    assert all(c.room > 0 for c in found)


def test_accuracy_of_several_classes_has_room_above_naming_the_commonest():
    rows = classes((0.3, 0.3, 0.4))
    found = choose("multiclass", rows.right, rows.probabilities.max(axis=1), several=rows)[0]
    assert found.room == pytest.approx(0.2 * (found.found.value - rows.shares.max()))


def test_nothing_is_chosen_where_one_class_occurs():
    rows = classes((1.0, 0.0, 0.0))
    assert not choose("multiclass", rows.right, np.ones(len(rows.truth)), several=rows)
