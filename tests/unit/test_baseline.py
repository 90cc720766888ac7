"""The stated baseline: what it may be for which task, and what it answers."""

from pathlib import Path

import numpy as np
import pytest

from setpoint.config import check_setpoint_text
from setpoint.domain.baseline import Baseline, unfit_baseline
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.errors import InvalidInput
from setpoint.runtime.baseline import BaselineModel

FEATURES = (
    Feature(name="temp", kind=Kind.NUMERIC, dtype=DType.FLOAT, nullable=True),
    Feature(name="last", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=("no", "yes", "other")),
    Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=("grey", "clear")),
)
CLASSES = {Task.REGRESSION: (), Task.BINARY: ("no", "yes"), Task.MULTICLASS: ("yes", "no", "never")}
COLUMNS = {"temp": np.array([3.5, np.nan]), "last": np.array(["yes", "other"], object)}
TEXT = "model: m\ntask: regression\nartifact: a\nreference: r\ntarget: y\nobjectives: [{metric: mae, at_most: 5}]\n"


def a_schema(task):
    return Schema(features=FEATURES, target="y", task=task, classes=CLASSES[task])


def answers(task, threshold=0.5, **stated):
    baseline, schema = Baseline(**stated), a_schema(task)
    assert unfit_baseline(baseline, schema) == ""
    found = BaselineModel(baseline, schema, threshold).predict(COLUMNS)
    assert set(found) == set(schema.outputs)
    return found


def test_of_numbers():
    assert answers(Task.REGRESSION, constant=7)["prediction"].tolist() == [7.0, 7.0]
    assert np.array_equal(answers(Task.REGRESSION, column="temp")["prediction"], [3.5, np.nan], equal_nan=True)


def test_of_two_classes():
    assert answers(Task.BINARY, constant=0.2)["label"].tolist() == ["no", "no"]
    assert answers(Task.BINARY, constant=0.2, threshold=0.1)["label"].tolist() == ["yes", "yes"]
    assert answers(Task.BINARY, constant="yes")["probability"].tolist() == [1.0, 1.0]
    said = answers(Task.BINARY, column="last")
    assert np.array_equal(said["probability"], [1.0, np.nan], equal_nan=True)  # `other` is no class


def test_of_several_classes():
    said = answers(Task.MULTICLASS, constant="never")
    assert (said["label"].tolist(), said["probability_never"].tolist()) == (["never"] * 2, [1.0, 1.0])
    said = answers(Task.MULTICLASS, column="last")
    assert (said["label"][0], said["probability_yes"][0], said["probability_no"][0]) == ("yes", 1.0, 0.0)
    assert np.isnan(said["probability"][1])


@pytest.mark.parametrize(
    ("task", "stated", "why"),
    [
        (Task.REGRESSION, {"constant": "low"}, "is no number"),
        (Task.REGRESSION, {"constant": float("nan")}, "is no number"),
        (Task.REGRESSION, {"column": "sky"}, "holds categories"),
        (Task.REGRESSION, {"column": "tmp"}, "is no feature of the model; there are temp, last, sky"),
        (Task.BINARY, {"constant": 1.5}, "is none of the classes no, yes or a probability from 0 to 1"),
        (Task.MULTICLASS, {"constant": 0.5}, "is none of the classes yes, no, never"),
        (Task.MULTICLASS, {"column": "sky"}, "holds none of the classes"),
    ],
)
def test_what_cannot_answer_is_refused(task, stated, why):
    assert why in unfit_baseline(Baseline(**stated), a_schema(task))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("{}", "name one of constant, column, version; it names none"),
        ("{constant: 1, column: temp}", "it names constant and column"),
        ("{constant: [1]}", "must be a number, a text, or true or false"),
        ("{colum: temp}", "unknown key 'colum'"),
    ],
)
def test_what_is_misstated_is_named(given, why):
    with pytest.raises(InvalidInput, match=why):
        check_setpoint_text(f"{TEXT}baseline: {given}\n", Path("setpoint.yaml"))


def test_one_of_three_is_stated():
    file = check_setpoint_text(f"{TEXT}baseline: {{column: temp}}\n", Path("setpoint.yaml"))
    assert (file.baseline.column, file.baseline.constant) == ("temp", None)
