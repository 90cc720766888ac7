"""Keras models of every shape, as `.keras`, `.h5` and SavedModel."""

import os
import warnings
from functools import wraps
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from tests.zoo import Kept, Make, saved

ROWS = 300


def cancer() -> pd.DataFrame:
    return load_breast_cancer(as_frame=True).frame.iloc[:ROWS].rename(columns={"target": "y"})


def diabetes() -> pd.DataFrame:
    return load_diabetes(as_frame=True, scaled=False).frame.iloc[:ROWS].rename(columns={"target": "y"})


def matrix(frame: pd.DataFrame) -> Any:
    return frame.drop(columns="y").to_numpy(np.float32)


def network(make: Make) -> Make:
    """Register a model; Keras 3.15 warns of NumPy 2, and of much else."""

    @wraps(make)
    def quietly(folder: Path) -> Kept:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return make(folder)

    return saved(quietly)


def fitted(model: Any, X: Any, y: Any, loss: Any, metrics: tuple[str, ...] = ()) -> Any:
    keras.utils.set_random_seed(0)
    model.compile("adam", loss, metrics=list(metrics))
    model.fit(X, y, epochs=2, verbose=0)
    return model


def scaled(X: Any) -> Any:
    layer = layers.Normalization()
    layer.adapt(X)
    return layer


def stack(X: Any, *more: Any) -> Any:
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input(X.shape[1:]), scaled(X), *more])


@network
def keras_mlp(folder: Path) -> Kept:
    frame = diabetes()
    X = matrix(frame)
    model = fitted(stack(X, layers.Dense(16, "relu"), layers.Dense(1)), X, frame["y"], "mse")
    model.save(folder / "m.keras")
    answers = model.predict(X, verbose=0)[:, 0]
    return Kept(artifact="m.keras", rows=frame, task="regression", answers=answers, runtime="onnxruntime")


@network
def keras_h5_with_a_metric(folder: Path) -> Kept:
    """Loading it with its training state needs a `mse` that Keras 3 no longer finds by that name."""
    frame = diabetes()
    X = matrix(frame)
    model = fitted(stack(X, layers.Dense(8, "relu"), layers.Dense(1)), X, frame["y"], "mse", ("mse",))
    model.save(folder / "m.h5")
    answers = model.predict(X, verbose=0)[:, 0]
    return Kept(artifact="m.h5", rows=frame, task="regression", answers=answers, runtime="onnxruntime")


@network
def keras_exported(folder: Path) -> Kept:
    """A SavedModel as `export` writes it; a loaded model must be called once before."""
    frame = cancer()
    X = matrix(frame)
    model = fitted(stack(X, layers.Dense(8, "relu"), layers.Dense(1, "sigmoid")), X, frame["y"], "binary_crossentropy")
    model.export(folder / "net", verbose=False)
    answers = model.predict(X, verbose=0)[:, 0]
    return Kept(artifact="net", rows=frame, task="binary", answers=answers, runtime="onnxruntime")


class Linear(tf.Module):
    """A function that is no Keras model."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weights = tf.Variable(np.linspace(-0.01, 0.01, width, dtype=np.float32).reshape(-1, 1))

    @tf.function
    def __call__(self, x: Any) -> Any:
        return {"chance": tf.sigmoid(tf.cast(x, tf.float32) @ self.weights)}


@network
def tensorflow_module_of_doubles(folder: Path) -> Kept:
    frame = cancer()
    X = matrix(frame).astype(np.float64)
    model = Linear(X.shape[1])
    serve = model.__call__.get_concrete_function(tf.TensorSpec([None, X.shape[1]], tf.float64, name="x"))
    tf.saved_model.save(model, str(folder / "net"), signatures=serve)
    answers = model(X)["chance"].numpy()[:, 0]
    return Kept(artifact="net", rows=frame, task="binary", answers=answers, runtime="onnxruntime")


@network
def keras_images(folder: Path) -> Kept:
    """Images as lists of lists; whether a digit is below five."""
    images, y = load_digits(return_X_y=True)
    images, y = images[:ROWS].reshape(-1, 8, 8, 1), (y[:ROWS] < 5).astype(int)
    inputs = keras.Input((8, 8, 1), name="image")
    hidden = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="relu")(layers.Rescaling(1 / 16)(inputs)))
    model = fitted(keras.Model(inputs, layers.Dense(1, "sigmoid")(hidden)), images, y, "binary_crossentropy")
    model.save(folder / "m.keras")
    frame = pd.DataFrame({"image": images[..., 0].tolist(), "y": y})
    answers = model.predict(images, verbose=0)[:, 0]
    return Kept(artifact="m.keras", rows=frame, task="binary", answers=answers, runtime="onnxruntime")


@network
def keras_sequences(folder: Path) -> Kept:
    """Rows of an image as steps in time, one column a value."""
    images, y = load_digits(return_X_y=True)
    steps = images[:ROWS].reshape(-1, 8, 8)
    inputs = keras.Input((8, 8), name="steps")
    model = fitted(keras.Model(inputs, layers.Dense(1)(layers.GRU(6)(inputs))), steps, y[:ROWS], "mse")
    model.save(folder / "m.keras")
    frame = pd.DataFrame(images[:ROWS], columns=[f"steps_{i}" for i in range(64)]).assign(y=y[:ROWS])
    return Kept(artifact="m.keras", rows=frame, task="regression", answers=model.predict(steps, verbose=0)[:, 0])


def two_inputs(X: Any) -> tuple[Any, dict[str, Any]]:
    """Return a model of a matrix and whole numbers that are embedded, and what it takes of rows of diabetes."""
    a, b = keras.Input((9,), name="body"), keras.Input((1,), name="sex", dtype="int32")
    known = layers.Flatten()(layers.Embedding(3, 2)(b))
    both = layers.Concatenate()([scaled(np.delete(X, 1, axis=1))(a), known])
    given = {"body": np.delete(X, 1, axis=1), "sex": X[:, 1:2].astype(int)}
    return {"body": a, "sex": b}, {"both": both, "given": given}


@network
def keras_two_inputs(folder: Path) -> Kept:
    frame = diabetes()
    keras.utils.set_random_seed(0)
    inputs, parts = two_inputs(matrix(frame))
    model = fitted(keras.Model(inputs, layers.Dense(1)(parts["both"])), parts["given"], frame["y"], "mse")
    model.save(folder / "m.keras")
    answers = model.predict(parts["given"], verbose=0)[:, 0]
    return Kept(artifact="m.keras", rows=frame, task="regression", answers=answers, runtime="onnxruntime")


def two_outputs(folder: Path) -> Kept:
    frame = cancer()
    X = matrix(frame)
    keras.utils.set_random_seed(0)
    inputs = keras.Input((X.shape[1],))
    hidden = layers.Dense(8, "relu")(scaled(X)(inputs))
    ends = [layers.Dense(1, name="area")(hidden), layers.Dense(1, "sigmoid", name="benign")(hidden)]
    model = fitted(keras.Model(inputs, ends), X, [frame["mean area"], frame["y"]], ["mse", "binary_crossentropy"])
    model.save(folder / "m.keras")
    answers = model.predict(X, verbose=0)[1][:, 0]
    return Kept(artifact="m.keras", rows=frame, task="binary", answers=answers, keys={"output": "benign"})


@network
def keras_two_outputs(folder: Path) -> Kept:
    return two_outputs(folder)


@network
def keras_two_outputs_of_which_none_is_named(folder: Path) -> Kept:
    rows = two_outputs(folder).rows
    return Kept(artifact="m.keras", rows=rows, task="binary", refused="Which of them predicts the target?")


@network
def keras_texts_and_numbers(folder: Path) -> Kept:
    """Texts are looked up and cut into words inside the network, which no converter can."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"job": rng.choice(["nurse", "clerk", "none"], ROWS), "age": rng.integers(18, 80, ROWS) / 1.0})
    frame["wage"] = rng.normal(30, 5, ROWS)
    frame["said"] = [" ".join(words) for words in rng.choice(["fine", "late", "the", "train"], (ROWS, 3))]
    frame["y"] = np.where((frame["job"] == "nurse") | (frame["age"] > 60), "yes", "no")
    job, rest = keras.Input((1,), name="job", dtype="string"), keras.Input((2,), name="rest")
    known = layers.StringLookup(vocabulary=["nurse", "clerk"], output_mode="one_hot")(job)
    cut = layers.TextVectorization(max_tokens=20, output_mode="multi_hot")
    cut.adapt(frame["said"].tolist())
    said, numbers = keras.Input((), name="words", dtype="string"), frame[["age", "wage"]].to_numpy(np.float32)
    both = layers.Concatenate()([known, scaled(numbers)(rest), cut(said)])
    model = keras.Model([job, rest, said], layers.Dense(1, "sigmoid")(both))
    texts = [tf.constant(frame[columns].to_numpy(object)) for columns in (["job"], "said")]
    given = [texts[0], tf.constant(numbers), texts[1]]
    fitted(model, given, (frame["y"] == "yes").to_numpy(int), "binary_crossentropy")
    model.save(folder / "m.keras")
    answers = np.asarray(model(given))[:, 0]
    return Kept(artifact="m.keras", rows=frame, task="binary", answers=answers, runtime="native")


@network
def keras_softmax_of_ten(folder: Path) -> Kept:
    """The softmax is a layer of its own; the classes are those of the target, in order."""
    X, y = load_digits(return_X_y=True, as_frame=True)
    frame = X.head(ROWS).assign(y=y.head(ROWS))
    model = stack(matrix(frame), layers.Dense(10), layers.Softmax())
    fitted(model, matrix(frame), frame["y"], "sparse_categorical_crossentropy").save(folder / "m.keras")
    answers = model.predict(matrix(frame), verbose=0)
    return Kept(artifact="m.keras", rows=frame, task="multiclass", answers=answers, runtime="onnxruntime")


@network
def keras_lambda(folder: Path) -> Kept:
    frame = diabetes()
    model = keras.Sequential([keras.Input((10,)), layers.Lambda(lambda x: x * 2), layers.Dense(1)])
    model.save(folder / "m.keras")
    return Kept(artifact="m.keras", rows=frame, task="regression", refused="m.keras holds Lambda")


@network
def keras_sequences_of_any_length(folder: Path) -> Kept:
    frame = diabetes()
    model = keras.Sequential([keras.Input((None, 3)), layers.GRU(2), layers.Dense(1)])
    model.save(folder / "m.keras")
    return Kept(artifact="m.keras", rows=frame, task="regression", refused="rows of shape ['any', 3], whose size")
