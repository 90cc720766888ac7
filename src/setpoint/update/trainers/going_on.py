"""Let an estimator go on from where it is: more trees, or more steps."""

from importlib import import_module
from types import ModuleType
from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from setpoint.domain.records import Columns
from setpoint.domain.schema import Schema
from setpoint.runtime.boosted import library_of
from setpoint.runtime.sklearn import fit_table
from setpoint.update.trainers.fitting import seed_all, weighing
from setpoint.update.trainers.request import Report
from setpoint.update.trainers.rows import Rows

MORE, FEWEST = 0.25, 10  # trees added, as a share of those there are, and at least
BINNED = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)


def able(estimator: Any) -> bool:
    """Whether an estimator can go on: one of a boosting library, or one of scikit-learn with a `warm_start` it means.

    Histogram boosting cannot. It cuts its bins anew on each table and then reads its old trees, whose thresholds are
    numbers of the old bins, on the new ones: its `warm_start` is for the same rows again.
    """
    if library_of(estimator) is not None:
        return True
    return "warm_start" in estimator.get_params(deep=False) and not isinstance(estimator, BINNED)


def why_not(estimator: Any) -> str:
    """Return in words why an estimator cannot go on, where that is not plain."""
    if not isinstance(estimator, BINNED):
        return ""
    return ": histogram boosting bins each table anew, and would misread its old trees on other rows"


def more_of(trees: int) -> int:
    """Return how many trees to add to those there are."""
    return max(FEWEST, round(MORE * trees))


def table(estimator: Any, columns: Columns, schema: Schema) -> Any:
    """Return rows as an estimator takes them to go on: categories keep their codes."""
    boosting = _boosting(estimator)
    return fit_table(estimator, columns, schema) if boosting is None else boosting.table(estimator, columns, schema)


def fit(estimator: Any, X: Any, rows: Rows, seed: int, report: Report) -> Any:
    """Train an estimator on and return it; `X` are the rows as it takes them.

    Forests and boosting get a quarter more trees, learnt from these rows. Others take further steps from their
    coefficients.
    """
    weights, boosting = weighing(estimator, rows.weights, report), _boosting(estimator)
    if boosting is not None:
        return boosting.gone_on(estimator, X, rows.labels, weights, seed, report)
    seed_all(estimator, seed)
    meant, trees = estimator.warm_start, estimator.get_params(deep=False).get("n_estimators")
    if trees is None:
        report.say(f"{type(estimator).__name__} goes on from its coefficients")
    else:
        report.say(f"{trees} trees become {trees + more_of(trees)}")
        estimator.set_params(n_estimators=trees + more_of(trees))
    estimator.set_params(warm_start=True).fit(X, rows.labels, **weights)
    return estimator.set_params(warm_start=meant)


def _boosting(estimator: Any) -> ModuleType | None:
    library = library_of(estimator)
    return None if library is None else import_module(f"setpoint.update.trainers.{library}")
