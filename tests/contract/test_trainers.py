"""What every trainer does, whatever the framework and the method: one small champion of each is trained on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import catboost
import joblib
import keras
import lightgbm
import numpy as np
import pyarrow as pa
import pytest
import xgboost
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from setpoint.deploy.importers import framework_of, importer_for
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.training_set import WEIGHT
from setpoint.domain.update import Method
from setpoint.errors import InvalidInput
from setpoint.update.trainers import trainer_for, user
from setpoint.update.trainers.request import FitRequest
from setpoint.update.trainers.rows import columns_of

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
FEATURES = tuple(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT) for n in ("a", "b"))
REGRESSION = Schema(features=FEATURES, target="y", task=Task.REGRESSION)
BINARY = Schema(features=FEATURES, target="y", task=Task.BINARY, classes=("no", "yes"))
OLD, NEW = 300, 300
REFIT, CONTINUE, PARTIAL = Method.REFIT, Method.CONTINUE, Method.PARTIAL_FIT
ONE = {"n_estimators": 40, "random_state": 0, "n_jobs": 1}


def rows(slope: float, count: int, seed: int = 0) -> pa.Table:
    """Rows whose target follows `a`, the steeper the more, and `b` a little."""
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, count))
    return pa.table({"a": a, "b": b, "y": slope * a + 0.3 * b + 0.05 * rng.standard_normal(count)})


def classes(table: pa.Table) -> pa.Table:
    return table.set_column(2, "y", pa.array(np.where(table["y"].to_numpy() > 0, "yes", "no")))


def training_set() -> pa.Table:
    """Old rows, as the champion learnt them, and new ones in which `a` counts twice as much."""
    return pa.concat_tables([rows(1.0, OLD), rows(2.0, NEW, seed=1)])


def learnt(model: Any) -> Any:
    old = rows(1.0, OLD).to_pandas()
    return model.fit(old[["a", "b"]], old["y"])


def saved(model: Callable[[], Any], name: str = "m.joblib") -> Callable[[Path], Path]:
    def save(folder: Path) -> Path:
        path = folder / name
        trained = learnt(model())
        if name.endswith(".joblib"):
            joblib.dump(trained, path)
        elif name.endswith(".txt"):
            trained.booster_.save_model(path)
        else:
            trained.save_model(str(path))
        return path

    return save


def a_network(folder: Path) -> Path:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="mean_absolute_error")
    old = rows(1.0, OLD).to_pandas()
    model.fit(old[["a", "b"]].to_numpy(), old["y"].to_numpy(), epochs=20, verbose=0)
    model.save(folder / "m.keras")
    return folder / "m.keras"


def by(step: Callable[..., Any], **settings: Any) -> Callable[[], Any]:
    return lambda: step(**settings)


@dataclass(frozen=True)
class Case:
    """A champion, and a way to train it."""

    save: Callable[[Path], Path]
    method: Method
    schema: Schema = REGRESSION


def bayes(folder: Path) -> Path:
    old = classes(rows(1.0, OLD)).to_pandas()
    joblib.dump(make_pipeline(StandardScaler(), GaussianNB()).fit(old[["a", "b"]], old["y"]), folder / "m.joblib")
    return folder / "m.joblib"


FOREST = saved(by(RandomForestRegressor, **ONE))
BOOSTING = saved(by(GradientBoostingRegressor, n_estimators=40, random_state=0))
STEPS = saved(
    lambda: make_pipeline(StandardScaler(), SGDRegressor(random_state=0, eta0=0.05, learning_rate="constant"))
)
NET = saved(by(MLPRegressor, hidden_layer_sizes=(8,), learning_rate_init=0.02, max_iter=60, random_state=0))
LIGHT = by(lightgbm.LGBMRegressor, **ONE, verbose=-1)
XG = by(xgboost.XGBRegressor, **ONE)
CAT = by(catboost.CatBoostRegressor, iterations=40, thread_count=1, verbose=0, allow_writing_files=False)
CASES = {
    "forest refit": Case(FOREST, REFIT),
    "forest continue": Case(FOREST, CONTINUE),
    "boosting continue": Case(BOOSTING, CONTINUE),
    "pipeline of steps continue": Case(STEPS, CONTINUE),
    "pipeline of steps partial_fit": Case(STEPS, PARTIAL),
    "pipeline of counts partial_fit": Case(bayes, PARTIAL, BINARY),
    "net continue": Case(NET, CONTINUE),
    "net partial_fit": Case(NET, PARTIAL),
    "lightgbm refit": Case(saved(LIGHT), REFIT),
    "lightgbm continue": Case(saved(LIGHT), CONTINUE),
    "lightgbm txt refit": Case(saved(LIGHT, "m.txt"), REFIT),
    "lightgbm txt continue": Case(saved(LIGHT, "m.txt"), CONTINUE),
    "xgboost refit": Case(saved(XG), REFIT),
    "xgboost continue": Case(saved(XG), CONTINUE),
    "xgboost ubj continue": Case(saved(XG, "m.ubj"), CONTINUE),
    "xgboost json continue": Case(saved(XG, "m.json"), CONTINUE),
    "catboost refit": Case(saved(CAT), REFIT),
    "catboost continue": Case(saved(CAT), CONTINUE),
    "catboost cbm refit": Case(saved(CAT, "m.cbm"), REFIT),
    "catboost cbm continue": Case(saved(CAT, "m.cbm"), CONTINUE),
    "keras refit": Case(a_network, REFIT),
    "keras continue": Case(a_network, CONTINUE),
}


@pytest.fixture(scope="module", params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def asked(case: Case, folder: Path, table: pa.Table | None = None) -> FitRequest:
    """A request to train a champion, in a folder of its own."""
    work = folder / "work"
    work.mkdir()
    table = training_set() if table is None else table
    return FitRequest(artifact=case.save(folder), table=classes(table) if case.schema is BINARY else table,
                      schema=case.schema, workdir=work, method=case.method, new_rows=NEW)  # fmt: skip


def trained(request: FitRequest) -> Path:
    return trainer_for(request.artifact, request.method)(request)


def answers(path: Path, schema: Schema) -> Any:
    """What a model answers on new rows."""
    importer = importer_for(framework_of(path))
    model = importer.served(importer.read(path, ()), schema, 0.5)
    return model.predict(columns_of(rows(2.0, 200, seed=2), schema))[schema.score]


def error(path: Path, schema: Schema) -> float:
    truth = rows(2.0, 200, seed=2)["y"].to_numpy()
    truth = truth if schema is REGRESSION else truth > 0
    return float(np.abs(answers(path, schema) - truth).mean())


def test_it_makes_a_better_model_of_the_same_kind_the_same_each_time(case, tmp_path, capfd) -> None:
    request = asked(case, tmp_path)
    before = request.artifact.read_bytes()
    made = trained(request)
    assert (made.parent, made.suffix) == (request.workdir, request.artifact.suffix)
    assert error(made, case.schema) < error(request.artifact, case.schema)
    first = answers(made, case.schema)
    assert np.array_equal(answers(trained(request), case.schema), first)
    assert request.artifact.read_bytes() == before
    assert capfd.readouterr().out.strip()


def test_rows_count_by_their_weight_or_it_says_that_they_do_not(case, tmp_path, capfd) -> None:
    table = training_set()
    heavy = np.where(np.arange(table.num_rows) < OLD, 1.9, 0.1)
    request = asked(case, tmp_path)
    plain = error(trained(request), case.schema)
    capfd.readouterr()
    weighed = request.table.append_column(WEIGHT, pa.array(heavy))
    found = error(trained(replace(request, table=weighed)), case.schema)
    assert found > plain or "all rows count the same" in capfd.readouterr().out


def column(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values))


FULL = training_set()
SPOILT = np.where(np.arange(FULL.num_rows) == 7, np.inf, FULL["a"].to_numpy())
BAD = {
    "empty": (FULL.slice(0, 0), "has no rows"),
    "constant": (column(FULL, "y", np.full(FULL.num_rows, 7.5)), r"has one (value|class) only"),
    "no target": (column(FULL, "y", np.full(FULL.num_rows, np.nan)), r"not a number|one class only"),
    "infinite": (column(FULL, "a", SPOILT), "'a' is infinite in 1 of 600 rows"),
    "missing": (FULL.drop_columns("b"), "schema changed since training: the training set lacks 'b'$"),
    "renamed": (FULL.rename_columns(["a", "b_2", "y"]), "lacks 'b'; is 'b_2' its new name?"),
    "retyped": (column(FULL, "a", ["x"] * FULL.num_rows), "'a' holds string, and the model was trained on numbers"),
    "no weight": (FULL.append_column(WEIGHT, pa.array(np.zeros(FULL.num_rows))), "no number above zero in 600 of 600"),
}


@pytest.mark.parametrize(
    ("labels", "said"),
    [(["no"] * 600, r"one class only \('no'\) in all 600"), (["perhaps"] * 600, "is not 'no' or 'yes' in 600 of 600")],
)
def test_classes_that_cannot_be_learnt_are_refused(labels: list[str], said: str, tmp_path: Path) -> None:
    request = asked(CASES["pipeline of counts partial_fit"], tmp_path)
    with pytest.raises(InvalidInput, match=said):
        trained(replace(request, table=column(request.table, "y", labels)))


ONE_OF_EACH = ("forest refit", "lightgbm txt continue", "xgboost ubj continue", "catboost cbm continue",
               "keras continue", "pipeline of counts partial_fit")  # fmt: skip


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_what_cannot_be_learnt_from_is_refused(name: str, tmp_path: Path) -> None:
    request = asked(CASES[name], tmp_path)
    for table, said in BAD.values():
        spoilt = replace(request, table=classes(table) if request.schema is BINARY and table.num_rows else table)
        with pytest.raises(InvalidInput, match=said):
            trained(spoilt)
        with pytest.raises(InvalidInput, match=said):  # the user's function is never called
            user.fit(__file__ + ":nosuch", spoilt)
    assert not list(request.workdir.iterdir())


@pytest.mark.parametrize(
    ("save", "method", "said"),
    [
        (FOREST, PARTIAL, "Supported methods of a .joblib of RandomForestRegressor: refit, continue"),
        (STEPS, Method.RESIDUAL, "`residual` does not train a model file"),
        (saved(HistGradientBoostingRegressor), CONTINUE, "misread its old trees.*HistGradientBoostingRegressor: refit"),
        (saved(XG, "m.ubj"), REFIT, "nor their step. Supported methods of a .ubj: continue"),
        (a_network, PARTIAL, "Supported methods of a .keras: continue, refit"),
    ],
)  # fmt: skip
def test_a_method_that_a_model_is_not_for_is_refused_with_those_it_is_for(save, method, said, tmp_path) -> None:
    with pytest.raises(InvalidInput, match=said):
        trained(asked(Case(save, method), tmp_path))
