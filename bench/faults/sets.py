"""The data sets as deployments: a model, its reference, and rows it has not learnt, in an order without drift.

Half of the rows, drawn at random, trained the model; traffic is drawn from the other half. So nothing drifts but what
is planted, and every trial has one truth.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import get_args

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from setpoint.bootstrap.home import open_home
from setpoint.config import SetpointFile, Settings, read_setpoint_file
from setpoint.config.envelope import Act
from setpoint.demo.stream import FEATURES, rentals
from setpoint.domain.records import moment
from setpoint.loop.clock import VirtualClock
from setpoint.loop.verbs import deploying

PER_DAY = 400
START = np.datetime64("2024-03-01", "us")
STEP = np.timedelta64(86_400_000_000 // PER_DAY, "us")
REFERENCE = 6_000
TUNED_ON = ("bike_hourly", "bank_marketing", "gas_turbine")


@dataclass(frozen=True)
class DataSet:
    """One data set as a deployed model; `folder` holds project, home and pool."""

    name: str
    folder: Path
    task: str
    target: str

    @cached_property
    def file(self) -> SetpointFile:
        return read_setpoint_file(self.folder / "project")

    @cached_property
    def pool(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "pool.parquet")

    @property
    def home(self) -> Path:
        return self.folder / "home"


def data_sets(data: Path, cache: Path, names=()) -> list[DataSet]:
    """Return the data sets; what is not in the cache is made: a model fitted, and deployed once."""
    return [_made(name, data, cache) for name in (names or SETS)]


def _made(name: str, data: Path, cache: Path) -> DataSet:
    task, target, load = (SETS | QUICK)[name]
    found = DataSet(name, cache / name, task, target)
    if not (found.folder / "home").is_dir():
        found.folder.mkdir(parents=True, exist_ok=True)
        _make(found, load(data))
    return found


def _make(found: DataSet, table: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    table = table.iloc[rng.permutation(len(table))].reset_index(drop=True)
    half = min(len(table) // 2, REFERENCE)
    reference, pool = table[:half].copy(), table[half : half + 4 * REFERENCE].reset_index(drop=True)
    reference["at"] = START - np.arange(half, 0, -1) * STEP
    reference["id"] = [f"ref-{i}" for i in range(half)]
    kind = HistGradientBoostingRegressor if found.task == "regression" else HistGradientBoostingClassifier
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    columns = [c for c in table if c != found.target]
    texts = make_column_transformer(
        (codes, make_column_selector(dtype_include=[object, "string"])), remainder="passthrough"
    )
    model = make_pipeline(texts, kind(max_iter=60, random_state=0)).fit(reference[columns], reference[found.target])
    project = found.folder / "project"
    project.mkdir(exist_ok=True)
    joblib.dump(model, project / "model.joblib")
    reference.to_parquet(project / "reference.parquet", index=False)
    pool.to_parquet(found.folder / "pool.parquet", index=False)
    (project / "setpoint.yaml").write_text(_yaml(found, model, pool, columns))
    making = found.folder / "making"
    operator = open_home(Settings(home=making), VirtualClock(moment(START)))
    deploying.deploy(operator, read_setpoint_file(project), by="bench")
    making.rename(found.home)


def _yaml(found: DataSet, model, pool, columns) -> str:
    if found.task == "regression":
        limit = 1.2 * float(np.abs(model.predict(pool[columns]) - pool[found.target]).mean())
        goal = f"{{metric: mae, at_most: {limit:.6g}, window: 7d}}"
    else:
        from sklearn.metrics import roc_auc_score

        auc = roc_auc_score(pool[found.target], model.predict_proba(pool[columns])[:, 1])
        goal = f"{{metric: roc_auc, at_least: {auc - 0.06:.4f}, window: 7d}}"
    return (
        f"model: {found.name.replace('_', '-')}\ntask: {found.task}\nartifact: model.joblib\n"
        f"reference: reference.parquet\ntarget: {found.target}\ntime: at\nid: id\noutcome_delay: 1d\n"
        f"objectives:\n  - {goal}\n  - {{metric: latency_p99_ms, at_most: 50, window: 1d}}\n"
        f"  - {{metric: availability, at_least: 0.999, window: 1d}}\n"
        f"envelope:\n  automatic: [{', '.join(get_args(Act))}]\n  max_actions_per_day: 24\n"
    )


def _texts(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(
        **{c: table[c].astype(object).where(table[c].notna(), None) for c in table if table[c].dtype.kind not in "ifb"}
    )


def _bike(data):
    return rentals()[[*FEATURES, "cnt"]].astype(float)


def _gas(data):
    return pd.read_parquet(data / "gas_turbine").drop(columns=["CO", "year", "hour_seq"])


def _elec(data):
    return pd.read_parquet(data / "elec2")


def _noaa(data):
    return pd.read_parquet(data / "noaa_weather")


def _bank(data):
    d = pd.read_parquet(data / "bank_marketing").drop(columns=["duration", "row_order", "year", "pdays"])
    d = d.rename(columns={c: c.replace(".", "_") for c in d})
    d["y"] = (d["y"].astype(str) == "yes").astype(int)
    return _texts(d)


DIABETES = (
    *("race", "gender", "age", "admission_type_id", "discharge_disposition_id", "admission_source_id"),
    *("time_in_hospital", "num_lab_procedures", "num_procedures", "num_medications", "number_outpatient"),
    *("number_emergency", "number_inpatient", "number_diagnoses", "A1Cresult", "insulin", "change", "diabetesMed"),
)


def _diabetes(data):
    d = pd.read_parquet(data / "diabetes130")
    whole = d[list(DIABETES)].assign(y=(d["readmitted"].astype(str) != "NO").astype(int))
    numbers = [c for c in DIABETES if whole[c].dtype.kind in "if" and not c.endswith("_id")]
    whole = whole.assign(**{c: whole[c].astype(str) for c in DIABETES if c.endswith("_id")})
    return _texts(whole.assign(**{c: whole[c].astype(float) for c in numbers}))


def _cmapss(data):
    d = pd.read_parquet(data / "cmapss_fd001").astype(float)
    return d.drop(columns=["unit", *[c for c in d if d[c].nunique() < 3]])


def _campaign(data):
    """Simulated calls of a campaign: numbers and texts, and a relation that is known."""
    rng = np.random.default_rng(7)
    n = 4 * REFERENCE
    d = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n).astype(float),
            "balance": rng.gamma(2.0, 600.0, n).round(2),
            "duration_s": rng.lognormal(5.3, 0.6, n).round(),
            "campaign": rng.poisson(2.0, n).astype(float),
            "job": rng.choice(
                ["admin", "retired", "services", "student", "technician"], n, p=[0.3, 0.15, 0.2, 0.1, 0.25]
            ),
            "contact": rng.choice(["cellular", "telephone", "unknown"], n, p=[0.6, 0.3, 0.1]),
        }
    )
    liking = (d["balance"] - 1200) / 500 - (d["age"] - 50) / 15 + (d["duration_s"] - 230) / 120 - d["campaign"] / 4
    liking += 1.5 * (d["job"] == "retired") - 1.0 * (d["job"] == "technician") - 1.2 * (d["contact"] == "telephone")
    return _texts(d.assign(y=(liking + rng.logistic(size=n) > 0).astype(int)))


SETS: dict[str, tuple[str, str, Callable[[Path], pd.DataFrame]]] = {
    "bike_hourly": ("regression", "cnt", _bike),
    "gas_turbine": ("regression", "NOX", _gas),
    "bank_marketing": ("binary", "y", _bank),
    "elec2": ("binary", "class", _elec),
    "noaa_weather": ("binary", "target", _noaa),
    "diabetes130": ("binary", "y", _diabetes),
    "cmapss_fd001": ("regression", "rul", _cmapss),
}
# that come with the package, or are simulated: a clone has them
QUICK = {"bike_hourly": SETS["bike_hourly"], "campaign": ("binary", "y", _campaign)}
