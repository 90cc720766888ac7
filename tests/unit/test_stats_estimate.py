"""Quality before the labels: what is estimated from counted scores, and how often its interval holds the truth."""

import numpy as np
import pytest

from setpoint.domain.cuts import cuts_of
from setpoint.domain.schema import Kind
from setpoint.errors import InvalidInput
from setpoint.stats.calibration import BLOCKS, MAPS, cells_of, choose, held_out_loss
from setpoint.stats.estimate import CANNOT, class_estimator, error_estimator, spread
from setpoint.stats.expected import EXPECTED, value_of
from setpoint.stats.loss_cells import loss_cells_of
from setpoint.stats.quality import measure


def classes(rng: np.random.Generator, rows: int, shift: float = 0.0, honest: float = 1.0):
    """Scores and outcomes; `honest` is the slope of the truth in the logit of the score."""
    logit = rng.normal(-1.0 + shift, 1.5, rows)
    outcome = (rng.random(rows) < 1 / (1 + np.exp(-honest * logit))).astype(float)
    return 1 / (1 + np.exp(-logit)), outcome


def counted(score, edges, cells):
    return spread(np.bincount(np.searchsorted(edges, score, side="left"), minlength=len(edges) + 1), edges, cells)


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc", "log_loss"])
@pytest.mark.parametrize("rows", [300, 5_000])
def test_interval_holds_what_is_realised_under_covariate_shift(metric, rows):
    """90 % intervals hold 90 % of realised values though inputs moved; 'as in the reference' would miss most."""
    rng, held, dummy = np.random.default_rng(5), [], []
    for _ in range(120):
        score, outcome = classes(rng, 4_000)
        edges = np.array(cuts_of(score, Kind.NUMERIC).edges)
        cells = cells_of(score, outcome, edges, 0.5)
        estimator = class_estimator(cells, choose(cells), EXPECTED[metric])
        later, truth = classes(rng, rows, shift=1.0)
        realised = measure(metric, truth, later).value
        low, high = estimator.promise(counted(later, edges, cells)).interval(0.9)
        held.append(low <= realised <= high)
        half = (high - low) / 2
        dummy.append(abs(estimator.whole - realised) <= half)
    assert 0.83 <= np.mean(held) <= 0.98
    if rows == 5_000 and metric != "roc_auc":
        assert np.mean(dummy) < 0.2


def test_interval_holds_errors_of_a_regression_under_covariate_shift():
    """The loss depends on the prediction; the estimate follows it where predictions move."""
    rng, held = np.random.default_rng(6), []
    for _ in range(150):
        score, later = rng.normal(0, 1, 3_000), rng.normal(0.7, 1, 400)
        outcome, truth = (s + rng.normal(0, np.exp(0.4 * s)) for s in (score, later))
        edges = np.array(cuts_of(score, Kind.NUMERIC).edges)
        cells = loss_cells_of(score, outcome, edges)
        for metric in ("mae", "rmse"):
            low, high = (
                error_estimator(cells, root=metric == "rmse").promise(counted(later, edges, cells)).interval(0.9)
            )
            held.append(low <= measure(metric, truth, later).value <= high)
    assert 0.83 <= np.mean(held) <= 0.97


def test_labels_that_move_together_widen_the_interval():
    """A rate that wanders between stretches of the reference is no independent noise."""
    rng = np.random.default_rng(7)
    score, _ = classes(rng, 8_000)
    together = np.repeat(rng.normal(0, 0.5, BLOCKS), 400)
    logit = np.log(score / (1 - score))
    outcome = (rng.random(8_000) < 1 / (1 + np.exp(-logit - together))).astype(float)
    edges = np.array(cuts_of(score, Kind.NUMERIC).edges)
    cells = cells_of(score, outcome, edges, 0.5)
    promise = class_estimator(cells, choose(cells), EXPECTED["accuracy"]).promise(cells.rows.sum(axis=0) / 10)
    assert promise.doubt > promise.noise


def test_bins_tell_as_much_as_rows():
    """From 66 counts the metrics are those that the row-wise estimate has, to a few thousandths."""
    rng = np.random.default_rng(8)
    score, outcome = classes(rng, 20_000)
    edges = np.array(cuts_of(score, Kind.NUMERIC).edges)
    cells = cells_of(score, outcome, edges, 0.37)
    later, _ = classes(rng, 20_000, shift=0.5)
    rate, counts = MAPS["platt"](cells), counted(later, edges, cells)
    each = np.sort(later)

    class Answers:
        decided, score, square = each >= 0.37, each, each**2
        log_score, log_rest = -np.log(each), -np.log1p(-each)

    for name, metric in EXPECTED.items():
        by_bin = float(metric(counts * rate, counts * (1 - rate), cells))
        assert by_bin == pytest.approx(float(metric(each, 1 - each, Answers)), abs=0.02), name


def test_what_is_expected_of_known_outcomes_is_the_metric_itself():
    """Counts of what happened give the usual metrics."""
    score = np.array([0.1, 0.2, 0.35, 0.6, 0.7, 0.9])
    outcome = np.array([0.0, 1.0, 0.0, 0.0, 1.0, 1.0])
    cells = cells_of(score, outcome, (score[:-1] + score[1:]) / 2, 0.5, blocks=1)
    pos, neg = cells.positives.sum(axis=0), (cells.rows - cells.positives).sum(axis=0)
    got = {name: float(metric(pos, neg, cells)) for name, metric in EXPECTED.items()}
    assert got["accuracy"] == got["balanced_accuracy"] == got["specificity"] == pytest.approx(4 / 6)
    assert got["precision"] == got["recall"] == got["f1"] == pytest.approx(2 / 3)
    assert got["roc_auc"] == pytest.approx(7 / 9)
    assert got["brier"] == pytest.approx(np.mean((score - outcome) ** 2))
    assert got["log_loss"] == pytest.approx(measure("log_loss", outcome, score).value)
    assert float(value_of((10.0, -2.0, -6.0, 0.0))(pos, neg, cells)) == pytest.approx((20 - 2 - 6) / 6)


def test_the_map_is_chosen_by_held_out_loss():
    """An honest score stays nearly as it is; one that is too sure is corrected."""
    rng = np.random.default_rng(9)
    for honest, corrects in ((1.0, False), (0.4, True)):
        score, outcome = classes(rng, 6_000, honest=honest)
        cells = cells_of(score, outcome, np.array(cuts_of(score, Kind.NUMERIC).edges), 0.5)
        gain = held_out_loss(cells, "as is") - held_out_loss(cells, choose(cells))
        assert (gain > 0.01) is corrects


@pytest.mark.parametrize(
    ("outcome", "window", "why"),
    [
        (np.zeros(500), [0.3, 0.6], "only one class"),
        (np.arange(500) % 2.0, [], "no answers"),
        (np.arange(500) % 2.0, [0.31] * 50, "all scores are alike"),
        (np.arange(500) % 2.0, [7.0] * 50, "lie where the reference has none"),
        (np.r_[np.zeros(480), np.ones(20)], [0.3, 0.6], "too few stretches"),
        (np.arange(50) % 2.0, [0.3, 0.6], "50 labelled rows; 100 are needed"),
    ],
)
def test_what_cannot_be_estimated_says_why(outcome, window, why):
    """Never a made-up number."""
    score = np.linspace(0.01, 0.99, len(outcome))
    edges = np.array(cuts_of(score, Kind.NUMERIC).edges)
    cells = cells_of(score, outcome, edges, 0.5)
    with pytest.raises(InvalidInput, match=f"{CANNOT}.*{why}"):
        class_estimator(cells, "platt", EXPECTED["roc_auc"]).promise(counted(np.array(window), edges, cells))
