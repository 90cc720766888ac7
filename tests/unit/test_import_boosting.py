"""What is read from files of boosting libraries, how their categories are coded, and why some are refused."""

import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import pyarrow as pa
import pytest
import xgboost

from setpoint.deploy.importers import framework_of, importer_for, load
from setpoint.deploy.reference import features_of
from setpoint.deploy.schema import infer_schema
from setpoint.deploy.spelling import spelled
from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput, Unusable
from setpoint.runtime.boosted import untrained
from tests.zoo import Kept, boosting


def imported(kept: Kept, folder: Path) -> tuple[Any, Any]:
    importer = importer_for(framework_of(folder / kept.artifact))
    return importer, load(importer, folder / kept.artifact, ())


def schema_of(kept: Kept, importer: Any, native: Any) -> Schema:
    said = importer.signature(native)
    return infer_schema(
        pa.Table.from_pandas(kept.rows), target="y", task=said.task, model_features=said.names, width=said.width,
        classes=said.classes,
    )  # fmt: skip


def answers(kept: Kept, folder: Path, **changed: list[Any]) -> np.ndarray:
    importer, native = imported(kept, folder)
    schema = schema_of(kept, importer, native)
    columns = features_of(pa.Table.from_pandas(kept.rows), schema.features)
    for name, values in changed.items():
        columns = {**{n: c[: len(values)] for n, c in columns.items()}, name: np.array(values, columns[name].dtype)}
    return importer.served(native, schema, 0.5).predict(columns)[schema.score]


@pytest.mark.parametrize(
    ("make", "framework", "task", "classes"),
    [
        (boosting.lightgbm_text, "lightgbm", Task.BINARY, ()),
        (boosting.lightgbm_joblib_categories, "sklearn", Task.BINARY, ("no", "yes")),
        (boosting.xgboost_ubj, "xgboost", Task.BINARY, ()),
        (boosting.xgboost_json_stopped_early, "xgboost", Task.REGRESSION, ()),
        (boosting.xgboost_joblib, "sklearn", Task.REGRESSION, ()),
        (boosting.catboost_cbm, "catboost", Task.BINARY, ("benign", "malignant")),
        (boosting.catboost_json_poisson, "catboost", Task.REGRESSION, ()),
        (boosting.catboost_joblib, "sklearn", Task.REGRESSION, ()),
        (boosting.catboost_in_a_pipeline, "sklearn", Task.BINARY, (0, 1)),
        (boosting.lightgbm_text_of_four_digits, "lightgbm", Task.MULTICLASS, ()),
        (boosting.xgboost_json_of_four_digits, "xgboost", Task.MULTICLASS, ()),
        (boosting.catboost_joblib_of_four_digits, "sklearn", Task.MULTICLASS, ("one", "three", "two", "zero")),
    ],
)
def test_a_file_says_what_its_model_is_made_for(tmp_path: Path, make, framework, task, classes) -> None:
    kept = make(tmp_path)
    importer, native = imported(kept, tmp_path)
    said = importer.signature(native)
    assert framework_of(tmp_path / kept.artifact) == framework
    assert (said.task, said.classes, said.width) == (task, classes, kept.rows.shape[1] - 1)
    assert said.n_classes == (4 if task is Task.MULTICLASS and not classes else None)


@pytest.mark.parametrize(
    "make",
    [
        boosting.lightgbm_text_categories,
        boosting.lightgbm_joblib_categories,
        boosting.xgboost_ubj_categories,
        boosting.xgboost_ubj_linear,
        boosting.xgboost_joblib,
        boosting.catboost_cbm_categories,
        boosting.catboost_json_poisson,
    ],
)
def test_the_native_runtime_answers_what_the_library_does(tmp_path: Path, make) -> None:
    kept = make(tmp_path)
    np.testing.assert_allclose(answers(kept, tmp_path), kept.answers, rtol=1e-6)


@pytest.mark.parametrize("make", [boosting.lightgbm_text_categories, boosting.xgboost_ubj_categories])
def test_a_category_never_seen_is_taken_for_missing(tmp_path: Path, make) -> None:
    kept = make(tmp_path)
    _, native = imported(kept, tmp_path)
    without = boosting.told(kept.rows.drop(columns="y")).head(9)
    without["job"] = without["job"].where(without["age"] < 0)
    ask = native.predict if hasattr(native, "params") else native.inplace_predict
    for job in ("pilot", None):
        np.testing.assert_allclose(answers(kept, tmp_path, job=[job] * 9), ask(without), rtol=1e-6)


def test_catboost_takes_what_is_missing_for_a_category(tmp_path: Path) -> None:
    kept = boosting.catboost_cbm_categories(tmp_path)
    assert (answers(kept, tmp_path, job=[None] * 9) == answers(kept, tmp_path, job=["nan"] * 9)).all()
    assert np.isfinite(answers(kept, tmp_path, zone=[np.nan] * 9)).all()


@pytest.mark.parametrize("number", [np.inf, -np.inf, 1e300, 5e-324, -7.5, 15.0])
def test_a_number_that_is_no_category_is_one_never_seen(tmp_path: Path, number: float) -> None:
    kept = boosting.catboost_cbm_categories(tmp_path)
    assert (answers(kept, tmp_path, zone=[number] * 9) == answers(kept, tmp_path, zone=[99.0] * 9)).all()


@pytest.mark.parametrize("library", ["catboost", "lightgbm", "xgboost"])
def test_a_library_that_is_not_installed_is_told_with_its_extra(tmp_path: Path, library: str, monkeypatch) -> None:
    make = {"catboost": boosting.catboost_joblib, "lightgbm": boosting.lightgbm_in_a_pipeline,
            "xgboost": boosting.xgboost_joblib}[library]  # fmt: skip
    kept, importer = make(tmp_path), importer_for("sklearn")
    for name in [n for n in sys.modules if n.partition(".")[0] == library] + [f"setpoint.runtime.{library}"]:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(Unusable, match=f"model.joblib needs {library}, which is not installed: .*setpoint.boosting"):
        load(importer, tmp_path / kept.artifact, ())
    with pytest.raises(Unusable, match=r"model needs .* which is not installed: pip install 'setpoint\[boosting"):
        import_module(f"setpoint.runtime.{library}")


def test_texts_the_model_has_no_categories_for_are_refused(tmp_path: Path) -> None:
    kept = boosting.lightgbm_text(tmp_path)
    importer, native = imported(kept, tmp_path)
    texts = kept.rows.rename(columns=lambda name: name.replace(" ", "_")).assign(mean_area="large")
    schema = infer_schema(
        pa.Table.from_pandas(texts), target="y", task=Task.BINARY, model_features=importer.signature(native).names
    )
    with pytest.raises(InvalidInput, match="'mean_area' holds text in the reference, and the LightGBM model has no"):
        importer.served(native, schema, 0.5)


def test_categories_known_by_their_codes_alone_take_codes_and_no_texts(tmp_path: Path) -> None:
    X, y = boosting.people()
    coded = X[["job", "age"]].assign(job=X["job"].astype("category").cat.codes)
    table = xgboost.DMatrix(coded.to_numpy(), y, feature_names=["job", "age"], feature_types=["c", "q"])
    xgboost.train({"objective": "binary:logistic", "nthread": 1}, table, 3).save_model(tmp_path / "m.ubj")
    kept = Kept(artifact="m.ubj", rows=coded.assign(y=y), task="binary")
    assert len(answers(kept, tmp_path)) == len(y)
    with pytest.raises(InvalidInput, match="'job' holds text in the reference, and the XGBoost model knows its categ"):
        answers(replace(kept, rows=X[["job", "age"]].assign(y=y)), tmp_path)


def test_lists_of_categories_that_no_column_can_be_told_for_are_refused(tmp_path: Path) -> None:
    X, y = boosting.people()
    ordered = X[["zone", "age"]].assign(zone=X["zone"].astype("category").cat.as_ordered())
    lightgbm.LGBMRegressor(**boosting.FEW, **boosting.QUIET).fit(ordered, y).booster_.save_model(tmp_path / "m.txt")
    kept = Kept(artifact="m.txt", rows=X[["zone", "age"]].assign(y=y), task="regression")
    with pytest.raises(InvalidInput, match="the categories of 1 columns without their names, and the model takes 0"):
        answers(kept, tmp_path)


def test_lightgbm_s_names_are_those_of_the_reference() -> None:
    assert spelled(("mean_radius", "a_b", "c"), ["mean radius", "a_b", "a b", "x y", "x_y"]) == (
        "mean radius",
        "a_b",
        "c",
    )
    assert spelled(("x_y z",), ["x y z", "x_y z"]) == ("x_y z",)
    assert spelled(("a_b_c",), ["a b_c", "a_b c"]) == ("a_b_c",)


def test_names_that_libraries_give_by_themselves_are_none(tmp_path: Path) -> None:
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2
    lightgbm.LGBMClassifier(**boosting.FEW, **boosting.QUIET).fit(X, y).booster_.save_model(tmp_path / "m.txt")
    xgboost.XGBClassifier(**boosting.FEW).fit(X, y).save_model(tmp_path / "m.ubj")
    catboost.CatBoostClassifier(**boosting.CATBOOST).fit(X, y).save_model(tmp_path / "m.cbm")
    for name in ("m.txt", "m.ubj", "m.cbm"):
        importer, native = imported(Kept(artifact=name, rows=X, task="binary"), tmp_path)
        assert (importer.signature(native).names, importer.signature(native).width) == (None, 2)


def trained(library: str, folder: Path, objective: str) -> Path:
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 3
    if library == "lightgbm":
        groups = {"group": [60]} if "rank" in objective else {}
        many = {"num_class": 3} if "multi" in objective else {}
        parameters = {"objective": objective, "num_threads": 1, **many, **boosting.QUIET}
        lightgbm.train(parameters, lightgbm.Dataset(X, y, **groups), 2).save_model(folder / "m.txt")
        return folder / "m.txt"
    groups = {"qid": np.zeros(60, int)} if "rank" in objective else {}
    alphas = {"quantile_alpha": [0.1, 0.9]} if "quantile" in objective else {}
    table = xgboost.DMatrix(X, y if groups or alphas else y > 0, **groups)
    xgboost.train({"objective": objective, "nthread": 1, **alphas}, table, 2).save_model(folder / "m.json")
    return folder / "m.json"


@pytest.mark.parametrize(
    ("library", "objective", "said"),
    [
        ("lightgbm", "lambdarank", "trained with 'lambdarank': it orders the rows of a group"),
        ("lightgbm", "multiclassova", "'multiclassova': it answers for each class alone, .*train it with 'multiclass'"),
        ("xgboost", "rank:ndcg", "trained with 'rank:ndcg': it orders the rows of a group"),
        ("xgboost", "binary:logitraw", "'binary:logitraw': it answers margins, no probabilities; train it with"),
        ("xgboost", "binary:hinge", "'binary:hinge': it answers labels, no probabilities"),
        ("xgboost", "survival:cox", "'survival:cox', which Setpoint does not serve; it serves binary:logistic"),
        ("xgboost", "reg:quantileerror", "answers 2 numbers a row"),
    ],
)
def test_an_objective_that_cannot_be_served_is_refused_with_the_reason(tmp_path, library, objective, said) -> None:
    path = trained(library, tmp_path, objective)
    importer = importer_for(framework_of(path))
    with pytest.raises(InvalidInput, match=said):
        importer.signature(load(importer, path, ()))


def test_a_probability_learnt_from_labels_or_shares_leaves_the_task_open(tmp_path: Path) -> None:
    path = trained("xgboost", tmp_path, "reg:logistic")
    importer = importer_for("xgboost")
    assert importer.signature(load(importer, path, ())).task is None


def test_a_text_that_breaks_off_is_refused_before_lightgbm_reads_it(tmp_path: Path) -> None:
    kept = boosting.lightgbm_text(tmp_path)
    whole = (tmp_path / kept.artifact).read_text()
    (tmp_path / kept.artifact).write_text(whole[: len(whole) // 3])
    with pytest.raises(InvalidInput, match=r"model\.txt breaks off within its trees; save the model again"):
        imported(kept, tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"weights": []}', "m.json is no model that Setpoint reads: XGBoost's save_model writes a `lear"),
        (b'{"learner": {', "m.json is no JSON object"),
        (b"[1, 2]", "m.json is no JSON object"),
    ],
)
def test_json_of_anything_else_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "m.json").write_bytes(content)
    with pytest.raises(InvalidInput, match=said):
        framework_of(tmp_path / "m.json")


def test_a_copy_to_train_builds_the_trees_that_were_best() -> None:
    X, y = boosting.diabetes()
    held = {"eval_set": [(X.iloc[300:], y[300:])]}
    many = {**boosting.FEW, "n_estimators": 100}
    stopped = xgboost.XGBRegressor(early_stopping_rounds=2, **many).fit(X[:300], y[:300], verbose=False, **held)
    copy = untrained(stopped)
    assert copy.get_params()["n_estimators"] == stopped.best_iteration + 1 < 100
    assert copy.get_params()["early_stopping_rounds"] is None
    stopped = lightgbm.LGBMRegressor(early_stopping_round=2, **many, **boosting.QUIET)
    stopped.fit(X[:300], y[:300], eval_X=X[300:], eval_y=y[300:])
    copy = untrained(stopped)
    assert copy.get_params()["n_estimators"] == stopped.best_iteration_ < 100
    assert copy.get_params()["early_stopping_round"] is None
    parameters = {**boosting.CATBOOST, "iterations": 200, "learning_rate": 1.0}
    stopped = catboost.CatBoostRegressor(early_stopping_rounds=2, **parameters).fit(X[:300], y[:300], **held)
    assert untrained(stopped).get_params()["iterations"] == stopped.tree_count_ < 200
