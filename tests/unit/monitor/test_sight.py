"""What the monitors of columns are said to see, against the monitors themselves on rows with such a change."""

import math
from datetime import timedelta

import numpy as np
import pytest
from scipy.signal import lfilter

from setpoint.domain.profile import binning_of, profile_of
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import replace
from setpoint.monitor.data_quality import data_quality
from setpoint.monitor.drift import sudden_drift
from setpoint.monitor.horizons import horizons
from setpoint.monitor.limits import learn
from setpoint.monitor.sight import (
    LOOKS,
    gradual,
    share_level,
    slow_level,
    smallest_rate,
    sudden,
    sudden_level,
)
from setpoint.monitor.slow import slow_drift

SCHEMA = Schema(
    features=(
        Feature(name="x", kind=Kind.NUMERIC, dtype=DType.FLOAT),
        Feature(name="c", kind=Kind.CATEGORICAL, dtype=DType.STRING),
    ),
    target="y",
    task=Task.REGRESSION,
)
BUDGET, COLUMNS, REFERENCE = 2.0, 3, 20_000
A_DAY = 240
SEEDS = 6  # of references, as what they teach varies
RUNS = 20  # for each


def rows(rng, n, ar):
    x = lfilter([1], [1, -ar], rng.normal(size=n + 200))[200:] * math.sqrt(1 - ar**2)
    level = np.array(["a", "b", "c"], dtype=object)[rng.choice(3, n, p=(0.6, 0.3, 0.1))]
    return {"x": x, "c": level, "prediction": rng.normal(size=n)}


def seen_with(look, stream, limits):
    """A look a minute after the last, so that its longest window is a day."""
    plain = look(stream, 24 * 200)
    since = plain.now - timedelta(minutes=1)
    return replace(plain, schema=SCHEMA, limits=limits, looks_per_year=LOOKS, since=since)


def found(look, stream, scoped, *, ar, days, change, alarms):
    """Share of windows with a change of the predicted size that the monitor calls; for each seed another reference."""
    called = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        reference = rows(rng, REFERENCE, ar)
        binning = binning_of(reference, SCHEMA, reference["prediction"])
        limits = learn(reference, SCHEMA, binning, reference["prediction"])
        seen = seen_with(look, stream, limits)
        known, size = profile_of(reference, binning), change(limits)
        for _ in range(RUNS):
            month = rows(rng, 29 * A_DAY, ar)
            month["x"] = month["x"].copy()
            month["x"][-days * A_DAY :] += size
            scope = scoped(month, seen.now, 29, binning, limits=limits, reference=known)
            called += alarms(replace(seen, scopes=(scope,)), scope)
    return called / (SEEDS * RUNS)


def of_week(seen, scope):
    return any(f.alarm and f.metric == "drift_location_slow" and (f.until - f.since).days == 7
               for f in slow_drift(seen, scope))  # fmt: skip


def of_day(seen, scope):
    windows = [h for h in horizons(scope, seen.started, seen.now) if h.name == "day"]
    assert len(windows[0].before) == 28
    return any(f.alarm and f.metric == "drift_location" for f in sudden_drift(seen, scope, [windows[0]] * 3))


@pytest.mark.slow
@pytest.mark.parametrize("ar", [0.0, 0.8])
@pytest.mark.parametrize("power", [0.5, 0.95])
def test_a_shift_is_found_in_a_week_and_in_a_day_as_often_as_predicted(look, stream, scoped, ar, power):
    """Limits are learnt from one reference each, so the prediction holds on average over references."""
    slow, quick = slow_level(BUDGET, COLUMNS), sudden_level(BUDGET, COLUMNS)

    def in_a_week(limits):
        return gradual(limits.columns["x"], 7 * A_DAY, REFERENCE, slow)["drift_location_slow"].smallest(power)

    def in_a_day(limits):
        return sudden(limits.columns["x"], A_DAY, quick)["drift_location"].smallest(power)

    common = {"look": look, "stream": stream, "scoped": scoped, "ar": ar}
    assert found(**common, days=7, change=in_a_week, alarms=of_week) == pytest.approx(power, abs=0.15)
    assert found(**common, days=1, change=in_a_day, alarms=of_day) == pytest.approx(power, abs=0.15)


def test_nulls_are_found_as_often_as_predicted(look, stream, scoped):
    rng = np.random.default_rng(1)
    reference = rows(rng, REFERENCE, 0.0)
    binning = binning_of(reference, SCHEMA, reference["prediction"])
    limits = learn(reference, SCHEMA, binning, reference["prediction"])
    seen = seen_with(look, stream, limits)
    rate, called = smallest_rate(limits.columns["x"], "null_rate", A_DAY, share_level(BUDGET, COLUMNS)), 0
    for _ in range(150):
        month = rows(rng, 29 * A_DAY, 0.0)
        month["x"][-A_DAY:][rng.random(A_DAY) < rate] = np.nan
        scope = scoped(month, seen.now, 29, binning, limits=limits)
        windows = [h for h in horizons(scope, seen.started, seen.now) if h.name == "day"]
        findings = data_quality(replace(seen, scopes=(scope,)), scope, windows * 3)
        called += any(f.alarm and f.metric == "null_rate" for f in findings)
    assert called / 150 == pytest.approx(0.8, abs=0.1)


def test_more_rows_see_smaller_changes_and_dependent_rows_larger_ones():
    rng = np.random.default_rng(2)

    def smallest(ar, n):
        reference = rows(rng, REFERENCE, ar)
        binning = binning_of(reference, SCHEMA, reference["prediction"])
        column = learn(reference, SCHEMA, binning, reference["prediction"]).columns["x"]
        return gradual(column, n, REFERENCE, 1e-4)["drift_location_slow"].smallest()

    assert smallest(0.0, 10_000) < smallest(0.0, 1_000) < smallest(0.9, 1_000)
