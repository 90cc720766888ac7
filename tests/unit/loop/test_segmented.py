"""The segments that a rollout is watched in."""

import numpy as np

from setpoint.domain.segments import Split
from setpoint.loop.looks.segmented import masks, names_of

SPLITS = {
    "country": Split(levels=("DE", "FR")),
    "age": Split(edges=(30.0, 60.0)),
    "member": Split(values=(0.0, 1.0), flag=True),
}


def test_each_row_is_in_one_segment_of_a_column_and_a_null_in_none() -> None:
    inputs = {
        "country": np.array(["DE", "US", None], object),
        "age": np.array([70.0, None, 20.0], object),
        "member": np.array([1.0, 0.0, np.nan]),
    }
    found = masks(SPLITS, inputs)
    assert tuple(found) == names_of(SPLITS)
    of = {name: np.flatnonzero(mask).tolist() for name, mask in found.items() if mask.any()}
    assert of == {
        "country=DE": [0],
        "country=other": [1],
        "age>60": [0],
        "age<=30": [2],
        "member=true": [0],
        "member=false": [1],
    }


def test_no_rows_are_in_no_segment() -> None:
    none = np.empty(0, object)
    assert all(len(mask) == 0 for mask in masks(SPLITS, dict.fromkeys(SPLITS, none)).values())
