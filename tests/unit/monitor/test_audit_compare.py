"""Recorded inputs beside those of their source: which differ, and which fault of a column would make just that."""

from datetime import UTC, datetime

import numpy as np
import pytest

from setpoint.domain.records import Records
from setpoint.monitor.audit import compared

START, NOW = np.datetime64("2025-01-01", "us"), datetime(2025, 1, 3, tzinfo=UTC)
ROWS = 40


def records(**inputs) -> Records:
    n = ROWS
    time = START + np.arange(n) * np.timedelta64(1, "h")
    text = np.full(n, "v1", object)
    return Records(
        id=np.array([f"r{i}" for i in range(n)], object), time=time, version=text, score=np.zeros(n),
        outcome=np.full(n, np.nan), known=np.full(n, np.datetime64("NaT", "us")), latency_us=np.full(n, 1),
        maps=np.full(n, "", object), inputs=inputs,
    )  # fmt: skip


@pytest.fixture
def source():
    rng = np.random.default_rng(0)
    return {
        "a": rng.normal(50, 10, ROWS),
        "b": rng.normal(0, 1, ROWS),
        "job": rng.choice(np.array(["cook", "clerk", None], object), ROWS),
    }


def stale(c):
    return np.concatenate([c[:3], c[:-3]])


SENT = {
    "null": lambda s: {**s, "a": np.full(ROWS, np.nan)},
    "unit": lambda s: {**s, "a": 1.8 * s["a"] + 32},
    "renamed": lambda s: {**s, "job": np.array([None if v is None else v.upper() for v in s["job"]], object)},
    "swapped": lambda s: {**s, "a": s["b"], "b": s["a"]},
    "": lambda s: {**s, "a": stale(s["a"])},
}


def test_what_is_the_same_but_for_its_rounding_does_not_differ(source):
    near = {**source, "a": source["a"].astype(np.float32).astype(float), "b": np.round(source["b"], 6)}
    near["a"][3] = source["a"][3] = np.nan
    found = compared(records(**near), source, NOW)
    assert found.differ == ()
    assert found.rows == ROWS


@pytest.mark.parametrize("like", SENT)
def test_a_fault_that_would_make_just_these_differences_is_named(source, like):
    found = compared(records(**SENT[like](source)), source, NOW)
    assert {d.like for d in found.differ} == {like}
    assert found.differ[0].ids[0] == ("r0" if like else "r3")


def test_numbers_cut_to_a_few_steps_are_no_unit(source):
    found = compared(records(**{**source, "a": np.round(source["a"], -1)}), source, NOW)
    assert [d.like for d in found.differ] == [""]


def test_levels_that_fell_together_are_no_renaming(source):
    cut = np.array([None if v is None else v[:1] for v in source["job"]], object)
    found = compared(records(**{**source, "job": cut}), source, NOW)
    assert [d.like for d in found.differ] == [""]


def test_only_what_the_source_says_is_compared(source):
    found = compared(records(**source), {"b": source["b"] + 1}, NOW)
    assert found.columns == ("b",)
    assert found.of("b").rows == ROWS
