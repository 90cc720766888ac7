"""The user's source of inputs: asked for rows, and whatever it does, the loop goes on."""

import numpy as np
import pytest

from setpoint.runtime.refetch import Refetcher

SCRIPT = """
import os
import pandas as pd

def fetch(ids, times, inputs):
    table = pd.DataFrame({"amount": [1, 2], "job": ["cook", None]}, index=["r1", "r2"])
    return table.loc[[i for i in ids if i in table.index]]

def by_key(ids, times, inputs):
    assert str(times.tz) == "UTC" and inputs.index.tolist() == ids
    return inputs[["amount"]] * 2

def raises(ids, times, inputs):
    raise KeyError("no such table")

def wrong(ids, times, inputs):
    return [1, 2]

def twice(ids, times, inputs):
    return pd.DataFrame({"amount": [1, 2]}, index=["r1", "r1"])

def dies(ids, times, inputs):
    os._exit(3)
"""
IDS = np.array(["r2", "r9", "r1"], object)
TIME = np.datetime64("2025-01-01", "us") + np.arange(3) * np.timedelta64(1, "h")


@pytest.fixture
def said(tmp_path):
    """Return a function: what a source of the script says of three rows."""
    (tmp_path / "features.py").write_text(SCRIPT)

    def of(name):
        source = Refetcher(f"{tmp_path}/features.py:{name}", answer_s=10.0)
        try:
            return source.fetch(IDS, TIME, {"amount": np.array([1.0, 2.0, np.nan])})
        finally:
            source.close()

    return of


def test_a_source_says_what_it_knows_in_the_order_of_the_ids(said):
    found = said("fetch")
    assert found.error == ""
    assert found.known.tolist() == [True, False, True]
    assert found.columns["amount"].tolist() == [2.0, 1.0]
    assert found.columns["job"].tolist() == [None, "cook"]


def test_a_source_may_go_by_what_was_recorded(said):
    assert said("by_key").columns["amount"][:2].tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("raises", "features.py:14: KeyError"),
        ("wrong", "returned list; a data frame"),
        ("twice", "more than one row of 'r1'"),
        ("dies", "its process ended"),
    ],
)
def test_what_goes_wrong_is_said(said, name, why):
    found = said(name)
    assert why in found.error
    assert not found.known.any()
    assert not found.columns
