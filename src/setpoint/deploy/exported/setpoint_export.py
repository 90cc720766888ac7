"""What MLflow loads as a Python function: the model behind `predict.py`, for rows in a data frame."""

from pathlib import Path
from typing import Any

import pandas as pd
from predict import predict  # type: ignore[import-not-found]  # it lies beside this file in an export


class Exported:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def predict(self, rows: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        return pd.DataFrame(predict(rows.to_dict("records"), self._folder))


def _load_pyfunc(path: str) -> Exported:
    return Exported(Path(path))
