import numpy as np
import pytest

from setpoint.domain.profile import Binning, binning_of, profile_of
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import replace
from setpoint.monitor.limits import learn
from setpoint.monitor.slow import slow_drift

SCHEMA = Schema(
    features=(
        Feature(name="x", kind=Kind.NUMERIC, dtype=DType.FLOAT),
        Feature(name="c", kind=Kind.CATEGORICAL, dtype=DType.STRING),
    ),
    target="y",
    task=Task.REGRESSION,
)


def rows(rng, n, ar=0.0, shift=0.0, shares=(0.6, 0.3, 0.1)):
    x = rng.normal(size=n)
    for i in range(1, n):
        x[i] += ar * x[i - 1]
    level = np.array(["a", "b", "c"], dtype=object)[rng.choice(3, n, p=shares)]
    return {"x": x / x.std() + shift, "c": level, "prediction": rng.normal(size=n)}


def rate(look, stream, scoped, *, ar, shift=0.0, shares=(0.6, 0.3, 0.1), windows=60):
    """Share of weeks of 1,000 rows with an alarm of `slow_drift` (and of a two-sample z-test at 5 %)."""
    rng = np.random.default_rng(7)
    reference = rows(rng, 20_000, ar)
    binning: Binning = binning_of(reference, SCHEMA, reference["prediction"])
    seen = replace(
        look(stream, 24 * 200),
        schema=SCHEMA,
        limits=learn(reference, SCHEMA, binning, reference["prediction"]),
        looks_per_year=365.0,
    )
    known = profile_of(reference, binning)
    ours = dummy = 0
    for _ in range(windows):
        week = rows(rng, 1_000, ar, shift, shares)
        scope = scoped(week, seen.now, 7, binning, limits=seen.limits, reference=known)
        ours += any(f.alarm for f in slow_drift(replace(seen, scopes=(scope,)), scope))
        dummy += abs(week["x"].mean() - reference["x"].mean()) > 1.96 * np.sqrt(1 / 1_000 + 1 / 20_000)
    return ours / windows, dummy / windows


@pytest.mark.parametrize("ar", [0.0, 0.9])
def test_like_with_like_is_quiet(ar, look, stream, scoped):
    ours, dummy = rate(look, stream, scoped, ar=ar)
    assert ours == 0
    assert dummy > (0.4 if ar else 0)


def test_a_shift_and_a_change_of_levels_are_found(look, stream, scoped):
    assert rate(look, stream, scoped, ar=0.0, shift=0.4)[0] == 1
    assert rate(look, stream, scoped, ar=0.0, shares=(0.4, 0.4, 0.2))[0] == 1
