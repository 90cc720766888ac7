from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from setpoint.domain.profile import binning_of
from setpoint.domain.records import stamp
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.series import series_of
from setpoint.monitor.limits import learn
from setpoint.monitor.moments import moments

START = datetime(2025, 1, 1, tzinfo=UTC)
SCHEMA = Schema(
    features=(Feature(name="price", kind=Kind.NUMERIC, dtype=DType.FLOAT),), target="y", task=Task.REGRESSION
)


def prices(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(1.0, 0.8, rows)


def test_one_wild_price_does_not_move_the_mean_of_a_column_with_a_heavy_tail():
    """The last bin of the reference runs from 20 to 16,888: its rows lie at its lower end, not in its middle."""
    reference = np.append(prices(20_000, 0), [16_888.0, 13_541.0])
    table = {"price": reference, SCHEMA.score: reference}
    binning = binning_of(table, SCHEMA, reference)
    limits = learn(table, SCHEMA, binning, reference).columns["price"]
    day = prices(1_000, 1)
    times = stamp(START) + np.arange(1_000) * np.timedelta64(1, "s")

    def mean(values: np.ndarray) -> float:
        series = series_of(
            {"price": values, SCHEMA.score: values},
            times,
            START,
            START + timedelta(hours=1),
            timedelta(hours=1),
            binning,
        )
        return float(moments(series.columns["price"], limits).mean[0]) * limits.std

    wild = np.append(day[1:], 1e9)
    weight = limits.clip_high / 1_000
    assert mean(wild) == pytest.approx(reference.mean() + weight, abs=1.0)
