"""The demo's data: hourly bike rentals in time order, and what the demo does to them on the way."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

FEATURES = (
    "season",
    "mnth",
    "hr",
    "holiday",
    "weekday",
    "workingday",
    "weathersit",
    "temp",
    "atemp",
    "hum",
    "windspeed",
)
TARGET = "cnt"
OUTCOME_DELAY = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is planted, and when; the demo ends at `end`."""

    unit_since: datetime = datetime(2012, 9, 21, tzinfo=UTC)
    unit_until: datetime = datetime(2012, 10, 5, tzinfo=UTC)
    release_at: datetime = datetime(2012, 5, 21, tzinfo=UTC)
    end: datetime = datetime(2013, 1, 1, tzinfo=UTC)


def rentals() -> pd.DataFrame:
    """Return 17,379 hours of rentals: features in everyday units, `time`, `id` and the target.

    The source is the UCI Bike Sharing data (Fanaee-T and Gama, 2013, CC BY 4.0). Its normalised temperatures, humidity
    and wind speed are brought back to °C, % and km/h with the ranges its description gives.
    """
    raw = pd.read_parquet(str(files("setpoint.demo") / "data" / "bike_hourly.parquet"))
    time = pd.to_datetime(raw["dteday"]) + pd.to_timedelta(raw["hr"], unit="h")
    table = raw[["season", "mnth", "hr", "holiday", "weekday", "workingday", "weathersit"]].copy()
    table["temp"] = (raw["temp"] * 47.0 - 8.0).round(2)
    table["atemp"] = (raw["atemp"] * 66.0 - 16.0).round(2)
    table["hum"] = (raw["hum"] * 100.0).round(1)
    table["windspeed"] = (raw["windspeed"] * 67.0).round(2)
    table["time"] = time.dt.tz_localize("UTC")
    table["id"] = time.dt.strftime("ride-%Y%m%dT%H")
    table[TARGET] = raw[TARGET].astype(float)
    return table


def split(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the first quarter (what the model is trained on) and the rest (what it meets in production)."""
    cut = len(table) // 4
    return table.iloc[:cut].reset_index(drop=True), table.iloc[cut:].reset_index(drop=True)


def as_sent(stream: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Return the stream as callers send it: for two weeks somebody upstream sends the temperature in °F."""
    sent = stream.copy()
    wrong = (sent["time"] >= plan.unit_since) & (sent["time"] < plan.unit_until)
    sent.loc[wrong, "temp"] = (sent.loc[wrong, "temp"] * 1.8 + 32.0).round(2)
    return sent


def requests(sent: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one v1 instance a row, as a client would send it."""
    timed = sent[[*FEATURES, "id"]].assign(time=sent["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    return [{str(name): value for name, value in row.items()} for row in timed.to_dict(orient="records")]


def days(stream: pd.DataFrame) -> list[tuple[datetime, np.ndarray[Any, Any]]]:
    """Return the stream by calendar day: the end of the day (when the loop looks) and the rows."""
    day = stream["time"].dt.floor("D")
    return [
        ((end + timedelta(days=1)).to_pydatetime(), np.flatnonzero(day == end))
        for end in pd.DatetimeIndex(day.unique())
    ]
