"""Let LightGBM go on, and train a booster of its own file: the file says how it was trained."""

from pathlib import Path
from typing import Any

import lightgbm
import pandas as pd

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Schema
from setpoint.domain.update import Method
from setpoint.errors import InvalidInput
from setpoint.runtime.boosted import untrained
from setpoint.runtime.dataframe import frame
from setpoint.runtime.lightgbm import booster_of, categorical_places, codes_by_feature, read
from setpoint.update.trainers.boosters import check_method
from setpoint.update.trainers.fitting import seed_all, told
from setpoint.update.trainers.going_on import more_of
from setpoint.update.trainers.request import FitRequest, Report
from setpoint.update.trainers.rows import Rows, rows_of

NOT_NAMED = ("custom", "none", "null", "na", "")  # objectives that the file cannot hold
ALWAYS_THE_SAME = {"deterministic": True, "verbosity": -1}
WAYS = ("force_row_wise", "force_col_wise")  # of counting; else it tries which is faster, and may take either


def table(native: Any, columns: Columns, schema: Schema) -> pd.DataFrame:
    """Return rows to go on with: a category keeps its code, those never seen come after."""
    booster = booster_of(native)
    known = codes_by_feature(booster, schema)
    rows = frame(columns, schema)
    texts = {f.name for f in schema.features if f.dtype is DType.STRING}
    for name in texts | set(known):
        old = [category for category, _ in sorted(known.get(name, {}).items(), key=lambda item: item[1])]
        seen = rows[name].dropna().unique()
        rows[name] = pd.Categorical(rows[name], categories=[*old, *sorted(set(seen) - set(old))])
    return rows


def gone_on(estimator: Any, X: Any, y: Column, weights: dict[str, Column], seed: int, report: Report) -> Any:
    """Return a copy of an estimator with more trees."""
    old = booster_of(estimator)
    trees, more = old.current_iteration(), more_of(old.current_iteration())
    copy = untrained(estimator)
    seed_all(copy, seed)
    copy.set_params(n_estimators=more, **_repeatable(copy.get_params()))
    report.say(f"{trees} rounds become {trees + more}")
    return copy.fit(X, y, init_model=old, **weights).set_params(n_estimators=trees + more)


def fit(request: FitRequest) -> Path:
    """Train a booster of LightGBM's own file anew with the parameters in it, or go on from it with more trees.

    Raises
    ------
    InvalidInput
        If the training set does not do, or the file does not name the objective.
    """
    check_method(request, (Method.REFIT, Method.CONTINUE))
    rows, old = rows_of(request.table, request.schema), read(request.artifact)
    if str(old.params.get("objective", "")).split(" ")[0] in NOT_NAMED:
        raise InvalidInput(
            f"{request.artifact.name} was trained on an objective of its maker's own, which its file does not hold; "
            "write your own training and name it: `train: train.py:fit`"
        )
    with told(old):
        made = _trained(old, rows, request)
    path = request.workdir / request.artifact.name
    made.save_model(path)
    return path


def _trained(old: Any, rows: Rows, request: FitRequest) -> Any:
    anew, trees = request.method is Method.REFIT, old.current_iteration()
    X = table(old, rows.columns, request.schema).set_axis(old.feature_name(), axis=1)
    categorical = [old.feature_name()[place] for place in categorical_places(old)]
    parameters = _parameters(old, request.seed)
    given = lightgbm.Dataset(X, rows.codes, weight=rows.weights, categorical_feature=categorical, params=parameters)
    rounds = trees if anew else more_of(trees)
    request.report.say(f"{rounds} rounds")
    return lightgbm.train(parameters, given, rounds, init_model=None if anew else old)


def _parameters(old: Any, seed: int) -> dict[str, Any]:
    """Return the parameters in the file: without what this training says itself, and the seeds made of one another."""
    left_out = ("num_iterations", "early_stopping_round", "categorical_feature", "metric", "num_threads")
    told = {k: v for k, v in old.params.items() if k not in left_out and not k.endswith("seed")}
    return {**told, "seed": seed, **_repeatable(told)}


def _repeatable(given: dict[str, Any]) -> dict[str, Any]:
    """Return what makes a training the same each time."""
    return {**ALWAYS_THE_SAME, **({} if any(given.get(way) for way in WAYS) else {WAYS[0]: True})}
