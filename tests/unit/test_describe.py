"""The user's `profile:` function: what it describes is counted, and whatever it does, nothing else is disturbed."""

import time

import numpy as np
import pandas as pd
import pytest

from setpoint.domain.cuts import with_described
from setpoint.domain.described import checked, joined, prefixed
from setpoint.domain.profile import Binning, Counted, profile_of, with_missing
from setpoint.runtime.describe import Describer

SCRIPT = """
import os, sys, time
import numpy as np

print("loaded")

def describe(frame):
    mood = frame["mood"].iloc[0]
    if mood == 1:
        raise ZeroDivisionError("too hot")
    if mood == 2:
        os._exit(3)
    if mood == 3:
        time.sleep(600)
    if mood == 4:
        return {"light": [1.0], "shape": ["round"] * len(frame)}
    if mood == 5:
        return 7
    return {"light": frame["mood"] * 2, "shape": frame["text"].str.upper()}
"""


@pytest.fixture
def describer(tmp_path):
    (tmp_path / "features.py").write_text(SCRIPT)
    d = Describer(f"{tmp_path / 'features.py'}:describe", answer_s=5.0)
    yield d
    d.close()


def rows(mood, n=3):
    return {"mood": np.full(n, float(mood)), "text": np.array(["a", None, "b"] * (n // 3), object)}


def test_columns_come_back_under_the_functions_name(describer):
    found = describer.describe(rows(0))
    assert found.errors == ()
    assert found.columns["describe.light"].tolist() == [0, 0, 0]
    assert found.columns["describe.shape"].tolist() == ["A", None, "B"]
    assert describer.describe({}).columns == {}


def test_many_rows_are_described_in_parts(describer):
    found = describer.describe(rows(0, 30_000))
    assert found.columns["describe.shape"].tolist() == ["A", None, "B"] * 10_000


def test_an_error_is_reported_with_its_line_and_the_next_call_goes_on(describer):
    found = describer.describe(rows(1))
    assert found.columns == {}
    assert "features.py:10: ZeroDivisionError: too hot" in found.errors[0]
    assert describer.failed == 1
    assert describer.last_error == found.errors[0]
    assert describer.describe(rows(0)).errors == ()


def test_a_column_of_the_wrong_length_is_left_out(describer):
    found = describer.describe(rows(4))
    assert list(found.columns) == ["describe.shape"]
    assert "light: has shape (1,); one value for each of 3 rows was expected" in found.errors[0]
    assert "returned int; a mapping or data frame" in describer.describe(rows(5)).errors[0]


@pytest.mark.parametrize(("mood", "how"), [(2, "its process ended"), (3, "did not answer within 5 s")])
def test_after_a_death_or_a_hang_the_function_is_left_alone_for_a_while(describer, mood, how):
    assert how in describer.describe(rows(mood)).errors[0]
    started = time.monotonic()
    found = describer.describe(rows(0))
    assert time.monotonic() - started < 4.0
    assert "is left alone for" in found.errors[0]
    assert how in found.errors[0]
    describer._rests_until = 0.0
    assert describer.describe(rows(0)).errors == ()


@pytest.mark.parametrize(
    ("name", "error"),
    [("features.py:missing", "has no function 'missing'"), ("nowhere.py:describe", "there is no file")],
)
def test_a_function_that_is_not_there_is_reported(tmp_path, name, error):
    (tmp_path / "features.py").write_text(SCRIPT)
    d = Describer(f"{tmp_path}/{name}")
    assert error in d.describe(rows(0)).errors[0]


def test_a_file_that_raises_is_reported(tmp_path):
    (tmp_path / "features.py").write_text("x = 1\nimport no_such_module\n")
    found = Describer(f"{tmp_path}/features.py:describe").describe(rows(0))
    assert "features.py:2: ModuleNotFoundError" in found.errors[0]


def test_numbers_flags_texts_and_times_are_sound():
    frame = pd.DataFrame(
        {
            "n": [1, 2],
            "flag": [True, False],
            "hole": pd.array([1, None], dtype="Int64"),
            "text": pd.array(["a", None], dtype="string"),
            "kind": pd.Categorical(["x", "y"]),
            "when": pd.to_datetime(["2024-01-01", None]),
            "mixed": [1, "a"],
        }
    )
    found, errors = checked(frame, 2)
    assert errors == []
    assert found["flag"].tolist() == [1, 0]
    assert np.array_equal(found["hole"], [1, np.nan], equal_nan=True)
    assert found["text"].tolist() == ["a", None]
    assert found["kind"].tolist() == ["x", "y"]
    assert found["when"].tolist() == ["2024-01-01T00:00:00.000000", None]
    assert found["mixed"].tolist() == ["1", "a"]


@pytest.mark.parametrize("values", [[[1], [2]], [{}, {}], "ab", 5, [1j, 2j], [b"a", b"b"]])
def test_anything_else_is_an_error_of_its_column(values):
    found, errors = checked({"good": [1, 2], "bad": values}, 2)
    assert list(found) == ["good"]
    assert errors[0].startswith("bad: ")


def test_stretches_of_different_types_are_joined():
    parts = [({"a": np.array([1.0, np.nan])}, 2), ({}, 1), ({"a": np.array(["x"], object)}, 1)]
    assert joined(parts)["a"].tolist() == ["1", None, None, "x"]
    numbers = joined([({"a": np.array([1.0])}, 1), ({}, 1)])["a"]
    assert np.array_equal(numbers, [1, np.nan], equal_nan=True)


def test_described_columns_are_binned_and_what_is_missing_or_of_another_type_is_null():
    described = prefixed("features.py:describe", {"light": np.arange(9.0), "shape": np.array(["round"] * 9, object)})
    binning = with_described(Binning(columns={}), "features.py:describe", described)
    assert binning.describe == "features.py:describe"
    assert [c.kind for c in binning.columns.values()] == [Counted.NUMERIC, Counted.CATEGORICAL]
    p = profile_of(with_missing({"describe.light": np.array(["a", "b"], object)}, binning), binning).columns
    assert (p["describe.light"].nulls, p["describe.shape"].nulls) == (2, 2)
