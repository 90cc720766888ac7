"""A small seeded world for the tests of maintain: hourly weather, a demand that follows it, faults to plant."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.finding import Finding
from setpoint.domain.fleet import Release
from setpoint.domain.incident import Incident, IncidentStatus
from setpoint.domain.profile import Binning
from setpoint.domain.records import Columns, Records, stamp
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.maintain.case import Case

START = datetime(2024, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=30)
HEALTHY, SUSPECT = 28 * 24, 24
FAHRENHEIT = FeatureMap(id="m.map", feature="temp", scale=5 / 9, offset=-160 / 9)

SCHEMA = Schema(
    features=tuple(
        Feature(name=name, kind=Kind.NUMERIC, dtype=DType.FLOAT, low=low, high=high)
        for name, low, high in (("hour", 0, 23), ("temp", -10, 35), ("felt", -15, 40), ("hum", 0, 1), ("wind", 0, 60))
    ),
    target="demand",
    task=Task.REGRESSION,
)


def weather(rows: int, seed: int = 0) -> dict[str, NDArray[np.float64]]:
    """Make hours of weather: temperature wanders and swings, felt temperature follows it closely."""
    rng = np.random.default_rng(seed)
    hour = np.arange(rows) % 24
    wander = np.zeros(rows)
    for i in range(1, rows):
        wander[i] = 0.98 * wander[i - 1] + rng.normal(0, 0.6)
    temp = 12 + 4 * np.sin((hour - 9) * 2 * np.pi / 24) + wander
    return {
        "hour": hour.astype(float),
        "temp": temp,
        "felt": 1.1 * temp - 2 + rng.normal(0, 0.6, rows),
        "hum": np.clip(0.7 - 0.01 * temp + rng.normal(0, 0.05, rows), 0.05, 1),
        "wind": rng.gamma(2, 6, rows),
    }


def good(x: Columns) -> NDArray[np.float64]:
    """Answer as the world does."""
    return np.asarray(100 + 8 * x["temp"] + 50 * np.sin(x["hour"] * 2 * np.pi / 24))


def bad(x: Columns) -> NDArray[np.float64]:
    """Answer as if it were six hours earlier."""
    return good({**x, "hour": (x["hour"] + 6) % 24})


def other(x: Columns) -> NDArray[np.float64]:
    """Answer as well as the good version, but not the same."""
    return good(x) + 15 * np.sin(7 * x["wind"])


def like(x: Columns) -> NDArray[np.float64]:
    """Answer as well as the other one, but not the same."""
    return good(x) + 15 * np.cos(7 * x["wind"])


MODELS = {"good": good, "bad": bad, "other": other, "like": like}


def score_of(version: str, x: Columns) -> Columns:
    return {"prediction": MODELS[version](x)}


def records(sent: Columns, truth: NDArray[np.float64], version: str, first: int) -> Records:
    n = len(truth)
    time = stamp(START) + (first + np.arange(n)) * np.timedelta64(1, "h")
    return Records(
        id=np.array([f"r{first + i}" for i in range(n)], dtype=object),
        time=time,
        version=np.full(n, version, dtype=object),
        score=MODELS[version](sent),
        outcome=truth,
        known=time + np.timedelta64(1, "h"),
        latency_us=np.full(n, 100),
        maps=np.full(n, "", dtype=object),
        inputs=sent,
    )


def world_of(
    seed: int = 0,
    *,
    column: str = "",
    scale: float = 1.0,
    offset: float = 0.0,
    version: str = "good",
    before: str = "good",
    lift: float = 0.0,
) -> Case:
    """Return four healthy weeks and one suspect day, in which a column may be sent another way or a version be bad."""
    rng = np.random.default_rng(seed + 1_000)
    x = weather(HEALTHY + SUSPECT, seed)
    truth = good(x) + rng.normal(0, 10, len(x["temp"]))
    past = {k: v[:HEALTHY] for k, v in x.items()}
    since = {k: v[HEALTHY:] for k, v in x.items()}
    if column:
        since[column] = scale * since[column] + offset
    day = truth[HEALTHY:] + lift
    released = START + timedelta(hours=HEALTHY)
    return Case(
        schema=SCHEMA,
        binning=Binning(columns={}),
        healthy=records(past, truth[:HEALTHY], before, 0),
        suspect=records(since, day, version, HEALTHY),
        champion=Release(version=version, at=released if version != before else START, by="test"),
        previous=Release(version=before, at=START, by="test") if version != before else None,
    )


def finding_of(
    monitor: str = "drift", metric: str = "drift_location", column: str | None = "temp", **other: object
) -> Finding:
    values: dict[str, object] = {
        "since": START + timedelta(hours=HEALTHY),
        "until": START + timedelta(hours=HEALTHY + SUSPECT - 1),
        "rows": SUSPECT,
        "value": 2.0,
        "limit": 0.5,
        "alarm": True,
    }
    return Finding(monitor=monitor, metric=metric, column=column, **{**values, **other})  # type: ignore[arg-type]


def incident_of(*findings: Finding, subject: str = "temp") -> Incident:
    return Incident(
        id="demand-20240130T0000-temp",
        model="demand",
        status=IncidentStatus.OPEN,
        since=START + timedelta(hours=HEALTHY),
        opened=NOW,
        subject=subject,
        findings=findings,
    )


@pytest.fixture(scope="session")
def score() -> Callable[[str, Columns], Columns]:
    """The two versions, good and bad."""
    return score_of


@pytest.fixture(scope="session")
def world() -> Callable[..., Case]:
    """Return a function: a case with a fault planted, or none."""
    return world_of


@pytest.fixture(scope="session")
def finding() -> Callable[..., Finding]:
    """Return a function: an alarm, by default about the temperature."""
    return finding_of


@pytest.fixture(scope="session")
def incident() -> Callable[..., Incident]:
    """Return a function: an open incident with findings."""
    return incident_of


@pytest.fixture(scope="session")
def fahrenheit() -> FeatureMap:
    """The map that undoes degrees Fahrenheit."""
    return FAHRENHEIT
