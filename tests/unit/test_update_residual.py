"""What a residual model is fitted to, and for which models there is one."""

import numpy as np
import pytest

from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.errors import InvalidInput
from setpoint.update.residual import response, taken

NUMBER = Feature(name="a", kind=Kind.NUMERIC, dtype=DType.FLOAT)
FLAG = Feature(name="on", kind=Kind.NUMERIC, dtype=DType.BOOL)
TEXT = Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING)


def test_a_regression_learns_what_was_missed() -> None:
    """And rows keep their weights, of mean one."""
    missed, weight = response(Task.REGRESSION, np.array([1.0, 2.0]), np.array([1.5, 1.0]), np.array([2.0, 6.0]))
    assert missed.tolist() == [0.5, -1.0]
    assert weight.tolist() == [0.5, 1.5]


def test_two_classes_learn_one_newton_step() -> None:
    """The weighted mean of the response is the step that makes the log loss of a constant logit least."""
    rng = np.random.default_rng(0)
    p = np.full(50_000, 0.3)
    truth = (rng.random(50_000) < 0.33).astype(float)
    missed, weight = response(Task.BINARY, p, truth, np.ones(50_000))
    step = np.average(missed, weights=weight)
    assert step == pytest.approx(np.log(0.33 / 0.67) - np.log(0.3 / 0.7), abs=0.05)
    sure, _ = response(Task.BINARY, np.array([0.0, 1.0]), np.array([1.0, 0.0]), np.ones(2))
    assert sure.tolist() == pytest.approx([100.0, -100.0])


def test_it_takes_the_numbers_and_says_where_there_are_none() -> None:
    """Texts are left to the champion."""
    mixed = Schema(features=(NUMBER, TEXT, FLAG), target="y", task=Task.REGRESSION)
    assert taken(mixed) == ("a", "on")
    with pytest.raises(InvalidInput, match="the model has none: refit"):
        taken(Schema(features=(TEXT,), target="y", task=Task.REGRESSION))
    with pytest.raises(InvalidInput, match="two classes, not several: refit"):
        taken(Schema(features=(NUMBER,), target="y", task=Task.MULTICLASS, classes=("a", "b", "c")))
