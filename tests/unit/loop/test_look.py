"""What a look reads."""

from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

from setpoint.loop.looks.look import _requests


def test_each_request_is_counted_once_and_is_in_every_window_that_reaches_it(made):
    asked = []

    def refused(model, since, until):
        asked.append((since, until))
        return {"": round((until - since).total_seconds()), "model_error": 1}

    found = _requests(SimpleNamespace(log=SimpleNamespace(refused=refused)), "demand", [60.0, 300.0], made.now)
    assert found == {60.0: Counter({"": 60, "model_error": 1}), 300.0: Counter({"": 300, "model_error": 2})}
    minute, five = (made.now - timedelta(minutes=m) for m in (1, 5))
    assert asked == [(minute, made.now), (five, minute)]
