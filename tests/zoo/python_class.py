"""Classes of one's own with a `predict`, and what is wrong with some."""

from pathlib import Path

import numpy as np

from tests.zoo import Kept, saved
from tests.zoo.onnx_files import cancer, diabetes

RULE = """
import numpy as np

class Predictor:
    task = "binary"
    classes = [0, 1]
    features = ["mean_radius", "mean_texture"]

    def predict(self, frame):
        return 1 / (1 + np.exp(frame["mean_radius"] - 15 + 0.01 * frame["mean_texture"]))
"""
TABLE = """
from pathlib import Path
import numpy as np

class Predictor:
    files = ["weights.npy"]

    def __init__(self, folder: Path):
        self.weights = np.load(folder / "weights.npy")

    def predict(self, frame):
        return frame.to_numpy() @ self.weights
"""
LABELS = """
class Predictor:
    task = "binary"

    def predict(self, frame):
        return ["benign"] * len(frame)
"""
RAISES = """
class Predictor:
    def predict(self, frame):
        return frame["blood_pressure"] * 2
"""


def kept_class(folder: Path, code: str, **what: object) -> Kept:
    (folder / "model.py").write_text(code)
    frame, _ = cancer() if "binary" in code else diabetes()
    task = "binary" if "binary" in code else "regression"
    return Kept(**{"artifact": "model.py:Predictor", "rows": frame, "task": task, "runtime": "native", **what})  # type: ignore[arg-type]


@saved
def class_with_two_features(folder: Path) -> Kept:
    frame, _ = cancer()
    answers = 1 / (1 + np.exp(frame["mean_radius"] - 15 + 0.01 * frame["mean_texture"]))
    rows = frame[["mean_radius", "mean_texture", "y"]]
    return kept_class(folder, RULE, rows=rows, answers=answers.to_numpy())


@saved
def class_with_a_file_of_its_own(folder: Path) -> Kept:
    frame, X = diabetes()
    weights = np.linspace(-1, 1, X.shape[1])
    np.save(folder / "weights.npy", weights)
    return kept_class(folder, TABLE, answers=frame.drop(columns="y").to_numpy() @ weights)


@saved
def class_that_answers_labels(folder: Path) -> Kept:
    return kept_class(folder, LABELS, refused="model.py: predict answered list that are no numbers")


@saved
def class_that_raises(folder: Path) -> Kept:
    return kept_class(folder, RAISES, refused="model.py:4: KeyError: 'blood_pressure'")


@saved
def class_that_is_not_there(folder: Path) -> Kept:
    return kept_class(folder, RAISES.replace("Predictor", "Other"), refused="defines no class 'Predictor'")


@saved
def class_without_its_file(folder: Path) -> Kept:
    return kept_class(folder, TABLE, refused="lists 'weights.npy', which is no file beside model.py")
