"""Real streams in time order; the first quarter trained the first model."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from setpoint.domain.schema import Task

UNITS = 100  # a stream is cut into so many windows; a policy looks after each
REFERENCE = 25  # units that trained the first model
TUNED_ON = ("bike_hourly", "gas_turbine NOX", "elec2", "bank_marketing")
# added before the last changes were made, and run once, after them
UNSEEN = ("diabetes130 readmitted", "noaa_weather wind", "gas_turbine TIT", "cmapss_fd001")
GROUPS = ("tuned on", "reported", "unseen")
BIKE = ["season", "mnth", "hr", "holiday", "weekday", "workingday", "weathersit", "temp", "atemp", "hum", "windspeed"]


@dataclass(frozen=True)
class Stream:
    """One data set in time order. `note` says what was left out."""

    name: str
    X: np.ndarray  # shape (n_rows, n_features), float64, NaN for null
    y: np.ndarray  # shape (n_rows,), float64; 1.0 and 0.0 for a binary task
    task: Task
    lag: int = 1  # the naive answer is the outcome so many rows before, or a multiple of it where that is not known yet
    note: str = ""

    @cached_property
    def digest(self) -> str:
        parts = (np.ascontiguousarray(self.X).tobytes(), self.y.tobytes(), self.task.encode())
        return hashlib.sha256(b"".join(parts)).hexdigest()

    @property
    def group(self) -> str:
        """What choices it has seen: settings were tuned on it; it was reported, so looked at, since; or none."""
        if self.name in TUNED_ON:
            return "tuned on"
        return "unseen" if self.name in UNSEEN else "reported"

    def row(self, unit: float) -> int:
        """Return the row at which a unit begins."""
        return round(unit * len(self.y) / UNITS)


def streams(data: Path, only: tuple[str, ...] = ()) -> Iterator[Stream]:
    """Yield the streams; those that the policy was tuned on first."""
    for name, make in STREAMS.items():
        if not only or name in only:
            yield make(name, data)


def _bike(name: str, data: Path) -> Stream:
    d = pd.read_parquet(data / "bike_hourly")
    return _stream(name, d[BIKE], d.cnt, Task.REGRESSION)


def _gas(name: str, data: Path) -> Stream:
    d = pd.read_parquet(data / "gas_turbine")
    X = d.drop(columns=["NOX", "CO", "year", "hour_seq"])
    return _stream(name, X, d[name.split()[1]], Task.REGRESSION)


def _elec(name: str, data: Path) -> Stream:
    d = pd.read_parquet(data / "elec2")
    return _stream(name, d.drop(columns="class"), d["class"], Task.BINARY)


def _bank(name: str, data: Path) -> Stream:
    d = pd.read_parquet(data / "bank_marketing")
    y = d["y"].astype(str).str.lower().isin(("yes", "1", "true"))
    return _stream(name, d.drop(columns=["y", "duration", "row_order", "year"]), y, Task.BINARY)


def _energy(name: str, data: Path) -> Stream:
    d = pd.read_parquet(data / "gas_turbine")
    return _stream(name, d.drop(columns=["NOX", "CO", "TEY", "year", "hour_seq"]), d.TEY, Task.REGRESSION)


def _casual(name: str, data: Path) -> Stream:
    d = pd.read_parquet(data / "bike_hourly")
    return _stream(name, d[BIKE], d.casual, Task.REGRESSION)


def _demand(name: str, data: Path) -> Stream:
    d = pd.read_parquet(data / "elec2")
    return _stream(name, d.drop(columns=["class", "nswdemand"]), d.nswdemand, Task.REGRESSION)


def _temperature(name: str, data: Path) -> Stream:
    d = pd.read_parquet(data / "noaa_weather")
    X = d.drop(columns=["target", "feat_1", "feat_7", "feat_8"])
    return _stream(name, X, d.feat_1, Task.REGRESSION, "without the day's highest and lowest")


def _diabetes(name: str, data: Path) -> Stream:
    d = pd.read_parquet(data / "diabetes130").iloc[::3]
    X = d.drop(columns=["encounter_id", "patient_nbr", "readmitted", "time_in_hospital"])
    return _stream(name, X, d.time_in_hospital, Task.REGRESSION, "every third encounter")


def _readmitted(name: str, data: Path) -> Stream:
    d = pd.read_parquet(data / "diabetes130").iloc[::3]
    X = d.drop(columns=["encounter_id", "patient_nbr", "readmitted"])
    return _stream(name, X, d.readmitted != "NO", Task.BINARY, "every third encounter")


def _wind(name: str, data: Path) -> Stream:
    d = pd.read_parquet(data / "noaa_weather")
    X = d.drop(columns=["target", "feat_5", "feat_6"])
    return _stream(name, X, d.feat_5, Task.REGRESSION, "without the day's strongest")


def _inlet(name: str, data: Path) -> Stream:
    d = pd.read_parquet(data / "gas_turbine")
    X = d.drop(columns=["NOX", "CO", "TIT", "year", "hour_seq"])
    return _stream(name, X, d.TIT, Task.REGRESSION)


def _engines(name: str, data: Path) -> Stream:
    """Cycles left to failure, at most 125: one engine after another, so that nothing drifts."""
    d = pd.read_parquet(data / "cmapss_fd001")
    return _stream(name, d.drop(columns=["unit", "rul"]), d.rul.clip(upper=125), Task.REGRESSION, "nothing drifts")


def _noaa(name: str, data: Path) -> Stream:
    d = pd.read_parquet(data / "noaa_weather")
    return _stream(name, d.drop(columns="target"), d.target, Task.BINARY)


def _retail(name: str, data: Path) -> Stream:
    """log1p of the week's quantity of an article, from its four weeks before; articles sold in twenty weeks or more."""
    d = pd.read_parquet(data / "online_retail")
    d = d[d["Quantity"] > 0]
    week = d["InvoiceDate"].dt.to_period("W").dt.start_time
    table = np.log1p(d.pivot_table(index=week, columns="Description", values="Quantity", aggfunc="sum").fillna(0))
    table = table.loc[:, (table > 0).sum() >= 20].iloc[:, ::2]
    lags = [pd.DataFrame({f"lag{k}": table.iloc[i - k] for k in range(1, 5)}) for i in range(4, len(table))]
    y = np.concatenate([table.iloc[i] for i in range(4, len(table))])
    return _stream(name, pd.concat(lags), y, Task.REGRESSION, "every second article", lag=table.shape[1])


def _stream(name, X, y, task, note="", lag=1):
    codes = X.apply(_coded)
    codes = codes.loc[:, codes.nunique() > 1]
    return Stream(name, codes.to_numpy(np.float64), np.asarray(y, np.float64), task, lag, note)


def _coded(column):
    """Return numbers: of categories their places, -1 for null."""
    if column.dtype.kind in "ifb":
        return column
    return pd.Series(pd.factorize(column)[0], column.index)


STREAMS = {
    "bike_hourly": _bike,
    "gas_turbine NOX": _gas,
    "elec2": _elec,
    "bank_marketing": _bank,
    "gas_turbine CO": _gas,
    "diabetes130 stay": _diabetes,
    "noaa_weather": _noaa,
    "online_retail": _retail,
    "gas_turbine TEY": _energy,
    "bike_hourly casual": _casual,
    "elec2 demand": _demand,
    "noaa_weather temperature": _temperature,
    "diabetes130 readmitted": _readmitted,
    "noaa_weather wind": _wind,
    "gas_turbine TIT": _inlet,
    "cmapss_fd001": _engines,
}
