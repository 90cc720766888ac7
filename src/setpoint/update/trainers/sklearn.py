"""Train a scikit-learn estimator, or one of a boosting library: anew, or from where it is."""

from pathlib import Path
from typing import Any

import joblib

from setpoint.domain.update import Method
from setpoint.errors import InvalidInput
from setpoint.runtime.boosted import untrained
from setpoint.runtime.sklearn import fit_table, read
from setpoint.update.trainers import going_on, incremental
from setpoint.update.trainers.fitting import seed_all, told, weighing
from setpoint.update.trainers.request import FitRequest
from setpoint.update.trainers.rows import Rows, rows_of


def fit(request: FitRequest) -> Path:
    """Train the artefact's estimator and return the new artefact, of the same kind.

    `REFIT` fits an unfitted copy to all rows. `CONTINUE` lets the estimator, or the last step of its Pipeline, go on
    from where it is (see `going_on`), `PARTIAL_FIT` learn the new rows (see `incremental`); the steps before it stay
    as they are. Every `random_state` is set to the seed. An estimator that knew column names gets a data frame, as it
    does when it serves.

    Raises
    ------
    InvalidInput
        If the training set does not do, or the estimator cannot be trained by this method: the text names those it can.
    """
    rows = rows_of(request.table, request.schema)
    known = read(request.artifact, request.trusted)
    supported = methods_of(known)
    if request.method not in supported:
        raise InvalidInput(_cannot(request, known, supported))
    made = _MADE[request.method](known, rows, request)
    return save(made, request.workdir / request.artifact.name)


def methods_of(estimator: Any) -> tuple[Method, ...]:
    """Return how an estimator can be trained."""
    if not hasattr(estimator, "fit") or not hasattr(estimator, "get_params"):
        return ()
    last = last_step(estimator)
    able = {Method.REFIT: True, Method.CONTINUE: going_on.able(last), Method.PARTIAL_FIT: incremental.able(last)}
    return tuple(method for method, can in able.items() if can)


def last_step(estimator: Any) -> Any:
    """Return what answers: the last step of a Pipeline, or the estimator itself."""
    return last_step(estimator[-1]) if hasattr(estimator, "steps") else estimator


def _refitted(known: Any, rows: Rows, request: FitRequest) -> Any:
    estimator = untrained(known)
    seed_all(estimator, request.seed)
    X = fit_table(known, rows.columns, request.schema)
    request.report.say(f"fitting a new {type(estimator).__name__}")
    with told(estimator):
        return estimator.fit(X, rows.labels, **weighing(estimator, rows.weights, request.report))


def _gone_on(known: Any, rows: Rows, request: FitRequest) -> Any:
    last = last_step(known)
    with told(known):
        X = _prepared(known, rows, request)
        return _ending_in(known, going_on.fit(last, X, rows, request.seed, request.report))


def _learnt_more(known: Any, rows: Rows, request: FitRequest) -> Any:
    last = last_step(known)
    chosen = rows.take(incremental.places(last, len(rows), request.fresh, request.seed))
    with told(known):
        incremental.fit(last, _prepared(known, chosen, request), chosen, request.seed, request.report)
    return known


def _prepared(known: Any, rows: Rows, request: FitRequest) -> Any:
    """Return the rows as what answers takes them: what the steps before it make of them."""
    if not hasattr(known, "steps"):
        return going_on.table(known, rows.columns, request.schema)
    X = fit_table(known, rows.columns, request.schema)
    while hasattr(known, "steps"):
        X, known = known[:-1].transform(X) if len(known.steps) > 1 else X, known[-1]
    return X


def _ending_in(known: Any, made: Any) -> Any:
    """Return a Pipeline with another last step, or that step where there is no Pipeline."""
    if not hasattr(known, "steps"):
        return made
    known.steps[-1] = (known.steps[-1][0], _ending_in(known.steps[-1][1], made))
    return known


_MADE = {Method.REFIT: _refitted, Method.CONTINUE: _gone_on, Method.PARTIAL_FIT: _learnt_more}


def _cannot(request: FitRequest, known: Any, supported: tuple[Method, ...]) -> str:
    name, last = request.artifact.name, last_step(known)
    kind = type(known).__name__ if last is known else f"a {type(known).__name__} that ends in {type(last).__name__}"
    if not supported:
        return f"{name} holds {kind}, which cannot be cloned and fitted"
    why = going_on.why_not(last) if request.method is Method.CONTINUE else ""
    can = f"Supported methods of a {request.artifact.suffix} of {kind}: {', '.join(supported)}"
    return f"`{request.method}` is not for {name}{why}. {can}"


def save(estimator: Any, path: Path) -> Path:
    """Write an estimator in the format that the file's suffix names."""
    if path.suffix == ".skops":
        import skops.io  # loads every estimator of scikit-learn: half of a small training's time

        skops.io.dump(estimator, path)
    else:
        joblib.dump(estimator, path)
    return path
