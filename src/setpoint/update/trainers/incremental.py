"""Let an estimator with `partial_fit` learn new rows, some old ones among them."""

import inspect
from typing import Any

import numpy as np

from setpoint.domain.records import Column
from setpoint.update.trainers.request import Report
from setpoint.update.trainers.rows import Rows

EPOCHS = 5
BATCH_ROWS = 256


def able(estimator: Any) -> bool:
    """Whether an estimator learns row by row."""
    return hasattr(estimator, "partial_fit")


def steps(estimator: Any) -> bool:
    """Whether it learns by steps of a size, as linear models and networks do; others count, as naive Bayes does."""
    return "max_iter" in estimator.get_params(deep=False)


def places(estimator: Any, rows: int, fresh: int, seed: int) -> Column:
    """Return which rows to learn, shape (n,), int64: the new ones, and as many old ones drawn by the seed.

    One that counts has counted the old rows already; it gets the new ones only.
    """
    new = np.arange(rows - fresh, rows)
    if not steps(estimator):
        return new
    old = np.random.default_rng(seed).permutation(rows - fresh)[:fresh]
    return np.concatenate([np.sort(old), new])


def fit(estimator: Any, X: Any, rows: Rows, seed: int, report: Report) -> None:
    """Learn rows in small batches: five times in an order drawn by the seed, or once in time where they are counted."""
    weights = rows.weights
    if weights is not None and "sample_weight" not in inspect.signature(estimator.partial_fit).parameters:
        report.say(f"all rows count the same: {type(estimator).__name__} takes no weights")
        weights = None
    rng, epochs = np.random.default_rng(seed), EPOCHS if steps(estimator) else 1
    stops = estimator.get_params(deep=False).get("early_stopping", False)
    if stops:
        estimator.set_params(early_stopping=False)  # there is no stopping early from batch to batch
    for epoch in range(epochs):
        order = rng.permutation(len(rows)) if epochs > 1 else np.arange(len(rows))
        for chosen in np.split(order, range(BATCH_ROWS, len(rows), BATCH_ROWS)):
            given = {} if weights is None else {"sample_weight": weights[chosen]}
            estimator.partial_fit(X.iloc[chosen] if hasattr(X, "iloc") else X[chosen], rows.labels[chosen], **given)
        report.say(f"pass {epoch + 1} of {epochs} over {len(rows):,} rows", (epoch + 1) / epochs)
    if stops:
        estimator.set_params(early_stopping=stops)
