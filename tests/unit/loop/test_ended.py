"""Rows asked again apart: what ends a copy, what only fails in it, and what tells nothing."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from setpoint.domain.record import ENDED
from setpoint.domain.requested import Requested
from setpoint.errors import JobFailed, ModelEnded, ModelFailed, ModelGone
from setpoint.loop.ended import ANSWERED, _answered, _asked_apart


def asked(*x: float, status: int = ENDED) -> Requested:
    n = len(x)
    whole = dict.fromkeys(("time", "arrived", "row", "latency_us", "broke"), np.zeros(n, np.int64))
    texts = dict.fromkeys(("version", "role", "caller"), np.full(n, "v1", object))
    ids = np.array([f"r{v:g}" for v in x], object)
    return Requested(id=ids, status=np.full(n, status), inputs={"x": np.array(x)}, **whole, **texts)


@pytest.mark.parametrize(
    ("error", "culprits", "said"),
    [
        (ModelEnded("its process was killed by SIGSEGV"), ("b",), "killed by SIGSEGV"),
        (ModelFailed("ValueError: 7"), (), "no request is to blame"),
        (ModelGone("its process was killed by SIGKILL"), (), "a copy of the model cannot be asked"),
        (JobFailed("no room"), (), "a copy of the model cannot be asked"),
    ],
)
def test_only_what_ends_a_copy_twice_is_to_blame(made: Any, error: Exception, culprits: tuple[str, ...], said: str):
    def apart(model: str, version: str, inputs: Any) -> Any:
        if (inputs["x"] == 7.0).any():
            raise error
        return {}, 0.0

    ports: Any = SimpleNamespace(scorer=SimpleNamespace(apart=apart))
    fatal = _asked_apart(ports, made.deployment(), asked(1.0, 7.0), {"x": np.array([0.0])}, ("a", "b"))
    assert fatal.culprits == culprits
    assert said in fatal.words[-1]


def test_the_newest_row_that_was_answered_and_was_not_asked_at_the_end_is_the_control():
    answered = asked(1.0, 2.0, 7.0, status=ANSWERED)
    control = _answered(answered, asked(7.0))
    assert control is not None
    assert control["x"].tolist() == [2.0]
    assert _answered(answered, asked(1.0, 2.0, 7.0)) is None
