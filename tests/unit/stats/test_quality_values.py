import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics

from setpoint.config.metrics import CATALOGUE
from setpoint.stats.quality import Terms, classes, measure, ranking
from setpoint.stats.quality.regression import pinball

SKLEARN = {
    "roc_auc": metrics.roc_auc_score,
    "average_precision": metrics.average_precision_score,
    "log_loss": lambda y, p: metrics.log_loss(y, np.clip(p, 1e-7, 1 - 1e-7), labels=[0, 1]),
    "brier": metrics.brier_score_loss,
    "accuracy": lambda y, p: metrics.accuracy_score(y, p >= 0.5),
    "balanced_accuracy": lambda y, p: metrics.balanced_accuracy_score(y, p >= 0.5),
    "precision": lambda y, p: metrics.precision_score(y, p >= 0.5),
    "recall": lambda y, p: metrics.recall_score(y, p >= 0.5),
    "specificity": lambda y, p: metrics.recall_score(y, p >= 0.5, pos_label=0),
    "f1": lambda y, p: metrics.f1_score(y, p >= 0.5),
    "matthews": lambda y, p: metrics.matthews_corrcoef(y, p >= 0.5),
    "mae": metrics.mean_absolute_error,
    "rmse": metrics.root_mean_squared_error,
    "r2": metrics.r2_score,
    "median_absolute_error": metrics.median_absolute_error,
    "mape": metrics.mean_absolute_percentage_error,
    "rmsle": metrics.root_mean_squared_log_error,
    "pinball": metrics.mean_pinball_loss,
}
BINARY = [m for m in SKLEARN if "binary" in CATALOGUE[m].tasks]
REGRESSION = [m for m in SKLEARN if CATALOGUE[m].tasks == ("regression",)]
OF_SCORES = [m for m in CATALOGUE if CATALOGUE[m].tasks != ("multiclass",)]
ROWS = st.integers(4, 60)
# a coarse grid: ties between scores, and between scores and the threshold, are the rule
SCORES = st.integers(0, 20).map(lambda i: i / 20)
NUMBERS = st.integers(1, 400).map(lambda i: i / 8)


@st.composite
def binary(draw):
    n = draw(ROWS)
    return draw(hnp.arrays(np.float64, n, elements=st.sampled_from([0.0, 1.0]))), draw(
        hnp.arrays(np.float64, n, elements=SCORES)
    )


@st.composite
def numbers(draw):
    n = draw(ROWS)
    return draw(hnp.arrays(np.float64, n, elements=NUMBERS)), draw(hnp.arrays(np.float64, n, elements=NUMBERS))


def agrees(name, y, score):
    found = measure(name, y, score)
    if not found.known:
        assert found.why
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert found.value == pytest.approx(SKLEARN[name](y, score), rel=1e-9, abs=1e-12)
    if name != "median_absolute_error":  # of a handful of tied errors a median has no density
        assert found.psi.mean() == pytest.approx(0, abs=1e-9)


@given(binary())
def test_metrics_of_classes_are_those_of_scikit_learn(rows):
    for name in BINARY:
        agrees(name, *rows)


@given(numbers())
def test_metrics_of_numbers_are_those_of_scikit_learn(rows):
    for name in REGRESSION:
        agrees(name, *rows)


@given(numbers(), st.floats(0.05, 0.95))
def test_the_pinball_loss_is_that_of_scikit_learn(rows, quantile):
    assert pinball(*rows, quantile).value == pytest.approx(metrics.mean_pinball_loss(*rows, alpha=quantile))


@st.composite
def several(draw):
    n, k = draw(ROWS), draw(st.integers(2, 6))
    y = draw(hnp.arrays(np.int64, n, elements=st.integers(0, k - 1)))
    return y, draw(hnp.arrays(np.int64, n, elements=st.integers(0, k - 1))), k


@given(several())
def test_metrics_of_several_classes_are_those_of_scikit_learn(rows):
    y, decided, _ = rows
    pairs = {
        classes.accuracy: metrics.accuracy_score(y, decided),
        classes.macro_f1: metrics.f1_score(y, decided, average="macro"),
        classes.weighted_f1: metrics.f1_score(y, decided, average="weighted"),
        classes.balanced_accuracy: metrics.recall_score(y, decided, average="macro", labels=np.unique(y)),
    }
    for ours, theirs in pairs.items():
        found = ours(y, decided)
        assert found.value == pytest.approx(theirs)
        assert found.psi.mean() == pytest.approx(0, abs=1e-9)
    kappa = classes.kappa(y, decided)
    if kappa.known:
        assert kappa.value == pytest.approx(metrics.cohen_kappa_score(y, decided))


@given(several(), st.integers(0, 2**32 - 1))
def test_metrics_of_class_probabilities_are_those_of_scikit_learn(rows, seed):
    y, _, k = rows
    p = np.random.default_rng(seed).dirichlet(np.ones(k), len(y)).clip(1e-6)
    p /= p.sum(axis=1, keepdims=True)
    labels = range(k)
    assert classes.log_loss(y, p).value == pytest.approx(metrics.log_loss(y, p, labels=labels))
    if k > 2:
        theirs = metrics.top_k_accuracy_score(y, p, k=2, labels=labels)
        assert classes.top_k_accuracy(y, p, 2).value == pytest.approx(theirs)
    if len(np.unique(y)) == k > 2:
        assert classes.ovr_auc(y, p).value == pytest.approx(metrics.roc_auc_score(y, p, multi_class="ovr"))


@given(
    hnp.arrays(np.float64, (5, 8), elements=st.integers(0, 3).map(float)),
    hnp.arrays(np.float64, (5, 8), elements=SCORES),
    st.integers(1, 9),
)
def test_ndcg_is_that_of_scikit_learn(relevance, score, k):
    some = (relevance > 0).any(axis=1)
    found = ranking.ndcg(relevance.ravel(), score.ravel(), np.repeat(np.arange(5), 8), k)
    if not some.any():
        assert found.why == "no query has a relevant row"
        return
    assert found.value == pytest.approx(metrics.ndcg_score(relevance[some], score[some], k=k))


def test_ranked_lists_by_hand():
    relevance = np.array([0.0, 1, 1, 0, 0, 0, 1, 0])  # two queries of four: relevant at places 2, 3; and 3
    score = np.array([4.0, 3, 2, 1, 4, 3, 2, 1])
    query = np.array(list("aaaabbbb"))
    assert ranking.reciprocal_rank(relevance, score, query).value == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert ranking.precision_at(relevance, score, query, 2).value == pytest.approx((1 / 2 + 0) / 2)
    expected = ((1 / 2 + 2 / 3) / 2 + 1 / 3) / 2
    assert ranking.average_precision_at(relevance, score, query, 3).value == pytest.approx(expected)


def test_metrics_scikit_learn_lacks_by_hand():
    y, score = np.array([1.0, 0, 1, 0]), np.array([0.9, 0.8, 0.3, 0.2])
    terms = Terms(gain=(10.0, -2.0, -6.0, 0.0), top=0.25)
    assert measure("value_per_decision", y, score, terms).value == (10 - 2 - 6 + 0) / 4
    assert measure("precision_at_top", y, score, terms).value == 1.0
    assert measure("lift_at_top", y, score, terms).value == 2.0
    assert measure("calibration_in_the_large", y, score).value == pytest.approx(0.05)
    truth, forecast = np.array([2.0, 4.0, 2.0, 6.0]), np.array([3.0, 4.0, 0.0, 6.0])
    assert measure("bias", truth, forecast).value == pytest.approx(-0.25)
    assert measure("wape", truth, forecast).value == pytest.approx(3 / 14)
    assert measure("smape", truth, forecast).value == pytest.approx((2 * 1 / 5 + 2) / 4)
    assert measure("mase", truth, forecast, Terms(season=2)).value == pytest.approx((3 / 4) / 1.0)


def test_rows_tied_at_the_cut_count_in_part():
    y, score = np.array([1.0, 0, 1, 0, 0, 0, 0, 0]), np.array([0.9, 0.5, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1])
    assert measure("precision_at_top", y, score, Terms(top=0.25)).value == pytest.approx((1 + 1 / 4) / 2)


ONES, RAMP = np.ones(40), np.linspace(0.01, 0.99, 40)
UNDEFINED = {
    "roc_auc": (ONES, RAMP, "one class"),
    "average_precision": (0 * ONES, RAMP, "no row is positive"),
    "precision": (np.tile([0.0, 1.0], 20), 0.1 * ONES, "decided positive"),
    "recall": (0 * ONES, RAMP, "no row is positive"),
    "specificity": (ONES, RAMP, "no row is negative"),
    "balanced_accuracy": (ONES, RAMP, "no row is negative"),
    "f1": (0 * ONES, 0 * ONES, "none is decided so"),
    "matthews": (np.tile([0.0, 1.0], 20), 0.9 * ONES, "decided negative"),
    "lift_at_top": (0 * ONES, RAMP, "no row is positive"),
    "calibration_slope": ((RAMP > 0.5).astype(float), RAMP, "separated"),
    "brier": (ONES, 3 * RAMP, "no probabilities"),
    "log_loss": (ONES, 3 * RAMP, "no probabilities"),
    "r2": (ONES, RAMP, "no variance"),
    "mape": (0 * ONES, RAMP, "which is 0 in 40 of 40 rows"),
    "wape": (0 * ONES, RAMP, "all outcomes are 0"),
    "rmsle": (-ONES, RAMP, "above -1"),
    "mase": (ONES, RAMP, "naive makes no error"),
}


@pytest.mark.parametrize("name", UNDEFINED)
def test_a_metric_without_a_value_says_why(name):
    y, score, words = UNDEFINED[name]
    found = measure(name, y, score)
    assert np.isnan(found.value)
    assert words in found.why


@pytest.mark.parametrize("name", OF_SCORES)
def test_no_rows_and_numbers_that_are_none_have_no_value(name):
    assert measure(name, np.zeros(0), np.zeros(0)).why == "there are no rows with an outcome"
    assert "no finite numbers" in measure(name, np.array([1.0, np.nan]), np.array([0.5, 0.5])).why
    assert "no finite numbers" in measure(name, np.array([1.0, 0.0]), np.array([0.5, np.inf])).why


@pytest.mark.parametrize("name", OF_SCORES)
def test_one_row_makes_no_warning(name):
    measure(name, np.array([1.0]), np.array([0.5]))
