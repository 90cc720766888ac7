"""Refit a clone of a scikit-learn estimator."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa

from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput
from setpoint.runtime.boosted import untrained
from setpoint.runtime.columns import class_values
from setpoint.runtime.sklearn import fit_table, read
from setpoint.update.trainers.rows import columns_of, target_of


def fit(
    artifact: Path, table: pa.Table, schema: Schema, seed: int, workdir: Path, *, trusted: tuple[str, ...] = ()
) -> Path:
    """Fit an unfitted copy of the artefact's estimator to all rows and return the new artefact, of the same kind.

    Every `random_state` in the estimator is set to `seed`. An estimator that knew column names gets a data frame, as it
    does when it serves.

    Parameters
    ----------
    artifact : Path
        A bundle's own file: scanned when it was imported, and checked against its digest since.
    table : pa.Table
        Features and target, in time order.
    trusted : tuple of str
        Types beyond the known safe ones that a skops file may hold.
    """
    target = target_of(table, schema)
    known = read(artifact, trusted)
    if not hasattr(known, "fit") or not hasattr(known, "get_params"):
        raise InvalidInput(f"{artifact.name} holds {type(known).__name__}, which cannot be cloned and fitted")
    estimator = untrained(known)
    seeded = (name for name in estimator.get_params() if name.split("__")[-1] == "random_state")
    estimator.set_params(**dict.fromkeys(seeded, seed))
    X = fit_table(known, columns_of(table, schema), schema)
    estimator.fit(X, target if schema.task is Task.REGRESSION else class_values(schema)[target.astype(np.intp)])
    return save(estimator, workdir / artifact.name)


def save(estimator: Any, path: Path) -> Path:
    """Write an estimator in the format that the file's suffix names."""
    if path.suffix == ".skops":
        import skops.io  # loads every estimator of scikit-learn: half of a small training's time

        skops.io.dump(estimator, path)
    else:
        joblib.dump(estimator, path)
    return path
