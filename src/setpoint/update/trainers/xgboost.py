"""Let XGBoost go on; its own files do not say how deep and how fast their trees were grown."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import xgboost

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema
from setpoint.domain.update import Method
from setpoint.runtime.boosted import untrained
from setpoint.runtime.dataframe import frame
from setpoint.runtime.xgboost import booster_of, categorical, codes_by_feature, is_linear, read, rounds
from setpoint.update.trainers.boosters import check_method
from setpoint.update.trainers.fitting import seed_all, told
from setpoint.update.trainers.going_on import more_of
from setpoint.update.trainers.request import FitRequest, Report
from setpoint.update.trainers.rows import Rows, rows_of

STEP = 0.1  # of new trees on a booster whose file does not tell its own
STOPPED = ("best_iteration", "best_score")  # attributes that would hide the new trees
LACKING = ": the file keeps its objective, but neither the depth of its trees nor their step"


def table(native: Any, columns: Columns, schema: Schema) -> pd.DataFrame:
    """Return rows to go on with: a category keeps its code; one never seen is missing, as when it is served."""
    booster = booster_of(native)
    rows, known = frame(columns, schema), codes_by_feature(booster, schema)
    for name in known:
        old = [category for category, _ in sorted(known[name].items(), key=lambda item: item[1])]
        rows[name] = pd.Categorical(rows[name], categories=old)
    return rows.astype(dict.fromkeys(categorical(booster, schema) - set(known), "category"))


def gone_on(estimator: Any, X: Any, y: Column, weights: dict[str, Column], seed: int, report: Report) -> Any:
    """Return a copy of an estimator with more trees."""
    old = _answering(estimator)
    trees, more = old.num_boosted_rounds(), more_of(old.num_boosted_rounds())
    copy = untrained(estimator)
    seed_all(copy, seed)
    copy.set_params(n_estimators=more)
    report.say(f"{trees} rounds become {trees + more}")
    return copy.fit(X, y, xgb_model=old, **weights).set_params(n_estimators=trees + more)


def fit(request: FitRequest) -> Path:
    """Go on from a booster of XGBoost's own file: more trees, as deep as its deepest, with a small step.

    Raises
    ------
    InvalidInput
        If the training set does not do, or the method is another.
    """
    check_method(request, (Method.CONTINUE,), LACKING)
    rows, native = rows_of(request.table, request.schema), read(request.artifact)
    with told(native):
        made = _trained(native, rows, request)
    path = request.workdir / request.artifact.name
    path.write_bytes(made.save_raw(raw_format="json" if path.suffix.lower() == ".json" else "ubj"))
    return path


def _trained(native: Any, rows: Rows, request: FitRequest) -> Any:
    old, X = _answering(native), table(native, rows.columns, request.schema)
    if native.feature_names:
        X = X.set_axis(native.feature_names, axis=1)
    given = xgboost.DMatrix(X, rows.codes, weight=rows.weights, enable_categorical=True)
    grown = {} if is_linear(old) else {"max_depth": _depth(old)}
    more = more_of(old.num_boosted_rounds())
    request.report.say(f"{more} rounds more, of step {STEP}")
    return xgboost.train({"seed": request.seed, "eta": STEP, **grown}, given, more, xgb_model=old)


def _answering(native: Any) -> Any:
    """Return a booster's rounds that answer, without the memory of having stopped there."""
    best = rounds(native)
    booster = booster_of(native)[:best] if best else booster_of(native).copy()
    booster.set_attr(**dict.fromkeys(STOPPED))
    return booster


def _depth(booster: Any) -> int:
    """Return how deep the deepest tree is: the most questions on a way from its root."""
    return max(1, max(_below(json.loads(tree)) for tree in booster.get_dump(dump_format="json")))


def _below(node: dict[str, Any]) -> int:
    return 1 + max(map(_below, node["children"])) if "children" in node else 0
