"""Let CatBoost go on, and train a model of its own file: the file says how it was trained."""

from pathlib import Path
from typing import Any

import catboost
import pandas as pd

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema
from setpoint.domain.update import Method
from setpoint.errors import InvalidInput
from setpoint.runtime.boosted import ROUNDS, untrained
from setpoint.runtime.catboost import FORMATS, fit_table, read
from setpoint.update.trainers.boosters import check_method
from setpoint.update.trainers.fitting import seed_all, told
from setpoint.update.trainers.going_on import more_of
from setpoint.update.trainers.request import FitRequest, Report
from setpoint.update.trainers.rows import Rows, rows_of

SEEDS = ("random_seed", "random_state")
QUIET = {"allow_writing_files": False, "verbose": 0}
LOUD = ("silent", "logging_level", "verbose_eval")


def table(native: Any, columns: Columns, schema: Schema) -> pd.DataFrame:
    """Return rows to go on with: CatBoost knows its categories by how they are written."""
    return fit_table(native, columns, schema)


def gone_on(estimator: Any, X: Any, y: Column, weights: dict[str, Column], seed: int, report: Report) -> Any:
    """Return a copy of an estimator with more trees."""
    copy, trees = untrained(estimator), int(estimator.tree_count_)
    seed_all(copy, seed)
    name = next((n for n in ROUNDS if copy.get_params().get(n) is not None), "iterations")
    copy.set_params(**{name: more_of(trees)})
    report.say(f"{trees} trees become {trees + more_of(trees)}")
    return copy.fit(X, y, init_model=estimator, **weights)


def fit(request: FitRequest) -> Path:
    """Train a model of CatBoost's own file anew with the parameters in it, or go on from it with more trees.

    Raises
    ------
    InvalidInput
        If the training set does not do, or the loss was a function of its maker's own.
    """
    check_method(request, (Method.REFIT, Method.CONTINUE))
    rows, old = rows_of(request.table, request.schema), read(request.artifact)
    if "loss_function" not in old.get_params() or "UserDefined" in str(old.get_params()["loss_function"]):
        raise InvalidInput(
            f"{request.artifact.name} does not tell by which loss it was trained; write your own training and name "
            "it: `train: train.py:fit`"
        )
    with told(old):
        made = _trained(old, rows, request)
    path = request.workdir / request.artifact.name
    made.save_model(str(path), format=FORMATS.get(path.suffix.lower(), "cbm"))
    return path


def _trained(old: Any, rows: Rows, request: FitRequest) -> Any:
    anew, trees = request.method is Method.REFIT, int(old.tree_count_)
    left_out = (*ROUNDS, "n_estimators", *SEEDS, *LOUD, "cat_features")
    told = {k: v for k, v in old.get_params().items() if k not in left_out}
    many = trees if anew else more_of(trees)
    request.report.say(f"{many} trees")
    model = catboost.CatBoost({**told, **QUIET, "iterations": many, "random_seed": request.seed})
    X = fit_table(old, rows.columns, request.schema).set_axis(old.feature_names_, axis=1)
    places = list(old.get_cat_feature_indices())
    given = catboost.Pool(X, _labels(old, rows), weight=rows.weights, cat_features=places)
    return model.fit(given, init_model=None if anew else old)


def _labels(old: Any, rows: Rows) -> Column:
    """Return the target as the model spells it: its own classes, or numbers."""
    classes = list(getattr(old, "classes_", ()))
    return rows.codes if not classes else pd.Series(classes).to_numpy()[rows.codes.astype(int)]
