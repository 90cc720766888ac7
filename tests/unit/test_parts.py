"""Profiles of segments: together they are the profile of all rows."""

import json

import numpy as np
import pytest

from setpoint.domain.parts import column_of, parts_of
from setpoint.domain.profile import binning_of, profile_of, profile_to_json, profiles_from_json, profiles_to_json
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.segments import splits_of

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


def test_a_segment_knows_its_column(binning):
    assert {column_of(name, binning) for name in binning.segments["age"].names("age")} == {"age"}
    assert column_of("job=a", binning) == "job"


def test_an_edge_is_written_so_that_people_can_read_it_and_parts_the_rows_as_the_quartile_does():
    rng = np.random.default_rng(0)
    feature = Feature(name="age", kind=Kind.NUMERIC, dtype=DType.FLOAT)
    schema = Schema(features=(feature,), target="y", task=Task.REGRESSION)
    for numbers in (rng.normal(40, 10, 4_000), rng.lognormal(0, 3, 4_000), 1e9 + rng.uniform(size=4_000)):
        (split,) = splits_of({"age": numbers}, schema, ["age"]).values()
        parts = np.bincount(split.codes(numbers), minlength=5)[:4] / 4_000
        assert np.abs(parts - 0.25).max() <= 0.02
    numbers = rng.normal(40, 10, 4_000)
    (split,) = splits_of({"age": numbers}, schema, ["age"]).values()
    assert max(map(len, split.names("age"))) <= len("33.3<age<=40.1")
