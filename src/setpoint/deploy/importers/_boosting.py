"""What the importers of boosting libraries share, and how scikit-learn's importer hands their estimators to them."""

import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import distributions, version
from typing import Any, NoReturn, cast

from setpoint.deploy.importers._base import Importer
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput
from setpoint.runtime.boosted import LIBRARIES, library_of

MATRIX = "inputs"
# why an objective is refused
RANKS = "it orders the rows of a group, and its scores mean nothing alone; Setpoint serves classifiers and regressions"
EACH = "it answers for each class alone, and its probabilities do not sum to one; train it with {!r}"
BARE = "it answers {}, no probabilities; train it with 'binary:logistic'"


def importer_of(estimator: Any) -> Importer | None:
    """Return the importer of the boosting library that an estimator is of, None for any other."""
    library = library_of(estimator)
    return None if library is None else cast(Importer, import_module(f"setpoint.deploy.importers.{library}"))


def task_of(objective: str, tasks: Mapping[str, Task | None], refused: Mapping[str, str], library: str) -> Task | None:
    """Return what a model is made for by its objective, None where either will do.

    Raises
    ------
    InvalidInput
        If what it answers is neither probabilities nor a number to compare with an outcome.
    """
    if objective in refused:
        raise InvalidInput(f"the {library} model was trained with {objective!r}: {refused[objective]}")
    if objective not in tasks:
        raise InvalidInput(
            f"the {library} model was trained with {objective!r}, which Setpoint does not serve; it serves "
            f"{', '.join(name for name in tasks if name)}"
        )
    return tasks[objective]


def no_refit(native: Any, columns: Columns, truth: Column, schema: Schema) -> NoReturn:
    """Refuse: a booster's file does not say all of how it was trained."""
    raise InvalidInput("a booster alone is not trained anew for a proposal")


def versions(library: str) -> dict[str, str]:
    """Return the versions of what a booster's file depends on."""
    installed = {d.name for d in distributions()}
    wanted = (library, f"{library}-cpu", "onnxmltools", "numpy", "onnxruntime")
    return {name: version(name) for name in wanted if name in installed}


def loaded_versions() -> dict[str, str]:
    """Return the versions of the boosting libraries that a loaded model has brought in."""
    loaded = sorted(LIBRARIES & sys.modules.keys())
    return {name: found for library in loaded for name, found in versions(library).items()}
