"""Models on real data, saved as their frameworks save them; each with a table it was not fitted on."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

DATA = Path(__file__).parents[3] / "shared" / "datasets"
HELD_OUT = 0.3
ROWS = 20_000  # of a set, the first


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A model file, the rows that were held out (target `y`), and how the framework itself is asked.

    `ask` is the name of a function in this module: loaded model and frame to scores.
    """

    artifact: str
    rows: pd.DataFrame
    task: str
    ask: str


def table(name: str, target: str, drop: tuple[str, ...] = ()) -> tuple[pd.DataFrame, pd.Series]:
    frame = pd.read_parquet(DATA / name / f"{name}.parquet").head(ROWS)
    return frame.drop(columns=[target, *drop]), frame[target]


def bank() -> tuple[pd.DataFrame, pd.Series]:
    return table("bank_marketing", "y", ("row_order", "year", "month", "day_of_week", "duration"))


def gas() -> tuple[pd.DataFrame, pd.Series]:
    return table("gas_turbine", "NOX", ("CO", "year", "hour_seq"))


def tumours() -> tuple[pd.DataFrame, pd.Series]:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return X, y


def digits() -> tuple[pd.DataFrame, pd.Series]:
    X, y = load_digits(return_X_y=True, as_frame=True)
    return X, y


def texts() -> tuple[pd.DataFrame, pd.Series]:
    X, y = table("sms_spam", "label")
    return X.rename(columns={X.columns[0]: "text"}), y


def split(X: pd.DataFrame, y: pd.Series) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    at = np.random.default_rng(0).permutation(len(X))
    cut = int(len(X) * (1 - HELD_OUT))
    early, late = at[:cut], at[cut:]
    return X.iloc[early], y.iloc[early], X.iloc[late].assign(y=y.iloc[late]).reset_index(drop=True)


def sklearn(model: Any, data: Callable[[], tuple[pd.DataFrame, pd.Series]], task: str) -> Callable[[Path], Saved]:
    def make(folder: Path) -> Saved:
        X, y, rows = split(*data())
        joblib.dump(model.fit(X, y), folder / "model.joblib")
        ask = "ask_regressor" if task == "regression" else "ask_classifier"
        return Saved(artifact="model.joblib", rows=rows, task=task, ask=ask)

    return make


def by_kind(encoder: Any) -> Any:
    kinds = make_column_selector(dtype_exclude="number")
    return make_column_transformer((encoder, kinds), remainder=StandardScaler())


def lightgbm(folder: Path) -> Saved:
    import lightgbm

    X, y, rows = split(*gas())
    fitted = lightgbm.LGBMRegressor(n_estimators=200, verbose=-1, n_jobs=1).fit(X, y)
    fitted.booster_.save_model(folder / "model.txt")
    return Saved(artifact="model.txt", rows=rows, task="regression", ask="ask_lightgbm")


def xgboost(folder: Path) -> Saved:
    import xgboost

    X, y, rows = split(*bank())
    numbers = X.select_dtypes("number").columns
    fitted = xgboost.XGBClassifier(n_estimators=200, n_jobs=1).fit(X[numbers], y == "yes")
    fitted.save_model(folder / "model.ubj")
    return Saved(artifact="model.ubj", rows=rows[[*numbers, "y"]], task="binary", ask="ask_xgboost")


def catboost(folder: Path) -> Saved:
    import catboost

    X, y, rows = split(*bank())
    kinds = [c for c in X if not pd.api.types.is_numeric_dtype(X[c])]
    fitted = catboost.CatBoostClassifier(
        iterations=200, verbose=False, thread_count=1, cat_features=kinds, allow_writing_files=False
    )
    fitted.fit(X, y).save_model(str(folder / "model.cbm"))
    return Saved(artifact="model.cbm", rows=rows, task="binary", ask="ask_catboost")


def keras_mlp(folder: Path) -> Saved:
    import keras

    X, y, rows = split(*gas())
    norm = keras.layers.Normalization()
    norm.adapt(X.to_numpy(np.float32))
    layers = [keras.layers.Input((X.shape[1],)), norm, *(keras.layers.Dense(64, "relu") for _ in range(2))]
    model = keras.Sequential([*layers, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(X.to_numpy(np.float32), y.to_numpy(np.float32), epochs=3, batch_size=256, verbose=0)
    model.save(folder / "model.keras")
    return Saved(artifact="model.keras", rows=rows, task="regression", ask="ask_keras")


def keras_cnn(folder: Path) -> Saved:
    import keras

    X, y, rows = split(*digits())
    model = keras.Sequential(
        [
            keras.layers.Input((8, 8, 1)),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(10, "softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X.to_numpy(np.float32).reshape(-1, 8, 8, 1), y.to_numpy(), epochs=5, verbose=0)
    model.save(folder / "model.keras")
    return Saved(artifact="model.keras", rows=rows, task="multiclass", ask="ask_keras_image")


def torch_mlp(folder: Path) -> Saved:
    import torch

    X, y, rows = split(*tumours())
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.BatchNorm1d(30), torch.nn.Linear(30, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1), torch.nn.Sigmoid()
    )
    inputs, truth = (torch.tensor(np.asarray(a, np.float32)) for a in (X, y))
    optimiser = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(100):
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy(net(inputs)[:, 0], truth).backward()
        optimiser.step()
    torch.jit.script(net.eval()).save(str(folder / "model.pt"))
    return Saved(artifact="model.pt", rows=rows, task="binary", ask="ask_torch")


MODELS: dict[str, Callable[[Path], Saved]] = {
    "logistic regression, bank": sklearn(
        make_pipeline(by_kind(OneHotEncoder(handle_unknown="ignore")), LogisticRegression(max_iter=500)), bank, "binary"
    ),
    "histogram boosting, bank": sklearn(
        make_pipeline(
            by_kind(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)),
            HistGradientBoostingClassifier(random_state=0),
        ),
        bank,
        "binary",
    ),
    "histogram boosting, numbers": sklearn(
        HistGradientBoostingClassifier(random_state=0),
        lambda: (bank()[0].select_dtypes("number"), bank()[1]),
        "binary",
    ),
    "random forest, bank": sklearn(
        make_pipeline(
            by_kind(OneHotEncoder(handle_unknown="ignore")),
            RandomForestClassifier(200, min_samples_leaf=5, random_state=0),
        ),
        bank,
        "binary",
    ),
    "gradient boosting, tumours": sklearn(GradientBoostingClassifier(random_state=0), tumours, "binary"),
    "perceptron, gas": sklearn(
        make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(64, 64), max_iter=30, random_state=0)),
        gas,
        "regression",
    ),
    "TF-IDF and logistic regression, sms": sklearn(
        make_pipeline(make_column_transformer((TfidfVectorizer(), "text")), LogisticRegression()), texts, "binary"
    ),
    "random forest, digits": sklearn(RandomForestClassifier(100, random_state=0), digits, "multiclass"),
    "LightGBM, gas": lightgbm,
    "XGBoost, bank": xgboost,
    "CatBoost with categories, bank": catboost,
    "Keras perceptron, gas": keras_mlp,
    "Keras convolutions, digits": keras_cnn,
    "PyTorch perceptron, tumours": torch_mlp,
}


def ask_classifier(folder: Path) -> Callable[[pd.DataFrame], Any]:
    model = joblib.load(folder / "model.joblib")
    return lambda X: model.predict_proba(X)


def ask_regressor(folder: Path) -> Callable[[pd.DataFrame], Any]:
    model = joblib.load(folder / "model.joblib")
    return lambda X: model.predict(X)


def ask_lightgbm(folder: Path) -> Callable[[pd.DataFrame], Any]:
    import lightgbm

    model = lightgbm.Booster(model_file=folder / "model.txt")
    return lambda X: model.predict(X)


def ask_xgboost(folder: Path) -> Callable[[pd.DataFrame], Any]:
    import xgboost

    model = xgboost.XGBClassifier()
    model.load_model(folder / "model.ubj")
    return lambda X: model.predict_proba(X)


def ask_catboost(folder: Path) -> Callable[[pd.DataFrame], Any]:
    import catboost

    model = catboost.CatBoostClassifier().load_model(str(folder / "model.cbm"))
    return lambda X: model.predict_proba(X)


def ask_keras(folder: Path) -> Callable[[pd.DataFrame], Any]:
    import keras

    model = keras.saving.load_model(folder / "model.keras", compile=False)
    return lambda X: model.predict(X.to_numpy(np.float32), verbose=0)


def ask_keras_image(folder: Path) -> Callable[[pd.DataFrame], Any]:
    import keras

    model = keras.saving.load_model(folder / "model.keras", compile=False)
    return lambda X: model.predict(X.to_numpy(np.float32).reshape(-1, 8, 8, 1), verbose=0)


def ask_torch(folder: Path) -> Callable[[pd.DataFrame], Any]:
    import torch

    model = torch.jit.load(str(folder / "model.pt"))
    with torch.inference_mode():
        return lambda X: model(torch.from_numpy(X.to_numpy(np.float32))).detach().numpy()
