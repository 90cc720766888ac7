"""Rows with odd values, and what the parity report says of them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.deploy.checks import with_checks
from setpoint.deploy.parity import compare
from setpoint.deploy.stress import MOST_ROWS, stresses
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.version import Check, Parity

RNG = np.random.default_rng(5)
AGE = Feature(name="age", kind=Kind.NUMERIC, dtype=DType.INT, low=18.0, high=80.0)
PAY = Feature(name="pay", kind=Kind.NUMERIC, dtype=DType.FLOAT, low=0.0, high=9.5, nullable=True)
JOB = Feature(name="job", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=("a", "b"))
SCHEMA = Schema(features=(AGE, PAY, JOB), target="y", task=Task.REGRESSION)
ROWS: dict[str, Any] = {
    "age": RNG.integers(18, 80, 200).astype(float),
    "pay": RNG.random(200),
    "job": np.array(["a", "b"] * 100, object),
}


def own(columns: Any) -> Any:
    """A model that knows no other job than `b`, and takes a missing pay for none."""
    return columns["age"] / 80 + np.nan_to_num(columns["pay"]) + (columns["job"] == "b")


def report(other: Any, native: Any = own) -> dict[str, Check]:
    parity = checked(other, native)
    return {c.name: c for c in parity.checks}


def checked(other: Any, native: Any = own) -> Parity:
    parity = compare(own(ROWS), own(ROWS), Task.REGRESSION)
    return with_checks(parity, stresses(ROWS, SCHEMA), native, other, Task.REGRESSION, 0.5)


def test_every_kind_of_odd_value_is_put_into_rows_of_the_reference() -> None:
    found = {s.kind: s for s in stresses(ROWS, SCHEMA)}
    assert list(found) == [
        *("nulls", "extremes", "unseen categories", "empty texts", "denormals", "infinities", "beyond float32")
    ]
    assert {name for name, _ in found["nulls"].odd} == {"pay"}  # the only one that may be missing
    assert {value for name, value in found["extremes"].odd if name == "age"} == {18, 80, -602, 700}
    assert set(found["empty texts"].columns["job"]) == {""}
    assert ROWS["job"].tolist() == ["a", "b"] * 100


@given(st.integers(1, 3_000), st.integers(1, 50))
def test_the_rows_of_a_kind_are_bounded(features: int, rows: int) -> None:
    many = Schema(
        features=tuple(Feature(name=f"x{i}", kind=Kind.NUMERIC, dtype=DType.FLOAT) for i in range(features)),
        target="y",
        task=Task.REGRESSION,
    )
    column = np.zeros(rows)
    for stress in stresses(dict.fromkeys(many.names, column), many):
        assert 0 < len(stress.odd) <= MOST_ROWS


def test_the_same_answers_pass_every_check() -> None:
    parity = checked(own)
    assert parity.ok
    assert all(c.ok and not c.beyond for c in parity.checks)


@pytest.mark.parametrize(
    ("wrong", "kind", "where"),
    [
        (lambda c: np.where(np.isnan(c["pay"]), 5.0, own(c)), "nulls", "pay = nan"),
        (lambda c: own(c) + 0.5 * (c["job"] == "☃"), "unseen categories", "job = '☃'"),
        (lambda c: own(c) + 0.5 * (c["job"] == ""), "empty texts", "job = ''"),
        (lambda c: np.where(c["pay"] > 50, np.inf, own(c)), "extremes", "pay = 104.5"),
        (lambda c: own(c) + (abs(c["pay"]) < 1e-300) * (c["pay"] > 0), "denormals", "pay = 1e-310"),
    ],
)
def test_a_model_that_is_wrong_on_one_kind_fails_it_and_the_value_is_named(wrong: Any, kind: str, where: str) -> None:
    found = report(wrong)
    assert [c.name for c in found.values() if not c.ok] == [kind]
    assert found[kind].where == where
    assert not checked(wrong).ok


def test_what_the_door_refuses_fails_no_conversion() -> None:
    parity = checked(lambda c: np.where(np.abs(c["pay"]) > 1e100, 0.0, own(c)))
    assert parity.ok
    assert [c.name for c in parity.checks if c.beyond] == ["beyond float32", "infinities"][::-1]


def test_rows_that_the_framework_refuses_are_told_and_not_compared() -> None:
    def strict(columns: Any) -> Any:
        if not set(columns["job"]) <= {"a", "b"}:
            raise ValueError("Found unknown categories")
        return own(columns)

    found = report(own, strict)["unseen categories"]
    assert found.ok
    assert found.note == (
        "the framework refuses them, the converted model answers them: ValueError: Found unknown categories"
    )
    other = report(strict)["unseen categories"]
    assert not other.ok
    assert other.note.startswith("only the converted model refuses them")


def test_far_beyond_the_reference_rounding_is_in_proportion() -> None:
    assert checked(lambda c: own(c) * (1 + 1e-6)).ok
    assert not checked(lambda c: own(c) * (1 + 1e-3)).ok


def test_of_hidden_features_no_value_is_told_nor_what_a_model_says_of_it() -> None:
    def strict(columns: Any) -> Any:
        if "" in columns["job"]:
            raise ValueError(f"what is {columns['job'][0]!r}?")
        return own(columns)

    def wrong(columns: Any) -> Any:
        return own(columns) + (columns["pay"] > 50)

    parity = compare(own(ROWS), own(ROWS), Task.REGRESSION)
    hidden = ("pay", "job")
    told = with_checks(parity, stresses(ROWS, SCHEMA), strict, wrong, Task.REGRESSION, 0.5, hidden)
    found = {c.name: c for c in told.checks}
    assert found["extremes"].where == "a value of pay"
    assert found["empty texts"].note == "the framework refuses them, the converted model answers them"
    assert "104.5" not in str(told)
