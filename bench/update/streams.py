"""Real streams in time order, as records and tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from setpoint.domain.records import Records
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task

START = np.datetime64(datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None), "us")
BIKE = ["season", "mnth", "hr", "holiday", "weekday", "workingday", "weathersit", "temp", "atemp", "hum", "windspeed"]
LATE = np.timedelta64(1, "h")  # outcomes


@dataclass
class Stream:
    """One data set in time order; the first `reference` rows trained the first model. One step is one look."""

    name: str
    X: pd.DataFrame
    y: np.ndarray
    time: np.ndarray
    task: Task
    reference: int
    step: timedelta

    @cached_property
    def schema(self) -> Schema:
        features = tuple(Feature(name=c, kind=Kind.NUMERIC, dtype=DType.FLOAT) for c in self.X)
        return Schema(
            features=features, target="target", task=self.task, classes=(0, 1) if self.task is Task.BINARY else ()
        )

    @cached_property
    def table(self) -> pa.Table:
        """The reference."""
        first = self.X.iloc[: self.reference].assign(target=self.y[: self.reference])
        return pa.Table.from_pandas(first, preserve_index=False)

    @cached_property
    def answered(self) -> Records:
        """All rows as the log would hold them; the scores are filled in by whoever replays."""
        n = len(self.y)
        blank = np.full(n, "", object)
        return Records(
            id=np.arange(n).astype(str).astype(object),
            time=self.time,
            version=blank,
            score=np.full(n, np.nan),
            outcome=self.y,
            known=self.time + LATE,
            latency_us=np.zeros(n),
            maps=blank,
            inputs={c: self.X[c].to_numpy(float) for c in self.X},
        )

    def model(self) -> HistGradientBoostingClassifier | HistGradientBoostingRegressor:
        kind = HistGradientBoostingClassifier if self.task is Task.BINARY else HistGradientBoostingRegressor
        return kind(max_iter=200, random_state=0)

    def scores(self, model: object, rows: slice) -> np.ndarray:
        X = self.X.iloc[rows]
        return model.predict_proba(X)[:, 1] if self.task is Task.BINARY else model.predict(X)

    def steps(self) -> list[slice]:
        """Row ranges of the steps after the reference."""
        at = (self.time[self.reference :] - self.time[self.reference]) // np.timedelta64(self.step)
        edges = np.flatnonzero(np.diff(at, prepend=-1)) + self.reference
        return [slice(a, b) for a, b in zip(edges, [*edges[1:], len(self.y)], strict=True)]


def streams(data: Path) -> Iterator[Stream]:
    """Yield the streams; the policy was tuned on the first three."""
    day, week = timedelta(days=1), timedelta(days=7)
    d = pd.read_parquet(data / "bike_hourly")
    when = (pd.to_datetime(d.dteday) + pd.to_timedelta(d.hr, unit="h")).to_numpy("datetime64[us]")
    yield Stream("bike_hourly", d[BIKE].astype(float), d.cnt.to_numpy(float), when, Task.REGRESSION, len(d) // 4, day)
    gas = pd.read_parquet(data / "gas_turbine")
    yield _hourly("gas_turbine CO", gas, "CO", Task.REGRESSION, week, drop=("NOX", "year", "hour_seq"))
    d = pd.read_parquet(data / "diabetes130").iloc[::3]
    d = d.apply(lambda c: c if c.dtype.kind in "if" else pd.Series(pd.factorize(c)[0], c.index))
    drop = ("encounter_id", "patient_nbr", "readmitted")
    yield _hourly("diabetes130 stay", d, "time_in_hospital", Task.REGRESSION, week, drop=drop)
    yield _hourly("gas_turbine NOX", gas, "NOX", Task.REGRESSION, week, drop=("CO", "year", "hour_seq"))
    yield _hourly("elec2", pd.read_parquet(data / "elec2"), "class", Task.BINARY, week)
    yield _hourly("noaa_weather", pd.read_parquet(data / "noaa_weather"), "target", Task.BINARY, week)
    yield _hourly("online_retail", _weekly_demand(data / "online_retail"), "target", Task.REGRESSION, week)


def _hourly(name: str, d: pd.DataFrame, target: str, task: Task, step: timedelta, drop: tuple[str, ...] = ()) -> Stream:
    """A stream without a calendar: one row an hour, a fifth of it the reference."""
    X = d.drop(columns=[target, *drop]).astype(float)
    time = START + np.arange(len(d)) * np.timedelta64(1, "h")
    return Stream(name, X, d[target].to_numpy(float), time, task, len(d) // 5, step)


def _weekly_demand(path: Path) -> pd.DataFrame:
    """log1p of the week's quantity of an article, from its four weeks before; the trap: hardly any drift."""
    d = pd.read_parquet(path)
    d = d[d["Quantity"] > 0]
    week = d["InvoiceDate"].dt.to_period("W").dt.start_time
    table = np.log1p(d.pivot_table(index=week, columns="Description", values="Quantity", aggfunc="sum").fillna(0))
    table = table.loc[:, (table > 0).sum() >= 20]
    parts = [
        pd.DataFrame({**{f"lag{k}": table.iloc[i - k] for k in range(1, 5)}, "target": table.iloc[i]})
        for i in range(4, len(table))
    ]
    return pd.concat(parts, ignore_index=True)
