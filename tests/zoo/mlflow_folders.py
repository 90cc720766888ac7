"""Folders that MLflow wrote, and models in its registry."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.zoo import Kept, saved


def _fitted(X: Any, y: Any) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)


def _tumours() -> tuple[pd.DataFrame, pd.Series]:
    found: tuple[pd.DataFrame, pd.Series] = load_breast_cancer(return_X_y=True, as_frame=True)
    return found


def _kept(X: pd.DataFrame, y: pd.Series, model: Any, artifact: str, **more: Any) -> Kept:
    answers = model.predict_proba(X if hasattr(model, "feature_names_in_") else X.to_numpy())[:, 1]
    return Kept(artifact=artifact, rows=X.assign(y=y), task="binary", answers=answers, **more)


@saved
def mlflow_folder_whose_signature_names_the_columns(folder: Path) -> Kept:
    from mlflow import sklearn
    from mlflow.models import infer_signature

    X, y = _tumours()
    model = _fitted(X.to_numpy(), y)  # knows no names
    signature = infer_signature(X, np.zeros(3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sklearn.save_model(
            model, folder / "logged", signature=signature, input_example=X.head(3), serialization_format="skops",
            pip_requirements=[],
        )  # fmt: skip
    kept = _kept(X, y, model, "logged", runtime="onnxruntime")
    return replace(kept, rows=kept.rows[kept.rows.columns[::-1]])  # the signature says the order


@saved
def mlflow_registry_alias(folder: Path) -> Kept:
    import mlflow
    from mlflow import sklearn

    X, y = _tumours()
    model = _fitted(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.set_tracking_uri(f"sqlite:///{folder}/store.db")
        mlflow.set_experiment(experiment_id=mlflow.create_experiment("tumours", f"{folder}/runs"))
        with mlflow.start_run():
            kept = sklearn.log_model(
                model, name="m", registered_model_name="tumours", serialization_format="skops", pip_requirements=[]
            )
    mlflow.MlflowClient().set_registered_model_alias("tumours", "champion", kept.registered_model_version)
    return _kept(X, y, model, "mlflow:models:/tumours@champion", runtime="onnxruntime")


@saved
def mlflow_python_model(folder: Path) -> Kept:
    from mlflow import pyfunc

    class Half(pyfunc.PythonModel):
        def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
            return np.full(len(model_input), 0.5)

    X, y = _tumours()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyfunc.save_model(folder / "logged", python_model=Half(), pip_requirements=[])
    return Kept(artifact="logged", rows=X.assign(y=y), task="binary", refused="save its class as a file")
