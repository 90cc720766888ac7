"""The user's own metric: what it says has an interval, and whatever it does, the loop goes on."""

import os
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from setpoint.domain.envelope import Envelope
from setpoint.domain.fleet import Deployment
from setpoint.domain.live import Served
from setpoint.domain.objective import Objective
from setpoint.domain.records import Records, stamp
from setpoint.loop.own import OwnMetrics

SCRIPT = """
import os, time

def error(y, score):
    return abs(y - score)

def whole(y, score):
    return float(abs(y - score).mean())

def weighed(y, score, inputs):
    return abs(y - score) * inputs["amount"]

def broken(y, score):
    raise ZeroDivisionError("too hot")

def short(y, score):
    return [1.0, 2.0]

def none(y, score):
    return y * float("nan")

def dies(y, score):
    os._exit(3)

def hangs(y, score):
    time.sleep(600)
"""
NOW = datetime(2024, 1, 2, tzinfo=UTC)
ROWS = 400


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Return a function: what a metric of the script says."""
    monkeypatch.setattr("setpoint.runtime.own_metric.OwnMetric.__init__.__kwdefaults__", {"answer_s": 3.0})
    (tmp_path / "metrics.py").write_text(SCRIPT)
    metrics = OwnMetrics()

    def measured(name, rows=ROWS):
        objective = Objective(metric=f"metrics.py:{name}", at_most=1.0, function=f"{tmp_path}/metrics.py:{name}")
        deployment = Deployment(
            model="m",
            source="",
            served=Served(champion="v1"),
            envelope=Envelope(),
            objectives=(objective,),
            releases=(),
        )
        return metrics.measured(deployment, records(rows), NOW)[objective]

    yield measured
    for _, function in metrics._functions.values():
        function.close()


def records(n):
    rng = np.random.default_rng(0)
    score = rng.normal(size=n)
    text = np.full(n, "", object)
    time = stamp(NOW - timedelta(hours=1)) + np.arange(n)
    return Records(
        id=text,
        time=time,
        version=text,
        score=score,
        outcome=score + rng.normal(size=n),
        known=time,
        latency_us=np.zeros(n),
        maps=text,
        inputs={"amount": np.full(n, 2.0), "job": np.full(n, "nurse", object)},
    )


def test_values_a_row_have_the_interval_of_their_mean(own):
    found = own("error")
    expected = np.abs(records(ROWS).outcome - records(ROWS).score)
    assert found.value == pytest.approx(expected.mean())
    assert found.bounds(0.05)[0] < found.value


def test_a_number_is_bounded_by_resampling(own):
    one, rows = own("whole"), own("error")
    assert one.value == pytest.approx(rows.value)
    assert one.error()[0] == pytest.approx(rows.error()[0], rel=0.5)
    assert own("whole") is one, "the same rows are not asked about again"


def test_a_third_parameter_gets_the_inputs(own):
    assert own("weighed").value == pytest.approx(2 * own("error").value)


FAILURES = {
    "broken": "metrics.py:14: ZeroDivisionError: too hot",
    "short": "one value for each of 400 rows was expected",
    "none": "it is no finite number on 400 of 400 rows",
    "dies": "its process ended",
    "hangs": "did not answer within 3 s",
    "missing": "has no function 'missing'",
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_said_in_words(own, name):
    found = own(name)
    assert not found.known
    assert FAILURES[name] in found.why


def test_no_rows_are_not_asked_about(own):
    assert own("error", rows=0).why == "there are no rows with an outcome"


def test_after_a_hang_the_function_is_left_alone(own):
    own("hangs")
    assert "is left alone for" in own("hangs").why


def test_a_file_that_was_changed_is_read_again(own, tmp_path):
    before = own("error").value
    file = tmp_path / "metrics.py"
    file.write_text(SCRIPT.replace("return abs(y - score)\n", "return 3 * abs(y - score)\n", 1))
    os.utime(file, ns=(1, 1))
    assert own("error").value == pytest.approx(3 * before)
