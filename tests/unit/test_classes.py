"""Several classes: outputs, labels, what was right, parity and metrics."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from setpoint.config import check_setpoint_text
from setpoint.deploy.labels import classes_of_target
from setpoint.deploy.metrics import reference_metrics
from setpoint.deploy.parity import compare, compared
from setpoint.domain.classes import Classes, classes_of, either, places
from setpoint.domain.objective import Objective
from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput, InvalidRequest
from setpoint.maintain.loss import answer_losses as maintained
from setpoint.monitor.estimators import can_be_estimated, counts_of, estimator_of, teach
from setpoint.monitor.evaluation import evaluate
from setpoint.runtime.columns import Head
from setpoint.serve.encode import predictions
from setpoint.serve.outcomes import decode_outcomes
from setpoint.stats.losses import answer_losses, constant_losses, loss_name
from setpoint.stats.quality import measure_several
from setpoint.update.trainers.rows import target_of

NAMES = ("cat", "dog", "owl")


def a_schema(classes=NAMES):
    return Schema(features=(), target="y", task=Task.MULTICLASS, classes=classes)


def drawn(rows=400, k=3, seed=0):
    """Return probabilities of shape (rows, k), and truths that they are right about more often than not."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(k), rows)
    return p, np.array([rng.choice(k, p=row) for row in p], float)


def answered(p, schema):
    return Head(schema, 0.5)(p)


def test_the_likeliest_class_is_the_label_and_each_class_has_an_output():
    found = answered(np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]], np.float32), a_schema())
    assert found["label"].tolist() == ["dog", "cat"]
    assert list(found) == list(a_schema().outputs)
    assert found["probability"].tolist() == pytest.approx([0.5, 0.4])
    assert found["probability_owl"].tolist() == pytest.approx([0.3, 0.4])
    assert {c.dtype for name, c in found.items() if name != "label"} == {np.dtype(np.float64)}


@pytest.mark.parametrize("classes", [tuple(range(21)), ("a", "A", "b"), ("a\0", "b", "c")])
def test_where_a_table_cannot_hold_each_class_only_the_label_s_probability_is_an_output(classes):
    schema = a_schema(classes)
    assert schema.outputs == ("label", "probability")
    assert len(answered(np.eye(len(classes)), schema)) == 2


def test_a_model_of_other_classes_is_named():
    with pytest.raises(ValueError, match=r"shape \(1, 4\) where 3 classes are expected"):
        answered(np.ones((1, 4)), a_schema())


@pytest.mark.parametrize("classes", [NAMES, (0, 1, 2), (5, 7, 9)])
def test_labels_are_found_as_they_are_and_as_texts(classes):
    schema = a_schema(classes)
    assert places(np.array([*classes, "none"], object), schema).tolist()[:3] == [0, 1, 2]
    assert np.isnan(places(np.array(["none", None], object), schema)).all()
    assert places(np.array([str(c) for c in classes], object), schema).tolist() == [0, 1, 2]


def test_what_was_right_and_how_likely_the_truth_was_said_to_be():
    rows = classes_of(answered(np.array([[0.7, 0.2, 0.1]] * 3), a_schema()), np.array([0, 2, np.nan]), a_schema())
    assert rows.right.tolist()[:2] == [1, 0]
    assert rows.certainty.tolist()[:2] == pytest.approx([0.7, 0.1])
    assert np.isnan([rows.right[2], rows.certainty[2]]).all()
    bare = Classes(decided=rows.decided, truth=rows.truth, probabilities=np.empty((3, 0)))
    assert bare.certainty.tolist()[:2] == [1, 0]


@given(st.lists(st.booleans(), min_size=6, max_size=6))
def test_rows_taken_apart_and_added_are_the_same(mask):
    p, truth = drawn(6)
    rows, keep = classes_of(answered(p, a_schema()), truth, a_schema()), np.array(mask)
    both = rows.take(keep) + rows.take(~keep)
    order = np.argsort(np.concatenate([np.flatnonzero(keep), np.flatnonzero(~keep)]))
    assert (both.take(order).probabilities == rows.probabilities).all()
    assert (both.take(order).truth == rows.truth).all()


def test_metrics_are_those_of_scikit_learn():
    p, truth = drawn()
    found = reference_metrics(truth, answered(p, a_schema()), a_schema(), 0.0)
    decided = p.argmax(axis=1)
    assert found == pytest.approx(
        {
            "roc_auc": metrics.roc_auc_score(truth, p, multi_class="ovr"),
            "accuracy": metrics.accuracy_score(truth, decided),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, decided),
            "macro_f1": metrics.f1_score(truth, decided, average="macro"),
            "log_loss": metrics.log_loss(truth, p),
            "calibration_error": found["calibration_error"],
            "calibration_in_the_large": p.max(axis=1).mean() - (decided == truth).mean(),
        }
    )
    assert found["calibration_error"] < 0.1


def test_without_every_probability_what_needs_them_has_no_value():
    p, truth = drawn()
    rows = Classes(decided=p.argmax(axis=1).astype(float), truth=truth, probabilities=np.empty((len(p), 0)))
    assert "20 classes or fewer; hold accuracy" in measure_several("roc_auc", rows, p.max(axis=1)).why
    assert measure_several("accuracy", rows, p.max(axis=1)).known
    unknown = Classes(decided=rows.decided, truth=np.full(len(p), np.nan), probabilities=p)
    assert "none of the classes" in measure_several("accuracy", unknown, p.max(axis=1)).why


def test_parity_is_that_of_the_class_that_moved_furthest():
    p, _ = drawn(50)
    moved = p.copy()
    moved[7] = [0.2, 0.2, 0.6] if p[7].argmax() != 2 else [0.6, 0.2, 0.2]
    found = compare(p, moved, Task.MULTICLASS)
    assert (found.worst_row, found.flips, found.beyond, found.ok) == (7, 1 / 50, 1 / 50, False)
    assert found.largest == pytest.approx(np.abs(p[7] - moved[7]).max())
    assert compare(p, p.astype(np.float32).astype(float), Task.MULTICLASS).ok


def test_parity_without_every_probability_sees_another_label():
    schema = a_schema(tuple(range(25)))
    p = np.eye(25) * 0.5 + 0.02
    assert compare(compared(answered(p, schema), schema), compared(answered(p, schema), schema), Task.MULTICLASS).ok
    other = compared(answered(np.roll(p, 1, axis=0), schema), schema)
    assert compare(compared(answered(p, schema), schema), other, Task.MULTICLASS).flips == 1


def a_target(*labels):
    return pa.chunked_array([pa.array(labels)])


@pytest.mark.parametrize(
    ("labels", "own", "n_classes", "found"),
    [
        (("b", "a", "c"), (), None, ("a", "b", "c")),
        ((2, 0, 1), (), None, (0, 1, 2)),
        ((2.0, 0.0, 1.0), (), 3, (0, 1, 2)),
        ((0, 2), (), 4, (0, 1, 2, 3)),
        ((1, 2, 3), (), 3, (1, 2, 3)),
        (("b", "a"), ("c", "b", "a"), None, ("c", "b", "a")),
        ((2, 0), ("c", "b", "a"), None, (0, 1, 2)),
    ],
)
def test_classes_are_the_model_s_or_the_target_s(labels, own, n_classes, found):
    assert classes_of_target(a_target(*labels), "y", Task.MULTICLASS, own, n_classes) == found


@pytest.mark.parametrize(
    ("labels", "own", "n_classes", "said"),
    [
        (("a", "a"), (), None, "needs rows of several classes in target 'y'; the reference has 1: 'a'"),
        (("a", "b"), (), None, "three classes or more; of 'a', 'b' write `task: binary`"),
        (("a", "b", "z"), ("a", "b", "c"), None, "the model's classes are ['a', 'b', 'c'], those of target 'y'"),
        (("a", "b", "z"), (), 4, "tells apart 4 classes and has no labels for them, and target 'y'"),
        ((0.5, 1.5, 2.5), (), None, "labels must be texts, whole numbers or bools"),
        (tuple("abcdefgh"), ("a",), None, "'a', 'b', 'c', 'd', 'e', …"),
    ],
)
def test_classes_that_do_not_fit_are_said(labels, own, n_classes, said):
    with pytest.raises(InvalidInput) as caught:
        classes_of_target(a_target(*labels), "y", Task.MULTICLASS, own, n_classes)
    assert said in str(caught.value)


@pytest.mark.parametrize("task", [Task.REGRESSION, Task.BINARY])
def test_a_model_that_answers_more_than_it_is_asked_is_not_cut(task):
    """The last column would be as good a guess as any."""
    schema = Schema(features=(), target="y", task=task, classes=(0, 1) if task is Task.BINARY else ())
    with pytest.raises(ValueError, match=r"answers with shape \(4, 3\) where \(n, "):
        Head(schema, 0.5)(np.ones((4, 3)))


def test_losses_are_those_of_the_true_class_and_see_confidence():
    p, truth = drawn()
    schema = a_schema()
    each = answer_losses(answered(p, schema), truth, schema)
    assert each.mean() == pytest.approx(metrics.log_loss(truth, p), rel=1e-4)
    shares = np.bincount(truth.astype(int)) / len(truth)
    assert constant_losses(truth, truth, schema).mean() == pytest.approx(-(shares * np.log(shares)).sum())
    many = a_schema(tuple(range(25)))
    labels = {"label": np.array([0, 1, 2]), "probability": np.array([0.9, 0.1, 0.5])}
    assert answer_losses(labels, np.array([0.0, 0.0, np.nan]), many)[:2].tolist() == [0, 1]
    assert (loss_name(schema), loss_name(many)) == ("log loss", "error rate")


def test_what_maintenance_counts_as_loss_is_the_miss_of_the_true_class():
    p, truth = drawn(50)
    found = maintained(answered(p, a_schema()), truth, a_schema())
    assert found == pytest.approx((1 - p[np.arange(50), truth.astype(int)]) ** 2)


def test_accuracy_is_promised_by_the_labels_probability_and_nothing_else_is():
    assert can_be_estimated(Task.MULTICLASS, Objective(metric="accuracy", at_least=0.5, window_s=1.0))
    assert not can_be_estimated(Task.MULTICLASS, Objective(metric="log_loss", at_most=0.5, window_s=1.0))
    p, truth = drawn(4_000)
    right = (p.argmax(axis=1) == truth).astype(float)
    bins = np.linspace(0.35, 0.95, 13)
    taught = teach(Task.MULTICLASS, p.max(axis=1), right, bins.tolist(), 0.0)
    estimator = estimator_of(taught, Objective(metric="accuracy", at_least=0.5, window_s=1.0))
    sure = p.max(axis=1)[p.max(axis=1) > 0.6]
    counts = counts_of(taught, np.bincount(np.searchsorted(bins, sure), minlength=14))
    assert estimator.promise(counts).value == pytest.approx(right[p.max(axis=1) > 0.6].mean(), abs=0.03)
    assert estimator.whole == pytest.approx(right.mean(), abs=0.01)


def test_a_training_set_that_lacks_a_class_is_refused():
    table = pa.table({"y": ["cat", "dog"] * 20})
    with pytest.raises(InvalidInput, match="the target 'y' lacks 1 of 3 classes, such as 'owl', in all 40 rows"):
        target_of(table, a_schema())


def test_labels_are_named_in_words():
    assert either(("no", "yes")) == "'no' or 'yes'"
    assert either(NAMES) == "one of 'cat', 'dog', 'owl'"
    assert either(range(1_000)).endswith("8, 9 and 990 more")


def test_an_answer_has_the_probability_of_each_class():
    answer = {name: column.tolist() for name, column in answered(np.array([[0.25, 0.5, 0.25]]), a_schema()).items()}
    assert json.loads(predictions(answer, a_schema())) == {
        "predictions": [{"label": "dog", "probability": 0.5, "probabilities": {"cat": 0.25, "dog": 0.5, "owl": 0.25}}]
    }


TEXT = """
model: animals
task: multiclass
artifact: m.joblib
reference: r.csv
target: y
segments: [job]
objectives:
  - {LINE}
"""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("metric: f1, at_least: 0.5", "f1 does not fit task multiclass; its quality metrics are roc_auc, accuracy"),
        (
            "metric: fairness_gap, at_most: 0.1, of: recall, by: job",
            "fairness_gap of recall does not fit task multiclass; it can be of accuracy, mean_error",
        ),
    ],
)
def test_objectives_of_two_classes_are_refused_in_words(tmp_path, line, said):
    with pytest.raises(InvalidInput) as caught:
        check_setpoint_text(TEXT.replace("LINE", line), tmp_path / "setpoint.yaml")
    assert said in str(caught.value)


@pytest.mark.parametrize("of", ["accuracy", "mean_error"])
def test_gaps_of_several_classes_are_of_accuracy_and_confidence(tmp_path, of):
    line = f"metric: fairness_gap, at_most: 0.1, of: {of}, by: job"
    file = check_setpoint_text(TEXT.replace("LINE", line), tmp_path / "setpoint.yaml")
    assert (file.task, file.objectives[0].of) == ("multiclass", of)


def test_outcomes_over_http_are_one_of_the_classes():
    (told,) = decode_outcomes(b'{"id": "a", "value": "owl"}', a_schema(), 0)
    assert told.value == "owl"
    with pytest.raises(InvalidRequest, match="expected one of 'cat', 'dog', 'owl'"):
        decode_outcomes(b'{"id": "a", "value": "cow"}', a_schema(), 0)


def test_a_table_of_several_classes_has_gaps_of_accuracy():
    rng = np.random.default_rng(0)
    truth, job = rng.integers(0, 3, 900), np.repeat(["a", "b"], 450)
    said = np.where(rng.random(900) < np.where(job == "a", 0.9, 0.5), truth, (truth + 1) % 3)
    table = pa.table({"y": [NAMES[i] for i in truth], "said": [NAMES[i] for i in said], "job": job})
    (gap,) = evaluate(table, target="y", prediction="said", segments=["job"]).gaps
    assert (gap.of, gap.lowest, gap.unfair) == ("accuracy", "job=b", True)
