import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn import metrics

import setpoint
from setpoint.errors import InvalidInput

evaluate = setpoint.monitor.evaluate


@pytest.fixture(scope="module")
def loans():
    """Return answers of a calibrated model that knows nothing of students above 50."""
    rng = np.random.default_rng(0)
    rows = 6_000
    job = np.array(["clerk", "nurse", "student"])[rng.integers(3, size=rows)]
    age, x = rng.integers(18, 80, size=rows), rng.normal(size=rows)
    p = 1 / (1 + np.exp(-1.5 * x))
    paid = rng.uniform(size=rows) < np.where((job == "student") & (age > 50), 0.5, p)
    said = np.where(p >= 0.5, "yes", "no")
    return pd.DataFrame({"job": job, "age": age, "x": x, "p": p, "said": said, "paid": np.where(paid, "yes", "no")})


def test_everything_is_measured_on_a_table_alone(loans):
    found = evaluate(
        loans,
        target="paid",
        prediction="said",
        score="p",
        segments=["job"],
        gain={"tp": 10, "fp": -2, "fn": -6, "tn": 0},
    )
    assert (found.task, found.rows, found.left_out) == ("binary", 6_000, 0)
    truth = loans["paid"] == "yes"
    assert found["roc_auc"].value == pytest.approx(metrics.roc_auc_score(truth, loans["p"]))
    assert found["f1"].value == pytest.approx(metrics.f1_score(truth, loans["said"] == "yes"))
    assert found["f1"].low < found["f1"].value < found["f1"].high
    assert found["value_per_decision"].value > 0
    assert {m.segment for m in found.segments if m.worse} == {"job=student"}
    assert {(g.of, g.by) for g in found.gaps} >= {("recall", "job"), ("mean_error", "job")}
    assert found.slices[0].name.startswith("job=student & age>")


def test_a_frame_json_text_and_html_say_the_same(loans):
    found = evaluate(loans, target="paid", prediction="said", score="p", segments=["job"])
    frame = found.to_frame()
    assert len(frame) == len(found.metrics) + len(found.segments)
    assert json.loads(json.dumps(found.to_dict()))["metrics"][0]["metric"] == "roc_auc"
    assert f"roc_auc                   {found['roc_auc'].value:.4g}" in str(found)
    assert "job=student" in str(found)
    assert "<table>" in found._repr_html_()
    with pytest.raises(KeyError, match="measured: roc_auc"):
        found["rocauc"]


def test_probabilities_alone_are_cut_at_one_half(loans):
    both = evaluate(loans, target="paid", prediction="said", score="p")
    alone = evaluate(loans, target="paid", prediction="p")
    assert [m.value for m in alone.metrics] == [m.value for m in both.metrics]


@pytest.mark.parametrize("kind", ["numbers", "flags", "arrow"])
def test_classes_may_be_numbers_or_flags_in_any_table(loans, kind):
    as_written = evaluate(loans, target="paid", prediction="said", score="p")["recall"]
    number = {"numbers": float, "flags": bool, "arrow": int}[kind]
    table = loans.assign(paid=(loans["paid"] == "yes").astype(number), said=(loans["said"] == "yes").astype(number))
    table = pa.Table.from_pandas(table) if kind == "arrow" else table
    assert evaluate(table, target="paid", prediction="said", score="p")["recall"] == as_written


def test_several_classes_are_scored_right():
    """A wrong multiclass accuracy goes unnoticed: everything here is compared with scikit-learn."""
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(4), 2_000)
    names = np.array(["ant", "bee", "cat", "dog"])
    y = names[(rng.uniform(size=2_000)[:, None] > p.cumsum(axis=1)).sum(axis=1).clip(0, 3)]
    said = names[p.argmax(axis=1)]
    table = pd.DataFrame({"y": y, "said": said, **{f"p_{n}": p[:, i] for i, n in enumerate(names)}})
    found = evaluate(table, target="y", prediction="said", score={n: f"p_{n}" for n in names})
    expected = {
        "accuracy": metrics.accuracy_score(y, said),
        "macro_f1": metrics.f1_score(y, said, average="macro"),
        "weighted_f1": metrics.f1_score(y, said, average="weighted"),
        "kappa": metrics.cohen_kappa_score(y, said),
        "log_loss": metrics.log_loss(y, p),
        "ovr_auc": metrics.roc_auc_score(y, p, multi_class="ovr"),
        "top_3_accuracy": metrics.top_k_accuracy_score(y, p, k=3),
    }
    assert {name: found[name].value for name in expected} == pytest.approx(expected)


def test_a_regression_needs_no_classes():
    rng = np.random.default_rng(2)
    x = rng.normal(size=500)
    table = pd.DataFrame({"y": x + rng.normal(size=500), "said": x, "at": np.arange(500)[::-1]})
    found = evaluate(table, target="y", prediction="said", time="at")
    assert found.task == "regression"
    assert found["mae"].value == pytest.approx(np.abs(table["y"] - table["said"]).mean())
    assert found["mape"].low >= 0
    assert found["rmsle"].value is None
    assert "above -1" in found["rmsle"].why


def test_rankings_are_measured_by_list():
    table = pd.DataFrame({"wanted": [0, 1, 0, 1, 0, 0], "said": [0.9, 0.5, 0.1, 0.9, 0.5, 0.1], "list": list("aaabbb")})
    found = evaluate(table, target="wanted", prediction="said", query="list")
    assert found["mrr"].value == pytest.approx((1 / 2 + 1) / 2)


def test_a_function_of_ones_own_has_an_interval_too(loans):
    def loss(y, score):
        return np.abs(y - score)

    def total(y, score):
        return float(np.abs(y - score).mean())

    found = evaluate(loans, target="paid", prediction="p", metrics=["accuracy", loss, total])
    assert [m.metric for m in found.metrics] == ["accuracy", "loss", "total"]
    assert found["total"].value == pytest.approx(found["loss"].value)
    assert found["total"].high - found["total"].low == pytest.approx(found["loss"].high - found["loss"].low, rel=0.5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": "payd"}, "no column 'payd'; did you mean 'paid'?"),
        ({"segments": ["jobs"]}, "no column 'jobs'; did you mean 'job'?"),
        ({"segments": ["paid"]}, "cannot be a segment"),
        ({"task": "binery"}, "unknown task 'binery'; did you mean 'binary'?"),
        ({"task": "ranking"}, "name the column"),
        ({"score": "job"}, "column 'job' must hold numbers"),
        ({"metrics": ["acuracy"]}, "no metric 'acuracy' of task binary on this table; did you mean 'accuracy'?"),
        ({"gain": {"tp": 1}}, "gain must say tp, fp, fn and tn"),
        ({"task": "regression"}, "column 'paid' must hold numbers"),
    ],
)
def test_what_cannot_be_is_refused_in_words(loans, change, words):
    with pytest.raises(InvalidInput) as refused:
        evaluate(loans, **{"target": "paid", "prediction": "said", "score": "p", **change})
    assert words in str(refused.value)


def test_empty_and_unlabelled_tables_are_refused(loans):
    with pytest.raises(InvalidInput, match="no rows"):
        evaluate(loans.head(0), target="paid", prediction="said")
    with pytest.raises(InvalidInput, match="no row has both an outcome"):
        evaluate(loans.assign(paid=None), target="paid", prediction="said")


def test_rows_without_an_outcome_are_left_out_and_counted(loans):
    half = loans.assign(paid=loans["paid"].where(np.arange(6_000) % 2 == 0))
    found = evaluate(half, target="paid", prediction="said")
    assert (found.rows, found.left_out) == (3_000, 3_000)


def test_tiny_and_single_class_tables_say_what_they_cannot_say(loans):
    tiny = evaluate(loans.head(3), target="paid", prediction="said", score="p", segments=["job"])
    assert all(m.low is None and m.high is None for m in tiny.metrics)
    assert any("too few for an interval" in note for note in tiny.notes)
    one = evaluate(loans[loans["paid"] == "yes"], target="paid", prediction="said", score="p")
    assert one["roc_auc"].value is None
    assert one["roc_auc"].why == "all outcomes are of one class"
    assert any("all outcomes are 'yes'" in note for note in one.notes)


def test_huge_numbers_and_odd_tables_are_no_traceback(loans):
    rng = np.random.default_rng(0)
    huge = pd.DataFrame(
        {"y": rng.normal(size=500) * 1e200, "said": rng.normal(size=500) * 1e200, "a": [1.0, 2.0] * 250}
    )
    found = evaluate(huge, target="y", prediction="said", segments=["a"])
    assert found["mae"].value > 1e199
    assert found["rmse"].why == "the numbers are too large to compute with"
    twice = pd.concat([loans["paid"], loans["paid"]], axis=1)
    with pytest.raises(InvalidInput, match="plain columns"):
        evaluate(twice, target="paid", prediction="paid")
    with pytest.raises(InvalidInput, match="2 columns called 'y'"):
        evaluate(pa.table([[1], [2]], names=["y", "y"]), target="y", prediction="y")
    with pytest.raises(InvalidInput, match="must be a pandas"):
        evaluate([1, 2], target="y", prediction="y")
