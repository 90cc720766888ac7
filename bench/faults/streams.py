"""Real streams with planted faults: records as the log would hold them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from setpoint.domain.records import Columns, Records
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task

DAY = 24  # rows


@dataclass(frozen=True)
class Stream:
    """One data set in time order, hourly, with its schema."""

    name: str
    features: pd.DataFrame
    target: NDArray[np.float64]
    time: NDArray[np.datetime64]

    @cached_property
    def schema(self) -> Schema:
        return Schema(
            features=tuple(
                Feature(
                    name=str(name),
                    kind=Kind.NUMERIC,
                    dtype=DType.FLOAT if column.dtype.kind == "f" else DType.INT,
                    low=float(column.min()),
                    high=float(column.max()),
                )
                for name, column in self.features.items()
            ),
            target="y",
            task=Task.REGRESSION,
        )

    def columns(self, since: int, until: int) -> dict[str, NDArray[np.float64]]:
        return {str(n): self.features[n].to_numpy(float)[since:until] for n in self.features}

    def fit(self, since: int, until: int, spoil: Callable[[pd.DataFrame], pd.DataFrame] | None = None) -> "Model":
        x = self.features.iloc[since:until]
        model = HistGradientBoostingRegressor(max_iter=100, random_state=0)
        model.fit((spoil(x) if spoil else x).to_numpy(float), self.target[since:until])
        return Model(tuple(map(str, self.features)), model, until)

    def records(self, since: int, until: int, model: "Model", version: str, inputs: Columns | None = None) -> Records:
        inputs = self.columns(since, until) if inputs is None else inputs
        n = until - since
        return Records(
            id=np.array([str(i) for i in range(since, until)], dtype=object),
            time=self.time[since:until],
            version=np.full(n, version, dtype=object),
            score=model(inputs),
            outcome=self.target[since:until],
            known=self.time[since:until] + np.timedelta64(1, "h"),
            latency_us=np.full(n, 200),
            maps=np.full(n, "", dtype=object),
            inputs=inputs,
        )


@dataclass(frozen=True)
class Model:
    names: tuple[str, ...]
    model: HistGradientBoostingRegressor
    until: int  # row before which it learnt

    def __call__(self, inputs: Columns) -> NDArray[np.float64]:
        return self.model.predict(np.column_stack([inputs[n] for n in self.names]))


def unlabelled(records: Records) -> Records:
    return replace(
        records, outcome=np.full(len(records), np.nan), known=np.full(len(records), np.datetime64("NaT"), "M8[us]")
    )


def bike(folder: Path) -> Stream:
    frame = pd.read_parquet(folder / "bike_hourly" / "bike_hourly.parquet")
    time = (frame["dteday"] + pd.to_timedelta(frame["hr"], unit="h")).to_numpy().astype("datetime64[us]")
    x = frame[["season", "yr", "mnth", "hr", "holiday", "weekday", "workingday", "weathersit"]].copy()
    x["temp_c"] = frame["temp"] * 47 - 8
    x["atemp_c"] = frame["atemp"] * 66 - 16
    x["hum"], x["windspeed"] = frame["hum"], frame["windspeed"] * 67
    return Stream("bike_hourly", x, frame["cnt"].to_numpy(float), time)


def turbine(folder: Path) -> Stream:
    frame = pd.read_parquet(folder / "gas_turbine" / "gas_turbine.parquet")
    time = np.datetime64("2011-01-01", "us") + np.arange(len(frame)) * np.timedelta64(1, "h")
    x = frame.drop(columns=["year", "hour_seq", "CO", "NOX"])
    return Stream("gas_turbine", x, frame["NOX"].to_numpy(float), time)
