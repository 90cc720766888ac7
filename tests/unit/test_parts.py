"""Profiles of segments: together they are the profile of all rows."""

import json

import numpy as np
import pytest

from setpoint.domain.parts import parts_of
from setpoint.domain.profile import binning_of, profile_of, profile_to_json, profiles_from_json, profiles_to_json
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task

SCHEMA = Schema(
    features=(
        Feature(name="age", kind=Kind.NUMERIC, dtype=DType.FLOAT),
        Feature(name="job", kind=Kind.CATEGORICAL, dtype=DType.STRING),
    ),
    target="y",
    task=Task.REGRESSION,
)


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    age = np.where(rng.random(n) < 0.1, np.nan, rng.integers(20, 60, n))
    job = rng.choice(np.array(["a", "b", None], object), n)
    return {"age": age, "job": job, "prediction": rng.normal(size=n).round()}


@pytest.fixture(scope="module")
def binning():
    reference = rows(1_000)
    return binning_of(reference, SCHEMA, reference["prediction"], ["age", "job"])


def same(one, other):
    return json.loads(profile_to_json(one)) == json.loads(profile_to_json(other))


def test_the_segments_of_a_column_hold_its_rows_once(binning):
    table = rows(300, seed=1)
    found = parts_of(table, binning)
    of_job = [found[name] for name in binning.segments["job"].names("job") if name in found]
    jobs = table["job"].tolist()
    assert [p.rows for p in of_job] == [jobs.count("a"), jobs.count("b"), jobs.count(None)]
    whole = of_job[0] + of_job[1] + of_job[2]
    assert same(whole, profile_of(table, binning))
    chosen = np.isnan(table["age"])
    assert same(found["age is null"], profile_of({n: c[chosen] for n, c in table.items()}, binning))


def test_profiles_survive_being_stored(binning):
    found = parts_of(rows(50), binning)
    again = profiles_from_json(profiles_to_json(found), binning)
    assert again.keys() == found.keys()
    assert all(same(again[name], found[name]) for name in found)
