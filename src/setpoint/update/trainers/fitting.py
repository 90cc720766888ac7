"""What fitting an estimator asks for, whatever it is: weights, seeds, and its refusals in words."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.utils.validation import has_fit_parameter

from setpoint.domain.records import Column
from setpoint.errors import InvalidInput
from setpoint.update.trainers.request import Report


def seed_all(estimator: Any, seed: int) -> None:
    """Set every `random_state` in an estimator."""
    names = (name for name in estimator.get_params() if name.split("__")[-1] == "random_state")
    if seeds := dict.fromkeys(names, seed):
        estimator.set_params(**seeds)


def weighing(estimator: Any, weights: Column | None, report: Report) -> dict[str, Column]:
    """Return the arguments of `fit` that weigh the rows; none, and a line, where the estimator takes no weights."""
    if weights is None:
        return {}
    prefix, last = "", estimator
    while hasattr(last, "steps"):
        prefix, last = f"{prefix}{last.steps[-1][0]}__", last.steps[-1][1]
    if has_fit_parameter(last, "sample_weight"):
        return {f"{prefix}sample_weight": weights}
    report.say(f"all rows count the same: {type(last).__name__} takes no weights")
    return {}


@contextmanager
def told(estimator: Any) -> Iterator[None]:
    """Tell what an estimator refuses in its own words, and nothing of what it warns of: the gate judges what came out.

    Raises
    ------
    InvalidInput
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it did not converge, say
            yield
    except (ValueError, TypeError) as e:
        first = next(iter(str(e).strip().splitlines()), "")
        raise InvalidInput(f"{type(estimator).__name__} does not take the training set: {first[:280]}") from e
