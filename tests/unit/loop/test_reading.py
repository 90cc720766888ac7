"""How many rows a look reads, however long the log is."""

from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from setpoint.domain.value import replace
from setpoint.loop.looks import reading

WEEKS = timedelta(days=56)


@pytest.fixture
def reads(made, monkeypatch):
    """Return a function: the unlearnt rows of a log of some years, and how many rows were read for them."""
    monkeypatch.setattr(reading, "ENOUGH", 1_000)
    log = made.rows(made.now - timedelta(days=1_500), made.now)

    def read(keep=1.0, **changes):
        whole = log.take(np.arange(len(log)) % round(1 / keep) == 0)
        windows = []

        def found(_, since=None, until=None, **__):
            windows.append(whole.between(since, until))
            return windows[-1]

        bundles = SimpleNamespace(get=lambda *_: made.version())
        ports = SimpleNamespace(log=SimpleNamespace(read=found), bundles=bundles)
        history = whole.between(made.now - WEEKS, None)
        deployment = replace(made.deployment(), **changes)
        rows = reading.unlearnt(ports, deployment, made.version(), history, made.now - WEEKS, made.now)
        return rows, sum(map(len, windows)), whole

    return read


def test_a_model_that_was_never_trained_is_not_read_from_its_first_day_at_each_look(reads):
    rows, read, _ = reads()
    assert (len(rows), read) == (56 * 24, 0)


def test_where_the_last_weeks_hold_few_outcomes_older_ones_are_read_too_for_three_years(reads, made):
    rows, _, whole = reads(keep=1 / 24)
    assert len(rows) == len(whole.between(made.now - timedelta(days=3 * 365), None))


def test_nothing_is_read_of_before_the_last_training(reads, made):
    for days in (10, 100):
        rows, _, whole = reads(keep=1 / 24, last_fit=made.now - timedelta(days=days))
        assert (rows.id == whole.between(made.now - timedelta(days=days), None).id).all()


def test_what_an_unnamed_incident_makes_doubtful_does_not_count_as_new_for_no_set_may_hold_it(made):
    rows = made.rows(made.now - 10 * made.day, made.now)
    unnamed = made.incident(since=made.now - 4 * made.day)
    deployment = made.deployment(incidents=(unnamed,))
    assert len(reading.learnable(rows, deployment, made.now)) == 6 * 24
    closed = made.deployment(incidents=(replace(unnamed, closed=made.now - 3 * made.day),))
    assert len(reading.learnable(rows, closed, made.now)) == 9 * 24
    assert len(reading.learnable(rows, made.deployment(), made.now)) == len(rows)
