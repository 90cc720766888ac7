"""Run a class of the user's own: `model.py:Class`, with a `predict` that takes a data frame."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from setpoint.domain.artifact import artifact_of
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema
from setpoint.errors import InvalidInput, JobFailed, ModelFailed
from setpoint.runtime import Model
from setpoint.runtime.columns import Head
from setpoint.runtime.dataframe import frame
from setpoint.runtime.own import blame, function_of


class Own:
    """An object of the user's class, and the file it is from."""

    def __init__(self, kept: Any, file: Path) -> None:
        self.kept, self.file = kept, file


def read(path: Path, trusted: Sequence[str] | None = None) -> Own:
    """Run the file and make an object of its class; one that takes a parameter is given the folder of the file.

    Raises
    ------
    InvalidInput
        If there is no such class, or it takes more than one parameter.
    JobFailed
        If the file or the class raised: the error with the line it came from.
    """
    file, kind = function_of(str(path), "artifact")
    where = artifact_of(path).entry
    try:
        asked = [p for p in inspect.signature(kind).parameters.values() if p.default is p.empty]
    except ValueError as e:
        raise InvalidInput(f"{file.name}: {where} does not say what it takes: {e}") from e
    wanted = [p for p in asked if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if len(wanted) > 1:
        raise InvalidInput(
            f"{file.name}: {where} takes {len(wanted)} parameters ({', '.join(p.name for p in wanted)}); it is made "
            "without any, or with the folder its files are in"
        )
    try:
        return Own(kind(*[file.parent for _ in wanted]), file)
    except Exception as e:  # not our code
        raise JobFailed(blame(e, file)) from e


def opened(path: Path, schema: Schema, threshold: float) -> Model:
    """Load the model of a bundle."""
    return PythonModel(read(path), schema, threshold)


class PythonModel:
    """An object whose `predict` takes a data frame of n rows.

    It answers numbers of shape (n,) or (n, 1), or a column of probabilities for each class: (n, k).
    """

    def __init__(self, own: Own, schema: Schema, threshold: float = 0.5) -> None:
        self._own, self._schema, self._outputs = own, schema, Head(schema, threshold)

    def predict(self, columns: Columns) -> dict[str, Column]:
        """Answer rows (see `Model.predict`)."""
        rows, file = frame(columns, self._schema), self._own.file
        try:
            answer = self._own.kept.predict(rows)
        except Exception as e:  # not our code
            raise ModelFailed(blame(e, file).removeprefix(f"{file.parent}/")) from e
        return self._outputs(_numbers(answer, len(rows), file))


def _numbers(answer: Any, rows: int, file: Path) -> Column:
    try:
        numbers = np.asarray(answer, np.float64)
    except (TypeError, ValueError) as e:
        raise ModelFailed(
            f"{file.name}: predict answered {type(answer).__name__} that are no numbers ({e}); answer predictions, or "
            "the probabilities of the classes"
        ) from e
    if numbers.ndim not in (1, 2) or len(numbers) != rows:
        raise ModelFailed(
            f"{file.name}: predict answered shape {numbers.shape} for {rows} rows; ({rows},) or ({rows}, classes) "
            "was expected"
        )
    return numbers
