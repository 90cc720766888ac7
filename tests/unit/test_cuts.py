"""How a column is counted is chosen from the reference, and read from older files."""

import math

import numpy as np
import pytest

from setpoint.domain.profile import Binning, Counted, Cuts, binning_of, cuts_of, profile_from_json, profile_of
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.segments import Split
from setpoint.domain.value import from_json, to_json
from setpoint.errors import InvalidInput

RNG = np.random.default_rng(0)
WORDS = np.array(["delayed", "parcel", "please", "call", "back", "before", "noon", "again"])
COLUMNS = {
    "age": RNG.integers(18, 90, 300).astype(np.float64),
    "month": np.tile(np.arange(1.0, 11.0), 30),
    "owner": np.array([0.0, 1.0, math.nan] * 100),
    "job": np.array(["admin", "nurse", "cook", None] * 75, object),
    "code": np.array([f"20240{n % 9 + 1}01" for n in range(300)], object),
    "city": np.array([f"city {n}" for n in range(300)], object),
    "street": np.array([f"street {n % 260}" for n in range(300)], object),
    "answer": np.array([f"A label of category {n} that is written out at some length" for n in range(3)] * 100, object),
    "note": np.array([" ".join(RNG.permutation(WORDS)) for _ in range(300)], object),
    "seen": np.array([f"2024-03-{n % 28 + 1:02}T10:00:00+02:00" for n in range(298)] + ["soon", None], object),
    "day": np.array([f"2024-03-{n % 28 + 1:02}" for n in range(300)], object),
    "empty": np.full(300, None, object),
}
KINDS = {
    "age": "numeric",
    "month": "numeric",
    "owner": "boolean",
    "job": "categorical",
    "code": "categorical",
    "city": "text",
    "street": "categorical",
    "answer": "categorical",
    "note": "text",
    "seen": "datetime",
    "day": "datetime",
    "empty": "categorical",
}


def feature(name):
    if COLUMNS[name].dtype == object:
        return Feature(name=name, kind=Kind.CATEGORICAL, dtype=DType.STRING)
    return Feature(name=name, kind=Kind.NUMERIC, dtype=DType.BOOL if name == "owner" else DType.FLOAT)


SCHEMA = Schema(features=tuple(feature(name) for name in COLUMNS), target="y", task=Task.REGRESSION)


def binning(*segments):
    return binning_of(COLUMNS, SCHEMA, np.arange(300.0), segments)


def test_the_kind_is_chosen_from_type_and_values():
    assert {name: str(cuts.kind) for name, cuts in binning().columns.items()} == {**KINDS, "prediction": "numeric"}


@pytest.mark.parametrize(("levels", "kind"), [(1_000, Counted.CATEGORICAL), (1_001, Counted.TEXT)])
def test_more_than_a_thousand_levels_are_text(levels, kind):
    column = np.array([f"v{n % levels}" for n in range(5_000)], object)
    schema = Schema(features=(feature("job"),), target="y", task=Task.REGRESSION)
    assert binning_of({"job": column}, schema, np.arange(9.0)).columns["job"].kind is kind


def test_levels_of_the_reference_are_listed_and_all_counted():
    cuts = binning().columns["job"]
    assert (cuts.levels, cuts.spare) == (("admin", "cook", "nurse"), 256)
    p = profile_of(COLUMNS | {"prediction": np.arange(300.0)}, binning()).columns["job"]
    assert (p.levels, p.nulls) == ({"admin": 75, "nurse": 75, "cook": 75}, 75)


def test_a_binning_survives_its_file():
    whole = binning("job", "age")
    assert from_json(to_json(whole), Binning) == whole


def test_a_binning_of_an_earlier_release_still_counts_as_it_did():
    old = b'{"columns":{"x":{"kind":"numeric","edges":[0.0,1.0]},"c":{"kind":"categorical","edges":[]}}}'
    found = from_json(old, Binning)
    assert found.columns["x"] == Cuts(kind=Counted.NUMERIC, edges=(0.0, 1.0))
    assert found.segments == {}
    p = profile_of(
        {"x": np.array([-1.0, 0.5, math.nan, 9.0]), "c": np.array(["a", None, "b", "a"], object)}, found
    ).columns
    assert p["x"].bins.tolist() == [1, 1, 1]
    assert (p["x"].total, p["x"].squares, p["x"].low, p["x"].high) == (8.5, 82.25, -1, 9)
    assert (p["c"].levels, p["c"].nulls) == ({"a": 2, "b": 1}, 1)


def test_a_profile_of_an_earlier_release_is_read():
    old = (
        b'{"x":{"bins":[1,2],"levels":{},"nulls":1,"total":6.0,"squares":14.0,"low":1.0,"high":3.0},'
        b'"c":{"bins":[],"levels":{"a":2},"nulls":0,"total":0.0,"squares":0.0,"low":null,"high":null}}'
    )
    p = profile_from_json(old).columns
    assert (p["x"].mean, p["x"].rows, p["c"].levels, p["c"].filled) == (2, 4, {"a": 2}, 2)


def test_distances_are_taken_from_a_round_number_near_the_mean():
    cuts = cuts_of(1.7e9 + RNG.normal(0, 1_000, 500), Counted.NUMERIC)
    assert abs(cuts.origin - 1.7e9) < 1_000
    assert cuts.origin == int(cuts.origin)
    assert cuts_of(RNG.normal(size=500), Counted.NUMERIC).origin == 0
    assert cuts_of(np.full(9, 7.3), Counted.NUMERIC).origin == 7.3


def test_segments_are_levels_values_or_quartiles():
    found = binning("job", "month", "owner", "age").segments
    assert found["job"].names("job") == ("job=admin", "job=cook", "job=nurse", "job=other", "job is null")
    assert found["month"].names("month") == (*(f"month={n}" for n in range(1, 11)), "month=other", "month is null")
    assert found["owner"].names("owner") == ("owner=false", "owner=true", "owner=other", "owner is null")
    low, middle, high = (f"{e:g}" for e in found["age"].edges)
    assert found["age"].names("age") == (
        f"age<={low}", f"{low}<age<={middle}", f"{middle}<age<={high}", f"age>{high}", "age is null",
    )  # fmt: skip


def test_every_row_falls_into_one_segment():
    split = Split(edges=(38.0, 52.0))
    ages = np.array([-math.inf, 38.0, 38.5, 52.0, 53.0, math.nan])
    names = [split.names("age")[code] for code in split.codes(ages)]
    assert names == ["age<=38", "age<=38", "38<age<=52", "38<age<=52", "age>52", "age is null"]
    jobs = np.array(["cook", "pilot", None], object)
    names = [binning("job").segments["job"].names("job")[code] for code in binning("job").segments["job"].codes(jobs)]
    assert names == ["job=cook", "job=other", "job is null"]
    flags = Split(values=(0.0, 1.0), flag=True)
    assert flags.codes(np.array([1.0, 0.0, 7.0, math.nan])).tolist() == [1, 0, 2, 3]


def test_of_many_levels_the_twenty_most_frequent_are_segments():
    column = np.array([f"v{n:02}" for n in range(30) for _ in range(n + 1)], object)
    schema = Schema(features=(feature("job"),), target="y", task=Task.REGRESSION)
    split = binning_of({"job": column}, schema, np.arange(9.0), ["job"]).segments["job"]
    assert split.levels == tuple(f"v{n:02}" for n in range(29, 9, -1))


def test_close_edges_do_not_share_a_name():
    assert Split(edges=(0.1234567, 0.1234568)).names("x")[:2] == ("x<=0.1234567", "0.1234567<x<=0.1234568")


def test_a_segment_that_is_no_feature_names_the_nearest():
    with pytest.raises(InvalidInput, match=r"segments: 'jbo' is no feature of the model; did you mean 'job'\?"):
        binning("jbo")
