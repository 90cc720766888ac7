"""LightGBM, XGBoost and CatBoost: their own files, their scikit-learn estimators, and categories."""

from pathlib import Path
from typing import Any

import catboost
import joblib
import lightgbm
import numpy as np
import pandas as pd
import xgboost
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.zoo import Kept, saved

FEW = {"n_estimators": 15, "n_jobs": 1, "random_state": 0}
QUIET = {"verbose": -1}
CATBOOST = {"iterations": 15, "thread_count": 1, "random_seed": 0, "verbose": 0, "allow_writing_files": False}


def cancer() -> tuple[pd.DataFrame, NDArray[Any]]:
    frame = load_breast_cancer(as_frame=True).frame.iloc[:400]
    return frame.drop(columns="target"), frame["target"].to_numpy()


def diabetes() -> tuple[pd.DataFrame, NDArray[Any]]:
    frame = load_diabetes(as_frame=True, scaled=False).frame.iloc[:400]
    return frame.drop(columns="target"), frame["target"].to_numpy()


def people() -> tuple[pd.DataFrame, NDArray[Any]]:
    """Texts, whole numbers that are categories, bools and holes; the target follows from them."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "job": rng.choice(["clerk", "nurse", "smith", "cook"], 400),
            "age": rng.integers(18, 80, 400),
            "zone": rng.choice([10, 20, 30], 400),
            "debt": np.where(rng.random(400) < 0.1, np.nan, rng.lognormal(0, 1, 400)),
            "owner": rng.random(400) < 0.5,
        }
    )
    odds = 0.05 * (X["age"] - 50) + 2.0 * (X["job"] == "nurse") - 1.5 * (X["zone"] == 20) + X["owner"]
    return X, (rng.logistic(size=400) < odds).astype(int).to_numpy()


def told(X: pd.DataFrame) -> pd.DataFrame:
    """Texts and zones as pandas' categories."""
    return X.astype({"job": "category", "zone": "category"})


def kept(artifact: str, X: pd.DataFrame, y: NDArray[Any], task: str, answers: NDArray[Any], runtime: str = "") -> Kept:
    return Kept(artifact=artifact, rows=X.assign(y=y), task=task, answers=answers, runtime=runtime)


@saved
def lightgbm_text(folder: Path) -> Kept:
    """Names with blanks, which LightGBM writes as underscores."""
    X, y = cancer()
    model = lightgbm.LGBMClassifier(**FEW, **QUIET).fit(X, y)
    model.booster_.save_model(folder / "model.txt")
    return kept("model.txt", X, y, "binary", model.predict_proba(X)[:, 1], "onnxruntime")


@saved
def lightgbm_text_categories(folder: Path) -> Kept:
    X, y = people()
    model = lightgbm.LGBMClassifier(min_child_samples=5, min_data_per_group=5, **FEW, **QUIET).fit(told(X), y)
    model.booster_.save_model(folder / "model.txt")
    return kept("model.txt", X, y, "binary", model.predict_proba(told(X))[:, 1], "native")


@saved
def lightgbm_joblib_categories(folder: Path) -> Kept:
    X, y = people()
    model = lightgbm.LGBMClassifier(min_child_samples=5, min_data_per_group=5, **FEW, **QUIET)
    model.fit(told(X), np.where(y, "yes", "no"))
    joblib.dump(model, folder / "model.joblib")
    return kept("model.joblib", X, np.where(y, "yes", "no"), "binary", model.predict_proba(told(X))[:, 1], "native")


@saved
def lightgbm_in_a_pipeline(folder: Path) -> Kept:
    X, y = diabetes()
    model = make_pipeline(SimpleImputer(), StandardScaler(), lightgbm.LGBMRegressor(**FEW, **QUIET)).fit(X, y)
    joblib.dump(model, folder / "model.joblib")
    return kept("model.joblib", X, y, "regression", model.predict(X))


@saved
def lightgbm_text_64_bit(folder: Path) -> Kept:
    """Times in seconds, of which float32 knows every 128th: the converted model is another."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"second": 1.7e9 + rng.integers(0, 600, 400), "load": rng.normal(size=400)})
    y = (X["second"] % 60).to_numpy() + X["load"].to_numpy()
    model = lightgbm.LGBMRegressor(min_child_samples=3, **{**FEW, "n_estimators": 40}, **QUIET).fit(X, y)
    model.booster_.save_model(folder / "model.txt")
    return kept("model.txt", X, y, "regression", model.predict(X), "native")


@saved
def xgboost_ubj(folder: Path) -> Kept:
    X, y = cancer()
    model = xgboost.XGBClassifier(**FEW).fit(X, y)
    model.save_model(folder / "model.ubj")
    return kept("model.ubj", X, y, "binary", model.predict_proba(X)[:, 1], "onnxruntime")


@saved
def xgboost_json_stopped_early(folder: Path) -> Kept:
    """An estimator's file: it answers with the trees up to the best one, and so must what reads it."""
    X, y = diabetes()
    model = xgboost.XGBRegressor(early_stopping_rounds=3, **{**FEW, "n_estimators": 200})
    model.fit(X.iloc[:300], y[:300], eval_set=[(X.iloc[300:], y[300:])], verbose=False)
    model.save_model(folder / "model.json")
    return kept("model.json", X, y, "regression", model.predict(X))


@saved
def xgboost_ubj_linear(folder: Path) -> Kept:
    X, y = diabetes()
    parameters = {"booster": "gblinear", "objective": "reg:squarederror", "updater": "coord_descent", "nthread": 1}
    table = xgboost.DMatrix(X, y)
    booster = xgboost.train(parameters, table, 20)
    booster.save_model(folder / "model.ubj")
    return kept("model.ubj", X, y, "regression", booster.predict(table), "native")


@saved
def xgboost_ubj_categories(folder: Path) -> Kept:
    X, y = people()
    model = xgboost.XGBClassifier(enable_categorical=True, max_cat_to_onehot=1, **FEW).fit(told(X), y)
    model.save_model(folder / "model.ubj")
    return kept("model.ubj", X, y, "binary", model.predict_proba(told(X))[:, 1], "native")


@saved
def xgboost_joblib(folder: Path) -> Kept:
    """Without names, stopped early, and with a number that means missing."""
    X, y = diabetes()
    holes = X.mask(np.random.default_rng(0).random(X.shape) < 0.05, -1.0).to_numpy()
    model = xgboost.XGBRegressor(missing=-1.0, early_stopping_rounds=3, **{**FEW, "n_estimators": 200})
    model.fit(holes[:300], y[:300], eval_set=[(holes[300:], y[300:])], verbose=False)
    joblib.dump(model, folder / "model.joblib")
    return kept("model.joblib", pd.DataFrame(holes, columns=X.columns), y, "regression", model.predict(holes))


def digits() -> tuple[pd.DataFrame, NDArray[Any]]:
    frame = load_digits(n_class=4, as_frame=True).frame.iloc[:300]
    return frame.drop(columns="target"), frame["target"].to_numpy()


@saved
def lightgbm_text_of_four_digits(folder: Path) -> Kept:
    X, y = digits()
    model = lightgbm.LGBMClassifier(**{**FEW, "n_estimators": 5}, **QUIET).fit(X, y)
    model.booster_.save_model(folder / "model.txt")
    return kept("model.txt", X, y, "multiclass", model.predict_proba(X), "onnxruntime")


@saved
def xgboost_json_of_four_digits(folder: Path) -> Kept:
    """Made to answer the likeliest digit; how likely each is comes from the same trees."""
    X, y = digits()
    parameters = {"objective": "multi:softmax", "num_class": 4, "nthread": 1}
    booster = xgboost.train(parameters, xgboost.DMatrix(X, y), 5)
    booster.save_model(folder / "model.json")
    margins = np.exp(booster.predict(xgboost.DMatrix(X), output_margin=True))
    return kept("model.json", X, y, "multiclass", margins / margins.sum(axis=1, keepdims=True), "onnxruntime")


@saved
def catboost_joblib_of_four_digits(folder: Path) -> Kept:
    X, y = digits()
    words = np.array(["zero", "one", "two", "three"])[y]
    model = catboost.CatBoostClassifier(**{**CATBOOST, "iterations": 5}).fit(X, words)
    joblib.dump(model, folder / "model.joblib")
    return kept("model.joblib", X, words, "multiclass", model.predict_proba(X), "onnxruntime")


@saved
def catboost_cbm(folder: Path) -> Kept:
    X, y = cancer()
    labels = np.where(y, "benign", "malignant")
    model = catboost.CatBoostClassifier(**CATBOOST).fit(X, labels)
    model.save_model(folder / "model.cbm")
    return kept("model.cbm", X, labels, "binary", model.predict_proba(X)[:, 1])


@saved
def catboost_cbm_categories(folder: Path) -> Kept:
    X, y = people()
    model = catboost.CatBoostClassifier(cat_features=["job", "zone", "owner"], **CATBOOST).fit(X, y)
    model.save_model(folder / "model.cbm")
    return kept("model.cbm", X, y, "binary", model.predict_proba(X)[:, 1], "native")


@saved
def catboost_json_poisson(folder: Path) -> Kept:
    """Its raw answer is the logarithm; and its file is JSON, as XGBoost's is."""
    X, y = diabetes()
    model = catboost.CatBoostRegressor(loss_function="Poisson", **CATBOOST).fit(X, y)
    model.save_model(folder / "model.json", format="json")
    return kept("model.json", X, y, "regression", model.predict(X))


@saved
def catboost_joblib(folder: Path) -> Kept:
    X, y = diabetes()
    model = catboost.CatBoostRegressor(**CATBOOST).fit(X, y)
    joblib.dump(model, folder / "model.joblib")
    return kept("model.joblib", X, y, "regression", model.predict(X), "onnxruntime")


@saved
def catboost_in_a_pipeline(folder: Path) -> Kept:
    X, y = cancer()
    model = make_pipeline(StandardScaler(), catboost.CatBoostClassifier(**CATBOOST)).fit(X, y)
    joblib.dump(model, folder / "model.joblib")
    return kept("model.joblib", X, y, "binary", model.predict_proba(X)[:, 1], "onnxruntime")


@saved
def xgboost_margins(folder: Path) -> Kept:
    X, y = cancer()
    table = xgboost.DMatrix(X, y)
    xgboost.train({"objective": "binary:logitraw", "nthread": 1}, table, 5).save_model(folder / "model.json")
    return Kept(artifact="model.json", rows=X.assign(y=y), task="binary", refused="answers margins, no probabilities")


@saved
def lightgbm_ranker(folder: Path) -> Kept:
    X, y = diabetes()
    model = lightgbm.LGBMRanker(**FEW, **QUIET).fit(X, (y // 100).astype(int), group=[40] * 10)
    joblib.dump(model, folder / "model.joblib")
    return Kept(artifact="model.joblib", rows=X.assign(y=y), task="regression", refused="orders the rows of a group")
