"""Boosters trained anew: estimators with the categories they know, and what the user's own function returns."""

from pathlib import Path

import catboost
import joblib
import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xgboost

from setpoint.deploy.importers import framework_of
from setpoint.deploy.schema import infer_schema
from setpoint.domain.schema import Schema, Task
from setpoint.domain.update import Method
from setpoint.runtime.boosted import untrained
from setpoint.runtime.sklearn import opened
from setpoint.update.trainers import sklearn as trainer
from setpoint.update.trainers import user
from setpoint.update.trainers.request import FitRequest
from setpoint.update.trainers.rows import columns_of
from tests.zoo import boosting


def people() -> tuple[pa.Table, Schema]:
    X, y = boosting.people()
    X["job"] = X["job"].where(X.index > 9)
    table = pa.Table.from_pandas(X.assign(y=y))
    return table, infer_schema(table, target="y", task=Task.BINARY)


def asked(artifact: Path, table: pa.Table, schema: Schema, method: Method, workdir: Path) -> FitRequest:
    return FitRequest(artifact=artifact, table=table, schema=schema, workdir=workdir, method=method)


def estimators() -> dict[str, object]:
    X, y = boosting.people()
    lone = boosting.told(X).astype({"job": "category"})
    return {
        "lightgbm": lightgbm.LGBMClassifier(min_child_samples=5, **boosting.FEW, **boosting.QUIET).fit(lone, y),
        "xgboost": xgboost.XGBClassifier(enable_categorical=True, **boosting.FEW).fit(lone, y),
        "catboost": catboost.CatBoostClassifier(cat_features=["job", "zone"], **boosting.CATBOOST).fit(X, y),
    }


@pytest.mark.parametrize("library", ["lightgbm", "xgboost", "catboost"])
def test_an_estimator_is_trained_anew_on_the_categories_it_knows(tmp_path: Path, library: str) -> None:
    table, schema = people()
    joblib.dump(estimators()[library], tmp_path / "m.joblib")
    (tmp_path / "new").mkdir()
    made = trainer.fit(asked(tmp_path / "m.joblib", table, schema, Method.REFIT, tmp_path / "new"))
    answered = opened(made, schema, 0.5).predict(columns_of(table, schema))["probability"]
    nurses = np.array([job == "nurse" for job in table["job"].to_pylist()])
    zone = table["zone"].to_numpy() == 20
    assert answered[nurses].mean() > answered[~nurses].mean() + 0.1
    assert answered[zone].mean() < answered[~zone].mean() - 0.1
    if library != "catboost":
        kinds = opened(made, schema, 0.5)._codes
        assert set(kinds) == {"job", "zone"}


@pytest.mark.parametrize("library", ["lightgbm", "xgboost", "catboost"])
def test_going_on_keeps_what_categories_meant_and_meets_new_ones(tmp_path: Path, library: str) -> None:
    table, schema = people()
    path = tmp_path / "m.joblib"
    joblib.dump(estimators()[library], path)
    jobs = ["baker" if job == "clerk" else job for job in table["job"].to_pylist()]  # sorted before the others
    new = table.set_column(0, "job", pa.array(jobs))
    (tmp_path / "new").mkdir()
    made = trainer.fit(asked(path, new, schema, Method.CONTINUE, tmp_path / "new"))
    before, after = (opened(p, schema, 0.5).predict(columns_of(table, schema))["probability"] for p in (path, made))
    assert np.corrcoef(before, after)[0, 1] > 0.9  # codes that had moved would take nurses for smiths
    baker = opened(made, schema, 0.5).predict(columns_of(new, schema))["probability"]
    assert np.isfinite(baker).all()
    again = untrained(joblib.load(made)).get_params()
    assert max(again.get(name) or 0 for name in ("n_estimators", "iterations")) == 25  # 15 trees, and 10 more


@pytest.mark.parametrize(("library", "framework"), [("lightgbm", "lightgbm"), ("xgboost", "xgboost")])
def test_a_booster_of_the_users_own_training_is_saved_as_its_library_does(tmp_path, library, framework) -> None:
    calls = {
        "lightgbm": "lightgbm.train({'verbose': -1, 'num_threads': 1}, lightgbm.Dataset(X, y), 2)",
        "xgboost": "xgboost.train({'nthread': 1}, xgboost.DMatrix(X, y), 2)",
    }
    script = f"import {library}\ndef fit(table, schema, artifact):\n    X, y = table[['a']], table['y']\n    return "
    (tmp_path / "train.py").write_text(script + calls[library])
    frame = pd.DataFrame({"a": np.arange(60.0), "y": np.arange(60.0) ** 2})
    schema = infer_schema(pa.Table.from_pandas(frame), target="y", task=Task.REGRESSION)
    table = pa.Table.from_pandas(frame)
    made = user.fit(f"{tmp_path / 'train.py'}:fit", asked(tmp_path / "m.joblib", table, schema, Method.OWN, tmp_path))
    assert framework_of(made) == framework
