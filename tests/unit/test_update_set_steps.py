"""What is done to a training set on demand: repeats, doubtful outcomes, weights. Each beside a dummy."""

from dataclasses import replace as replace_
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from setpoint.domain.feature_map import FeatureMap, Instead
from setpoint.domain.records import Records, stamp
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.segments import Split
from setpoint.domain.training_set import WEIGHT, Balance, Base, LabelIssues, Repeats, SetSpec, Source, Step
from setpoint.domain.value import replace
from setpoint.update.sets.digest import digest
from setpoint.update.sets.label_issues import confident_joint, far_numbers, unlikely_classes
from setpoint.update.sets.lacking import lacking
from setpoint.update.sets.made import Ground, TrainingSet, make_set
from setpoint.update.sets.repeats import came_again, natural_length, row_codes, shared_weights
from setpoint.update.sets.weights import MOST, balanced, bounded, effective_share, importance

START = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = Schema(
    features=(
        Feature(name="a", kind=Kind.NUMERIC, dtype=DType.FLOAT),
        Feature(name="b", kind=Kind.NUMERIC, dtype=DType.FLOAT),
        Feature(name="job", kind=Kind.CATEGORICAL, dtype=DType.STRING),
    ),
    target="y", task=Task.BINARY, classes=("no", "yes"), id="id",
)  # fmt: skip
JOBS = np.array(["admin", "nurse", "clerk", "pilot"], object)


def columns(rows: int, seed: int, *, levels: int = 0) -> dict[str, Any]:
    """Numbers of any value, or of a few levels."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, rows))
    if levels:
        a, b = np.floor(rng.random((2, rows)) * levels)
    job = JOBS[rng.choice(4, rows, p=[0.7, 0.2, 0.08, 0.02])]
    y = (a - a.mean() + 0.5 * (job == "nurse") + 0.3 * rng.logistic(size=rows) > 0).astype(float)
    return {"a": a, "b": b, "job": job, "y": y}


def a_reference(rows: int = 1_000, **more: Any) -> pa.Table:
    found = columns(rows, 1, **more)
    return pa.table(
        {**found, "y": pa.array(np.where(found["y"] > 0, "yes", "no")), "id": [f"r{i}" for i in range(rows)]}
    )


def logged(found: dict[str, Any]) -> Records:
    rows = len(found["y"])
    time = stamp(START) + np.arange(rows) * np.timedelta64(1, "m")
    return Records(
        id=np.array([f"l{i}" for i in range(rows)], object), time=time, version=np.full(rows, "v1", object),
        score=np.zeros(rows), outcome=found["y"], known=time, latency_us=np.zeros(rows), maps=np.full(rows, "", object),
        inputs={name: found[name] for name in SCHEMA.names},
    )  # fmt: skip


def made(spec: SetSpec, found: dict[str, Any], **more: Any) -> TrainingSet:
    end = START + timedelta(days=99)
    at = Source(model="m", reference="v1", champion="v1", until=end, as_of=end)
    ground = Ground(table=more.pop("reference", None) or a_reference())
    return make_set(ground, logged(found), more.pop("schema", SCHEMA), at, replace(spec, rows=0), **more)


def step(found: TrainingSet, name: str) -> Step:
    return next(s for s in found.recipe.steps if s.name == name)


def replayed(found: dict[str, Any], first: int, rows: int) -> dict[str, Any]:
    """The same rows once more at the end, under new ids."""
    return {name: np.concatenate([column, column[first : first + rows]]) for name, column in found.items()}


@pytest.mark.parametrize("levels", [0, 3, 30], ids=["numbers", "few values", "some values"])
def test_a_replay_is_found_and_rows_that_are_alike_by_nature_stay(levels: int) -> None:
    """Dropping every equal row would lose nearly all rows of a table with few values; the replay is 100 of 1,100."""
    found = made(SetSpec(duplicates=Repeats.DROP), replayed(columns(1_000, 2, levels=levels), 400, 100),
                 reference=a_reference(2_000, levels=levels))  # fmt: skip
    ids = set(found.table["id"].to_pylist())
    gone = {f"l{i}" for i in range(1_100)} - ids
    assert len(gone & {f"l{i}" for i in range(1_000, 1_100)}) == 100
    assert len(gone - {f"l{i}" for i in range(1_000, 1_100)}) <= 2
    assert step(found, "duplicates").counts["found"] == len(gone)
    if levels == 3:
        naive = came_again(row_codes(found.table, [*SCHEMA.names, "y"]), 1)
        assert naive.mean() > 0.9  # what dropping equal rows would take


def test_copies_that_are_weighed_count_as_one_row_together() -> None:
    found = made(SetSpec(duplicates=Repeats.WEIGH), replayed(columns(1_000, 2), 400, 100))
    weights = found.table[WEIGHT].to_numpy()
    assert weights.mean() == pytest.approx(1)
    assert weights[1_400] == weights[2_000] == pytest.approx(weights[0] / 2)
    assert shared_weights(np.array([7, 8, 7, 7], np.uint64), np.array([False, False, True, True])) == pytest.approx(
        [1 / 3, 1, 1 / 3, 1 / 3]
    )


def test_where_long_stretches_repeat_by_nature_nothing_is_told() -> None:
    reference = a_reference().take(pa.array(np.tile(np.arange(100), 10)))
    assert natural_length(row_codes(reference, ["a", "b"])) is None
    found = made(SetSpec(duplicates=Repeats.DROP), columns(500, 2), reference=reference)
    assert step(found, "duplicates").said.startswith("even long stretches repeat")


def test_which_rows_came_again_in_the_same_order() -> None:
    codes = np.array([1, 2, 3, 9, 1, 2, 3, 2, 3], np.uint64)
    assert np.flatnonzero(came_again(codes, 1)).tolist() == [4, 5, 6, 7, 8]
    assert np.flatnonzero(came_again(codes, 2)).tolist() == [4, 5, 6, 7, 8]
    assert np.flatnonzero(came_again(codes, 3)).tolist() == [4, 5, 6]
    assert not came_again(codes[:2], 3).any()


def flipped(found: dict[str, Any], share: float) -> tuple[dict[str, Any], set[str]]:
    rng = np.random.default_rng(5)
    which = rng.random(len(found["y"])) < share
    return {**found, "y": np.where(which, 1 - found["y"], found["y"])}, {f"l{i}" for i in np.flatnonzero(which)}


def test_flipped_labels_are_found_and_rows_that_are_right_are_seldom_accused() -> None:
    """2 % of 2,000 labels are flipped, of a target that is noisy itself.

    The dummy accuses as many rows at random, and is right in 1 of 75.
    """
    found, wrong = flipped(columns(2_000, 3), 0.02)
    issues = made(SetSpec(label_issues=LabelIssues.REPORT), found).issues
    assert issues is not None
    accused = set(issues["id"].to_pylist())
    assert len(accused & wrong) / len(wrong) > 0.6
    assert len(accused & wrong) / len(accused) > 0.35
    assert issues.num_rows <= 0.03 * 3_000
    first = issues.slice(0, 20)
    assert len(set(first["id"].to_pylist()) & wrong) >= 10  # in order of doubt
    assert all(row["given"] != row["likely"] for row in first.to_pylist())


def test_of_several_classes_a_rare_one_is_not_accused_for_being_rare() -> None:
    """Flips of one class into another, 1.5 % of the rows, beside a rare class that is taken for a frequent one.

    Of what is named 92 % is wrong, and none of it of the rare class; of as many of the highest losses 63 % is, and a
    third is of the rare class.
    """
    rng = np.random.default_rng(0)
    truth = rng.choice(3, 4_000, p=[0.5, 0.46, 0.04])
    p = 0.1 + 0.02 * rng.random((4_000, 3))
    p[np.arange(4_000), truth] += np.where(truth == 2, 0.1, 1.5) * rng.random(4_000)
    p[truth == 2, 0] += 0.25  # a rare class is taken for a frequent one
    p /= p.sum(axis=1, keepdims=True)
    wrong = (rng.random(4_000) < 0.03) & (truth == 1)
    y = np.where(wrong, 0, truth)
    found = unlikely_classes(p, y)
    highest = np.argsort(p[np.arange(4_000), y])[: len(found)]
    assert wrong[found.row].mean() > 0.85 > 0.7 > wrong[highest].mean()
    assert (y[found.row] == 2).sum() == 0 < (y[highest] == 2).sum()


def test_issues_are_dropped_only_when_asked_and_named_in_the_recipe() -> None:
    found, _ = flipped(columns(2_000, 3), 0.02)
    told, dropped = (made(SetSpec(label_issues=how), found) for how in (LabelIssues.REPORT, LabelIssues.DROP))
    counts = step(dropped, "label_issues").counts
    assert told.table.num_rows == 3_000
    assert dropped.table.num_rows == 3_000 - counts["dropped"] == dropped.provenance.num_rows
    assert counts["dropped"] == counts["found"] == step(told, "label_issues").counts["found"]


def test_numbers_far_from_what_is_predicted_are_found_where_others_scatter_little() -> None:
    rng = np.random.default_rng(0)
    predicted = rng.uniform(1, 100, 5_000)
    y = predicted * (1 + 0.1 * rng.normal(size=5_000))  # large ones scatter more
    clean = far_numbers(predicted, y)
    assert len(clean) <= 2
    wrong = rng.choice(5_000, 40, replace=False)
    y[wrong] = y[wrong] * 10
    found = far_numbers(predicted, y)
    assert len(set(found.row) & set(wrong)) >= 38
    assert len(found) <= 42


@pytest.mark.parametrize("task", [Task.BINARY, Task.REGRESSION])
def test_columns_without_values_and_with_odd_ones_disturb_no_step(task: Task) -> None:
    found = {**columns(600, 3), "a": np.full(600, np.nan), "job": np.full(600, None, object)}
    found["b"][::50], found["b"][1::50] = np.inf, 1e300
    reference, schema = a_reference(), SCHEMA
    if task is Task.REGRESSION:
        found, reference = {**found, "y": np.arange(600.0)}, reference.set_column(3, "y", pa.array(np.arange(1_000.0)))
        schema = replace(SCHEMA, task=task, classes=())
    spec = SetSpec(reference=Base.NEVER, label_issues=LabelIssues.REPORT, importance=True)
    made_of = made(spec, found, schema=schema, reference=reference, recent=logged(found))
    assert made_of.table.num_rows == 600
    assert step(made_of, "importance").counts["effective"] > 0.9


def test_few_rows_or_one_class_are_said_and_nothing_is_looked_for() -> None:
    spec, few = SetSpec(label_issues=LabelIssues.DROP), columns(50, 3)
    small = made(spec, few, reference=a_reference(60))
    assert step(small, "label_issues").said == "110 rows; 200 are needed"
    yes = a_reference(300).set_column(3, "y", pa.array(["yes"] * 300))
    one = made(spec, {**few, "y": np.ones(50)}, reference=yes)
    assert "one class only" in step(one, "label_issues").said
    assert one.table.num_rows == 350


def test_the_joint_of_given_and_true_labels_adds_up_to_the_rows() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 500)
    y = rng.integers(0, 3, 500)
    joint = confident_joint(p, y)
    assert joint.sum(axis=1) == pytest.approx(np.bincount(y))
    assert (unlikely_classes(p, y).doubt > 0).all()
    assert len(unlikely_classes(p, y)) <= 15


def test_segments_weigh_alike_within_bounds() -> None:
    segment = np.repeat([0, 1, 2], [800, 190, 10])
    equal, sqrt = (balanced([segment], how) for how in (Balance.EQUAL, Balance.SQRT))
    for weights in (equal, sqrt):
        assert weights.mean() == pytest.approx(1)
        assert weights.min() > 0
        assert weights.max() / weights.min() <= MOST**2 + 1e-9
    assert equal[800] * 190 == pytest.approx(equal[0] * 800, rel=1e-6)
    assert 1 < sqrt[800] / sqrt[0] < equal[800] / equal[0]
    assert balanced([segment, np.zeros(1_000, np.int64)], Balance.EQUAL)[-1] < equal[-1]


def test_balance_is_a_column_of_weights_and_without_segments_it_is_said() -> None:
    segments = {"job": Split(levels=("admin", "nurse", "clerk", "pilot"))}
    found = made(SetSpec(balance=Balance.EQUAL), columns(1_000, 2), segments=segments)
    weights, jobs = found.table[WEIGHT].to_numpy(), found.table["job"].to_numpy()
    assert weights[jobs == "nurse"].sum() == pytest.approx(weights[jobs == "admin"].sum(), rel=1e-6)
    assert step(found, "balance").counts["effective"] == pytest.approx(effective_share(weights), abs=0.01)
    none = made(SetSpec(balance=Balance.EQUAL), columns(1_000, 2))
    assert WEIGHT not in none.table.column_names
    assert "no `segments:`" in step(none, "balance").said


def test_importance_follows_the_density_ratio_and_is_flat_without_a_shift() -> None:
    rng = np.random.default_rng(0)
    rows, same, shifted = (rng.normal(size=(3_000, 4)).astype(np.float32) for _ in range(3))
    flat = importance(rows, same)
    assert flat.effective > 0.9
    shifted[:, 0] += 1
    told = importance(rows, shifted)
    assert told.weights is not None
    truth = bounded(np.exp(rows[:, 0].astype(np.float64) - 0.5))
    assert np.corrcoef(told.weights, truth)[0, 1] > 0.8
    assert 0.3 < told.effective < 0.8


def test_importance_is_refused_where_few_rows_would_carry_it_or_say_it() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3_000, 3)).astype(np.float32)
    far = importance(rows, (rows * 0.2 + 2.5)[:1_000])
    assert far.weights is None
    assert "of the rows would carry the set" in far.why
    assert importance(rows, rows[:100]).why == "100 recent rows; 300 are needed"
    found = made(SetSpec(importance=True), columns(1_000, 2), recent=logged(columns(100, 4)))
    assert WEIGHT not in found.table.column_names
    assert step(found, "importance").said == "100 recent rows; 300 are needed"


def test_weights_of_several_reasons_multiply_and_have_mean_one() -> None:
    segments = {"job": Split(levels=("admin", "nurse", "clerk", "pilot"))}
    spec = SetSpec(balance=Balance.SQRT, importance=True, duplicates=Repeats.WEIGH)
    again = [made(spec, replayed(columns(1_000, 2), 0, 200), segments=segments) for _ in range(2)]
    weights = again[0].table[WEIGHT].to_numpy()
    assert weights.dtype == np.float64
    assert weights.mean() == pytest.approx(1)
    assert weights.min() > 0
    assert again[0].recipe == again[1].recipe


def as_category(table: pa.Table, name: str) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, table[name].dictionary_encode())


def test_a_set_of_which_a_column_is_lost_holds_one_value_of_it_and_all_others() -> None:
    whole = made(SetSpec(), columns(200, 2))
    for name, usual in (("a", 0.5), ("job", "admin")):
        repair = FeatureMap(id="m", feature=name, instead=Instead(constant=usual))
        for table in (whole.table, as_category(whole.table, name)):
            found = lacking(replace_(whole, table=table), repair)
            assert found.table[name].type == table[name].type
            assert set(found.table[name].to_pylist()) == {usual}
            assert found.table.drop_columns([name]).equals(table.drop_columns([name]))
            assert found.recipe.digest == digest(found.table)
            assert step(found, "without").counts == {name: float(len(whole))}
