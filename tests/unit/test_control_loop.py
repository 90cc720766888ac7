"""The loop of the control process outlives what it runs into."""

import threading

from setpoint.api.control import _keep_looking
from setpoint.errors import Unusable


class Failing:
    """Every look fails, in one way or another; it is told to stop after some."""

    def __init__(self, looks, stop):
        self.left, self.stop, self.told = looks, stop, 0

    def restore(self):
        raise Unusable("a worker does not follow")

    def tick(self):
        self.left -= 1
        if not self.left:
            self.stop.set()
        raise Unusable("disk full") if self.left % 2 else KeyError("anything")

    def tell(self):
        self.told += 1
        raise ConnectionError("no network")


def test_looks_and_messages_go_on_whatever_fails():
    stop = threading.Event()
    operator = Failing(4, stop)
    _keep_looking(operator, 0.0, stop)
    assert (operator.left, operator.told) == (0, 4)
