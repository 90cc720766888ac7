"""Who may wait, decided by simulation: at twice the capacity the accepted are answered in time, and none is idle."""

import heapq
from math import inf

import numpy as np
import pytest

from setpoint.errors import Overloaded
from setpoint.serve.admission import REQUESTS, ROWS, WAIT_S, Ahead, admit
from setpoint.serve.pace import Pace

LIMIT = 1_024


def refused(*asked, **more):
    """Return why a request is refused, or None."""
    try:
        return admit(*asked, **more)
    except Overloaded as e:
        return e


class OneServer:
    """A queue before one model, asked by callers who never slow down; times are seconds."""

    def __init__(self, seconds, load, deadline=inf, until=120.0):
        self.seconds, self.deadline = seconds, deadline
        rng = np.random.default_rng(3)
        rate = load * max(n / seconds(n) for n in (1, 8, 64, 1_023))
        gaps = rng.exponential(1 / rate, int(rate * until))
        self.arrivals = np.cumsum(gaps).tolist()
        self.waits, self.refused, self.rows_run, self.busy = [], 0, 0, 0.0
        self.run()

    def run(self):
        pace, queue, ends, running = Pace(), [], 0.0, 0
        expected = started = 0.0
        events = list(self.arrivals)
        heapq.heapify(events)
        while events or queue:
            now = events[0] if events else inf
            if (running and ends <= now) or not events:
                now = ends
                running = 0
            else:
                heapq.heappop(events)
                room = pace.room(LIMIT)
                run_s = pace.seconds(room)
                run_s = 0.0 if run_s == inf else run_s
                left = abs(expected - (now - started)) if running else 0.0
                ahead = Ahead(len(queue), len(queue) + running, left + len(queue) // room * run_s, run_s, run_s)
                if refused(ahead, 1, self.deadline):
                    self.refused += 1
                else:
                    queue.append(now)
            if not running and queue:
                n = min(len(queue), pace.room(LIMIT))
                taken, queue = queue[:n], queue[n:]
                spent = self.seconds(n)
                expected, started = (0.0 if pace.seconds(n) == inf else pace.seconds(n)), now
                pace.add(n, spent)
                running, ends = n, now + spent
                self.waits += [ends - t for t in taken]
                self.rows_run, self.busy = self.rows_run + n, self.busy + spent


MODELS = {"linear": lambda n: 0.02 * n, "call": lambda n: 0.5, "both": lambda n: 0.05 + 0.005 * n}


@pytest.mark.parametrize("name", ["linear", "both"])
def test_at_twice_the_capacity_the_accepted_are_answered_in_time_and_the_model_is_never_idle(name):
    seen = OneServer(MODELS[name], load=2.0)
    longest = MODELS[name](31)
    assert np.quantile(seen.waits, 0.99) <= WAIT_S + 2 * longest
    assert seen.busy / max(seen.arrivals) > 0.97
    assert 0.3 < seen.refused / len(seen.arrivals) < 0.7


@pytest.mark.parametrize("name", MODELS)
def test_at_half_the_capacity_next_to_nobody_is_refused(name):
    seen = OneServer(MODELS[name], load=0.5 if name == "linear" else 0.1)
    assert seen.refused / len(seen.arrivals) < 0.02


def test_the_callers_deadline_takes_the_place_of_the_bound():
    seen = OneServer(MODELS["linear"], load=2.0, deadline=0.6)
    assert np.quantile(seen.waits, 0.99) <= 0.6 + 0.25


def test_an_idle_worker_refuses_nothing_for_its_size():
    assert refused(Ahead(), 10 * ROWS) is None
    assert refused(Ahead(requests=1, rows=5), ROWS) is not None
    assert refused(Ahead(requests=REQUESTS, rows=REQUESTS), 1) is not None


def test_what_cannot_be_done_before_its_deadline_is_refused_at_once():
    error = refused(Ahead(own_s=0.4), 1, left_s=0.1)
    assert "an answer would take 0.4 s, and 0.1 s are left" in str(error)
    assert refused(Ahead(own_s=0.4), 1, left_s=0.5) is None


def test_retry_after_is_when_the_queue_will_be_short_enough():
    assert refused(Ahead(requests=9, rows=9, wait_s=4.5), 1).retry_after_s == 4
    assert refused(Ahead(requests=9, rows=9, wait_s=1e9), 1).retry_after_s == 60
