"""scikit-learn: linear models, trees, pipelines over texts and holes, and what cannot be served."""

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import skops.io
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from tests.zoo import Kept, saved

WORDS = ("win", "prize", "now", "lunch", "meeting", "free", "tomorrow", "call", "claim", "home")


def _tumours() -> tuple[pd.DataFrame, pd.Series]:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return X.rename(columns=lambda name: name.replace(" ", "_")), y


def _patients() -> tuple[pd.DataFrame, pd.Series]:
    found: tuple[pd.DataFrame, pd.Series] = load_diabetes(return_X_y=True, as_frame=True)
    return found


def campaign(rows: int = 400) -> tuple[pd.DataFrame, pd.Series]:
    """Return calls with numbers, a text of few levels, holes, and whether they bought."""
    rng = np.random.default_rng(3)
    X = pd.DataFrame(
        {
            "age": rng.integers(18, 80, rows),
            "balance": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(1000, 400, rows).round(2)),
            "job": rng.choice(["admin", "retired", "technician"], rows),
        }
    )
    liking = (X["balance"].fillna(1000) - 1000) / 200 + (X["job"] == "retired") - (X["age"] - 50) / 20
    return X, pd.Series(np.where(liking + rng.logistic(size=rows) > 0, "yes", "no"))


def _classifier(folder: Path, model: Any, data: tuple[pd.DataFrame, pd.Series], file: str, **more: Any) -> Kept:
    X, y = data
    model.fit(X, y)
    _write(model, folder / file)
    answers = model.predict_proba(X)[:, 1]
    return Kept(artifact=file, rows=X.assign(y=y), task="binary", answers=answers, **more)


def _regressor(folder: Path, model: Any, file: str, **more: Any) -> Kept:
    X, y = _patients()
    model.fit(X, y)
    _write(model, folder / file)
    return Kept(artifact=file, rows=X.assign(y=y), task="regression", answers=model.predict(X), **more)


def _write(model: Any, path: Path) -> None:
    match path.suffix:
        case ".skops":
            skops.io.dump(model, path)
        case ".pkl":
            path.write_bytes(pickle.dumps(model))
        case _:
            joblib.dump(model, path)


@saved
def sklearn_logistic_regression(folder: Path) -> Kept:
    model = make_pipeline(StandardScaler(), LogisticRegression())
    return _classifier(folder, model, _tumours(), "model.joblib", runtime="onnxruntime")


@saved
def sklearn_forest_in_skops(folder: Path) -> Kept:
    model = RandomForestClassifier(40, random_state=0)
    return _classifier(folder, model, _tumours(), "model.skops")


@saved
def sklearn_ridge_in_a_pickle(folder: Path) -> Kept:
    return _regressor(folder, Ridge(), "model.pkl", runtime="onnxruntime")


@saved
def sklearn_columns_texts_and_holes(folder: Path) -> Kept:
    prepared = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job"]),
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "balance"]),
    )
    return _classifier(folder, make_pipeline(prepared, LogisticRegression()), campaign(), "model.joblib")


@saved
def sklearn_boosting_with_categories(folder: Path) -> Kept:
    X, y = campaign()
    X = X.assign(job=X["job"].map({"admin": 0, "retired": 1, "technician": 2}))
    model = HistGradientBoostingClassifier(max_iter=30, categorical_features=["job"], random_state=0)
    return _classifier(folder, model, (X, y), "model.joblib", runtime="native")  # it converts, and is wrong


@saved
def sklearn_histogram_boosting(folder: Path) -> Kept:
    return _regressor(folder, HistGradientBoostingRegressor(max_iter=30, random_state=0), "model.joblib")


@saved
def sklearn_gradient_boosting(folder: Path) -> Kept:
    return _regressor(folder, GradientBoostingRegressor(n_estimators=30, random_state=0), "model.joblib")


@saved
def sklearn_perceptron_of_a_logarithm(folder: Path) -> Kept:
    inner = MLPRegressor(hidden_layer_sizes=(16,), max_iter=500, tol=0.1, random_state=0)
    model = TransformedTargetRegressor(make_pipeline(StandardScaler(), inner), func=np.log1p, inverse_func=np.expm1)
    return _regressor(folder, model, "model.joblib", runtime="native")  # no converter for the outer one


@saved
def sklearn_logarithm_of_the_inputs(folder: Path) -> Kept:
    model = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), LogisticRegression())
    return _classifier(folder, model, _tumours(), "model.joblib")


@saved
def sklearn_texts(folder: Path) -> Kept:
    rng = np.random.default_rng(4)
    texts = [" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(300)]
    y = pd.Series(["spam" if "prize" in t or "free" in t else "ham" for t in texts])
    model = make_pipeline(make_column_transformer((TfidfVectorizer(), "text")), LogisticRegression())
    return _classifier(folder, model, (pd.DataFrame({"text": texts}), y), "model.joblib", runtime="onnxruntime")


@saved
def sklearn_without_probabilities(folder: Path) -> Kept:
    X, y = _tumours()
    joblib.dump(LinearSVC().fit(StandardScaler().fit_transform(X), y), folder / "model.joblib")
    return Kept(artifact="model.joblib", rows=X.assign(y=y), task="binary", refused="has no predict_proba")


@saved
def sklearn_never_fitted(folder: Path) -> Kept:
    X, y = _patients()
    joblib.dump(Ridge(), folder / "model.joblib")
    return Kept(artifact="model.joblib", rows=X.assign(y=y), task="regression", refused="was never fitted")


@saved
def sklearn_no_estimator(folder: Path) -> Kept:
    X, y = _patients()
    joblib.dump({"weights": [1, 2]}, folder / "model.joblib")
    return Kept(artifact="model.joblib", rows=X.assign(y=y), task="regression", refused="holds a dict")


@saved
def sklearn_with_a_stranger_inside(folder: Path) -> Kept:
    X, y = _patients()
    model = make_pipeline(FunctionTransformer(joblib.hash), Ridge())
    joblib.dump(model, folder / "model.joblib")
    return Kept(artifact="model.joblib", rows=X.assign(y=y), task="regression", refused="joblib.hashing.hash")
