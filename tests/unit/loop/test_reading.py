"""How many rows a look reads, however long the log is."""

from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.records import moment, stamp
from setpoint.domain.value import replace
from setpoint.loop import actions as do
from setpoint.loop.acts import act
from setpoint.loop.looks import reading
from setpoint.update.when import due

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


def late(rows, made, days, every=1):
    """The rows with outcomes that come so many days later, of each so many-th one; those not known by now have none."""
    known = rows.time + np.where(np.arange(len(rows)) % every == 0, days * 24, 1) * np.timedelta64(1, "h")
    return replace(rows, known=np.where(known <= stamp(made.now), known, np.datetime64("NaT", "us")))


def test_rows_whose_outcome_came_after_the_last_training_are_new_whenever_they_were_asked(made):
    rows, begun = late(made.rows(made.now - 20 * made.day, made.now), made, days=3), made.now - 2 * made.day
    had = rows.take(rows.known <= stamp(begun)).labelled
    trained = made.deployment(last_fit=begun, learnt_until=moment(had.time[-1]))
    ports = SimpleNamespace()
    new = reading.unlearnt(ports, trained, made.version(), rows, made.now - WEEKS, made.now)
    assert len(new) == 2 * 24
    assert new.time[0] > had.time[-1]
    assert new.time[-1] < stamp(begun)
    plan = due(new, now=made.now, cause="")
    assert plan.holdout_since > trained.learnt_until


@given(days=st.integers(0, 6), every=st.integers(1, 4), ago=st.integers(1, 12))
def test_no_new_row_could_have_been_in_the_last_training_however_late_outcomes_come(made, days, every, ago):
    rows, begun = late(made.rows(made.now - 20 * made.day, made.now), made, days, every), made.now - ago * made.day
    had = rows.take((rows.known <= stamp(begun)) & (rows.time < stamp(begun))).labelled
    look = made.look(begun, had, unlearnt=had)
    fit = do.Fit(job="j", plan=due(had, now=begun, cause=""), by="ann")
    trained = act(fit, SimpleNamespace(), made.deployment(), look)
    new = reading.unlearnt(SimpleNamespace(), trained, made.version(), rows, made.now - WEEKS, made.now)
    assert not set(new.id) & set(had.id)
    assert len(new) >= len(rows.labelled.between(begun, None))
