"""Classifiers of more than two classes: whole numbers, texts, and numbers with gaps."""

from dataclasses import replace
from pathlib import Path

import joblib
import pandas as pd
import skl2onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from tests.zoo import Kept, saved

ROWS = 300
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def digits() -> tuple[pd.DataFrame, pd.Series]:
    """Return the pixels that vary, and the digit of each row."""
    data = load_digits(as_frame=True)
    pixels = data.data.loc[:, data.data.nunique() > 1]
    return pixels.iloc[:ROWS], data.target.iloc[:ROWS]


def kept(model, rows: pd.DataFrame, y: pd.Series, into: Path) -> Kept:
    """Fit, save and say what the model answers."""
    model.fit(rows, y)
    joblib.dump(model, into / "model.joblib")
    return Kept(
        artifact="model.joblib",
        rows=rows.assign(y=y),
        task="multiclass",
        answers=model.predict_proba(rows),
    )


@saved
def logistic_of_ten_digits(into: Path) -> Kept:
    """Answers ten classes, numbers from nought to nine."""
    return kept(LogisticRegression(max_iter=200, C=0.01), *digits(), into)


@saved
def boosting_of_text_labels(into: Path) -> Kept:
    """Answers texts, whose order is not that of the numbers they mean."""
    rows, y = digits()
    model = HistGradientBoostingClassifier(max_iter=10, max_leaf_nodes=8, early_stopping=False)
    return kept(model, rows.iloc[:, ::4], y.map(dict(enumerate(WORDS))), into)


@saved
def forest_of_labels_with_gaps(into: Path) -> Kept:
    """Answers whole numbers that do not begin at nought."""
    rows, y = digits()
    return kept(RandomForestClassifier(20, max_depth=6, random_state=0), rows.iloc[:, ::2], 10 * (y % 4) + 5, into)


@saved
def onnx_graph_of_text_labels(into: Path) -> Kept:
    """Its labels come from the graph; the map of a row's probabilities is taken apart."""
    rows, y = digits()
    found = kept(LogisticRegression(max_iter=200, C=0.01), rows, y.map(dict(enumerate(WORDS))), into)
    inputs = [("pixels", FloatTensorType([None, rows.shape[1]]))]
    graph = skl2onnx.to_onnx(joblib.load(into / "model.joblib"), initial_types=inputs)
    (into / "digits.onnx").write_bytes(graph.SerializeToString())
    return replace(found, artifact="digits.onnx", runtime="onnxruntime")
