"""A small stream with a season, weather and a calendar, for the tests of the monitors."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from setpoint.domain.objective import Objective
from setpoint.domain.profile import Binning, binning_of
from setpoint.domain.records import Column, Columns, Records, moment, stamp
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.series import series_of
from setpoint.domain.value import replace
from setpoint.monitor.limits import Limits, learn
from setpoint.monitor.scope import BASELINE, HOUR, MINUTE, MINUTES_KEPT, Scope, floored
from setpoint.monitor.seen import Seen

START = datetime(2024, 1, 1, tzinfo=UTC)
REFERENCE = 24 * 120
HISTORY = 24 * 28
SCHEMA = Schema(
    features=(
        Feature(name="temp_c", kind=Kind.NUMERIC, dtype=DType.FLOAT),
        Feature(name="load", kind=Kind.NUMERIC, dtype=DType.FLOAT),
        Feature(name="month", kind=Kind.NUMERIC, dtype=DType.INT),
        Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=("clear", "mist", "rain")),
    ),
    target="demand",
    task=Task.REGRESSION,
)


def stream_of(rows: int, seed: int = 0) -> dict[str, Any]:
    """Hourly rows: temperature with season, day and weather; an independent load; a month; the sky; demand."""
    rng = np.random.default_rng(seed)
    hour = np.arange(rows)
    weather = np.zeros(rows)
    noise = rng.normal(size=rows)
    for i in range(1, rows):
        weather[i] = 0.97 * weather[i - 1] + noise[i]
    temp = 10 - 10 * np.cos(2 * np.pi * hour / 8_766) + 4 * np.sin(2 * np.pi * hour / 24) + 0.8 * weather
    load = rng.normal(50, 10, size=rows)
    score = 100 + temp + load
    return {
        "temp_c": temp,
        "load": load,
        "month": 1.0 + (hour // 730) % 12,
        "sky": np.array(["clear", "mist", "rain"], dtype=object)[rng.choice(3, rows, p=[0.7, 0.2, 0.1])],
        "prediction": score,
        "demand": score + rng.normal(0, 5, size=rows),
    }


@pytest.fixture(scope="session")
def stream() -> dict[str, Any]:
    """Two years of hourly rows."""
    return stream_of(2 * 8_766)


@pytest.fixture(scope="session")
def binning(stream: Columns) -> Binning:
    """The cuts of the first 120 days."""
    reference = {name: column[:REFERENCE] for name, column in stream.items()}
    return binning_of(reference, SCHEMA, reference["prediction"])


@pytest.fixture(scope="session")
def limits(stream: Columns, binning: Binning) -> Limits:
    """What the first 120 days teach."""
    reference = {name: column[:REFERENCE] for name, column in stream.items()}
    return learn(reference, SCHEMA, binning, reference["prediction"])


def scope_of(columns: Columns, times: Column, started: datetime, now: datetime, binning: Binning, **rest: Any) -> Scope:
    """Count rows as the log does."""
    running = floored(now, HOUR)
    return Scope(
        hours=series_of(columns, times, floored(started, HOUR) - BASELINE, running, HOUR, binning),
        minutes=series_of(columns, times, running - MINUTES_KEPT, now, MINUTE, binning),
        **rest,
    )


def records(stream: Columns, first: int) -> Records:
    """Return the stream from its row `first` on as records, an hour apart, each outcome known an hour later."""
    n = len(stream["demand"])
    hour = first + np.arange(n)
    time = stamp(START) + hour * np.timedelta64(3_600_000_000, "us")
    return Records(
        id=hour.astype(str).astype(object),
        time=time,
        version=np.full(n, "v1", dtype=object),
        score=stream["prediction"],
        outcome=stream["demand"],
        known=time + np.timedelta64(3_600_000_000, "us"),
        latency_us=np.full(n, 2_000),
        maps=np.full(n, "", dtype=object),
        inputs={name: stream[name] for name in SCHEMA.names},
    )


@pytest.fixture(scope="session")
def look(limits: Limits, binning: Binning) -> Callable[..., Seen]:
    """Return a function: what a look sees after `rows` rows from row `at` of a stream on."""

    def seen(stream: Columns, at: int, rows: int = 24, **changes: Any) -> Seen:
        first = max(at - HISTORY, 0)
        stream = {name: column[first : at + rows] for name, column in stream.items()}
        log, before = records(stream, first), at - first
        started, now = (moment(stamp(START)) + timedelta(hours=at + more) for more in (0, rows))
        plain = Seen(
            now=now,
            since=started,
            schema=SCHEMA,
            limits=limits,
            recent=log.take(np.arange(before, before + rows)),
            baseline=log.take(np.arange(before)),
            labelled=log.take(np.arange(before + rows - 1)),
            refused={"": rows},
            objectives=(Objective(metric="mae", at_most=6.0), Objective(metric="latency_p99_ms", at_most=20.0)),
            false_actions_per_year=2.0,
            scopes=(scope_of(stream, log.time, started, now, binning, limits=limits),),
        )
        return replace(plain, **changes)

    return seen


@pytest.fixture(scope="session")
def damaged() -> Callable[..., dict[str, Any]]:
    """Return a function: the stream with columns changed from a row on."""

    def broken(stream: Columns, since: int, **changes: Callable[[Any], Any]) -> dict[str, Any]:
        out = {name: column.copy() for name, column in stream.items()}
        for name, change in changes.items():
            out[name][since:] = change(out[name][since:])
        return out

    return broken


@pytest.fixture(scope="session")
def scoped() -> Callable[..., Scope]:
    """Return a function: what is counted of rows that arrived evenly in the days before a time."""

    def of(columns: Columns, now: datetime, days: float, binning: Binning, **rest: Any) -> Scope:
        n = len(next(iter(columns.values())))
        times = stamp(now) - ((np.arange(n)[::-1] + 0.5) * days * 86_400e6 / n).astype("timedelta64[us]")
        return scope_of(columns, times, now - timedelta(days=1), now, binning, **rest)

    return of
