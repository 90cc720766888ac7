"""Saved models of every family, made on the spot: what each one answers, and what is to become of it.

A module here holds one family. Its functions, marked with `@saved`, write a model into an empty folder.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A saved model, and what deploying it is to give.

    Attributes
    ----------
    artifact : str
        As `artifact:` in setpoint.yaml says it, relative to the folder.
    rows : DataFrame
        The reference: inputs and target.
    task, target : str
    answers : ndarray of shape (n,) or (n, k)
        The framework's own: predictions, probabilities of the second class, or those of all k classes.
    runtime : str
        What must serve it, `onnxruntime` or `native`; empty: either.
    refused : str
        A part of the error it must be refused with; empty: it must deploy.
    keys : dict
        More keys of setpoint.yaml.
    """

    artifact: str
    rows: pd.DataFrame
    task: str
    target: str = "y"
    answers: NDArray[Any] = field(default_factory=lambda: np.empty(0))
    runtime: str = ""
    refused: str = ""
    keys: dict[str, Any] = field(default_factory=dict)


Make = Callable[[Path], Kept]
MODELS: dict[str, Make] = {}


def saved(make: Make) -> Make:
    """Register a model by the name of the function that makes it."""
    assert make.__name__ not in MODELS
    MODELS[make.__name__] = make
    return make


def all_models() -> dict[str, Make]:
    """Return every model of every family by its name; nothing is made yet, and no framework imported."""
    for family in iter_modules(__path__):
        import_module(f"tests.zoo.{family.name}")
    return MODELS
