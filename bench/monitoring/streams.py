"""Real tables as streams: a clock, a reference of the first rows, and the score of a small model fitted on it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from quiet import NOTHING
from sklearn.ensemble import HistGradientBoostingRegressor

from setpoint.domain.profile import Binning, Profile, binning_of, profile_of
from setpoint.domain.records import moment
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.series import Series, series_of
from setpoint.domain.value import replace
from setpoint.monitor.limits import Limits, learn
from setpoint.monitor.scope import BASELINE, HOUR, Scope, floored
from setpoint.monitor.seen import Seen

BUDGET = 2.0
DAY = timedelta(days=1)
MOST_CODES = 254  # of a column that the small model reads
Table = dict[str, np.ndarray]


def evenly(rows: int, since: str, until: str) -> np.ndarray:
    """Return times of rows that have none of their own."""
    first, last = (np.datetime64(day, "us") for day in (since, until))
    return first + (np.arange(rows) * ((last - first) / rows).astype(np.int64)).astype("timedelta64[us]")


def within(group: np.ndarray, step: str) -> np.ndarray:
    """Return times of rows that have only a year or a month: evenly spread over it."""
    size = pd.Series(group).groupby(group).transform("size").to_numpy()
    place = pd.Series(group).groupby(group).cumcount().to_numpy()
    first, after = group.astype("datetime64[us]"), (group + np.timedelta64(1, step)).astype("datetime64[us]")
    return first + ((after - first).astype(np.int64) * place // size).astype("timedelta64[us]")


def bank_marketing(frame: pd.DataFrame) -> np.ndarray:
    month = frame["year"].astype(str) + "-" + pd.to_datetime(frame["month"], format="%b").dt.strftime("%m")
    return within(month.to_numpy().astype("datetime64[M]"), "M")


def bike_hourly(frame: pd.DataFrame) -> np.ndarray:
    return (frame["dteday"] + pd.to_timedelta(frame["hr"], unit="h")).to_numpy("datetime64[us]")


@dataclass(frozen=True)
class Source:
    """How a table is read: its clock, in words and in times; what is no input; the share that is the reference."""

    clock: str
    times: Callable[[pd.DataFrame], np.ndarray]
    target: str
    hidden: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()  # numbers that are codes
    share: float = 0.25
    every: timedelta = DAY


SOURCES = {
    "bank_marketing": Source(
        "real months, rows evenly within each", bank_marketing, "y", ("row_order", "year", "duration"), share=0.3
    ),
    "diabetes130": Source(
        "rows evenly over 1999-2008, looks each week",
        lambda f: evenly(len(f), "1999-01-01", "2009-01-01"),
        "time_in_hospital", ("encounter_id", "readmitted"),
        ("admission_type_id", "discharge_disposition_id", "admission_source_id"), every=7 * DAY,
    ),
    "elec2": Source("a row each 30 minutes", lambda f: evenly(len(f), "1996-05-07", "1998-12-06"), "class"),
    "gas_turbine": Source(
        "real years, rows evenly within each",
        lambda f: within((f["year"] - 1970).to_numpy().astype("datetime64[Y]"), "Y"),
        "NOX", ("year", "hour_seq", "CO"),
    ),
    "noaa_weather": Source(
        "a row a day, looks each week", lambda f: evenly(len(f), "1949-01-01", "1998-09-19"), "target", every=7 * DAY
    ),
    "online_retail": Source(
        "real minutes", lambda f: f["InvoiceDate"].to_numpy("datetime64[us]"), "Quantity", ("InvoiceDate",)
    ),
    "bike_hourly": Source(
        "real hours", bike_hourly, "cnt", ("instant", "dteday", "yr", "casual", "registered"), ("weathersit",)
    ),
}  # fmt: skip
INPUTS_TOO = {"Quantity"}  # targets that are asked about as well


def is_number(values: np.ndarray) -> bool:
    return values.dtype != object


class Stream:
    """The reference, the model and the looks that follow."""

    def __init__(self, name: str, data: Path) -> None:
        self.name, self.source = name, SOURCES[name]
        frame = pd.read_parquet(data / name / f"{name}.parquet")
        self.times = self.source.times(frame)
        order = np.argsort(self.times, kind="stable")
        frame, self.times = frame.iloc[order], self.times[order]
        target = self.source.target
        inputs = [c for c in frame.columns if c not in self.source.hidden and (c != target or c in INPUTS_TOO)]
        self.columns: Table = {c: self._column(frame[c], c in self.source.texts) for c in inputs}
        self.cut = int(self.source.share * len(frame))
        y = frame[target]
        y = (y == "yes").to_numpy(float) if y.dtype == object or str(y.dtype) == "str" else y.to_numpy(float)
        self.codes = {
            c: {v: i for i, v in enumerate(pd.Series(x[: self.cut]).value_counts().index[:MOST_CODES])}
            for c, x in self.columns.items()
            if not is_number(x)
        }
        self.inputs = [c for c in inputs if c != target]
        self.model = HistGradientBoostingRegressor(max_iter=60, random_state=0)
        self.model.fit(self._matrix({c: x[: self.cut] for c, x in self.columns.items()}), y[: self.cut])
        self.schema = Schema(features=tuple(map(self._feature, inputs)), target=target, task=Task.REGRESSION)
        self.columns = self.scored(self.columns)
        reference = {c: x[: self.cut] for c, x in self.columns.items()}
        score = reference[self.schema.score]
        self.binning: Binning = binning_of(reference, self.schema, score)
        self.limits: Limits = learn(reference, self.schema, self.binning, score, self.times[: self.cut])
        self.reference: Profile = profile_of(reference, self.binning)

    def _column(self, values: pd.Series, text: bool) -> np.ndarray:
        if pd.api.types.is_numeric_dtype(values) and not text:
            return values.to_numpy(np.float64)
        return np.array([None if pd.isna(v) else str(v) for v in values], object)

    def _feature(self, name: str) -> Feature:
        values = self.columns[name]
        if is_number(values):
            whole = bool(np.all(np.round(values[~np.isnan(values)]) == values[~np.isnan(values)]))
            return Feature(name=name, kind=Kind.NUMERIC, dtype=DType.INT if whole else DType.FLOAT)
        return Feature(name=name, kind=Kind.CATEGORICAL, dtype=DType.STRING)

    def _matrix(self, table: Table) -> np.ndarray:
        return np.column_stack(
            [table[c] if is_number(table[c]) else [self.codes[c].get(v, np.nan) for v in table[c]] for c in self.inputs]
        )

    def scored(self, table: Table) -> Table:
        """Return a table with the model's score of it."""
        return {**table, self.schema.score: self.model.predict(self._matrix(table))}

    @cached_property
    def hours(self) -> Series:
        """All hours of the stream."""
        return self.counted(slice(None), self.columns)

    def counted(self, rows: slice, table: Table) -> Series:
        """Return the hours of some rows, of whichever columns of them are given."""
        binning = replace(self.binning, columns={c: x for c, x in self.binning.columns.items() if c in table})
        times = self.times[rows]
        first, last = floored(moment(times[0]), HOUR), floored(moment(times[-1]), HOUR) + HOUR
        return series_of(table, times, first, last, HOUR, binning)

    def with_change(self, rows: slice, changed: Table) -> Series:
        """Return the hours around some rows that hold other values in some columns, and are scored with them."""
        wider = slice(int(np.searchsorted(self.times, self.times[rows.start] - np.timedelta64(60, "D"))), rows.stop)
        skip = rows.start - wider.start
        table = {c: np.concatenate([x[wider][:skip], changed.get(c, x[rows])]) for c, x in self.columns.items()}
        score = self.scored({c: x[skip:] for c, x in table.items()})[self.schema.score]
        table[self.schema.score][skip:] = score
        return self.counted(wider, table)

    @cached_property
    def looks(self) -> list[datetime]:
        """When the loop looks: from the end of the reference to the end of the stream."""
        first, last = (floored(moment(self.times[at]), DAY) + DAY for at in (self.cut, -1))
        return [first + at * self.source.every for at in range(1, (last - first) // self.source.every + 1)]

    def seen(self, hours: Series, now: datetime) -> Seen:
        scope = Scope(
            hours=hours.between(now - self.source.every - BASELINE, now),
            minutes=hours.between(now, now),
            limits=self.limits,
            reference=self.reference,
        )
        return Seen(
            now=now, since=now - self.source.every, schema=self.schema, limits=self.limits, recent=NOTHING,
            baseline=NOTHING, labelled=NOTHING, refused={}, objectives=(), false_actions_per_year=BUDGET,
            looks_per_year=timedelta(days=365.25) / self.source.every, scopes=(scope,),
        )  # fmt: skip
