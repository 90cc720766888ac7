"""A monitor that raises silences no other, and says so."""

import pytest

from setpoint.maintain.triage import opens, triage
from setpoint.monitor import observe as watch
from setpoint.monitor.failed import FAILED, tried
from setpoint.monitor.observe import observe


def broken(*_seen):
    raise ValueError("the row of Ada Lovelace")
    yield


MONITORS = [
    *("process", "refused", "broken_rules", "repeats", "arrivals", "of_scope", "quality", "by_segment"),
    *("fairness", "worst_slices", "release", "outcomes", "service"),
]


@pytest.mark.parametrize("name", MONITORS)
def test_the_others_are_heard(monkeypatch, look, stream, damaged, name):
    seen = look(damaged(stream, 3_000, temp_c=lambda t: t * 1.8 + 32, demand=lambda d: d + 500), 3_000)
    whole = observe(seen)
    monkeypatch.setattr(watch, name, broken)
    left = observe(seen)
    (failed,) = (f for f in left if f.monitor == FAILED)
    assert failed.alarm
    assert "ValueError in test_failed.py" in failed.detail
    assert "Lovelace" not in failed.detail  # an error's words may hold values of rows
    assert len(left) >= 2
    assert set(left) - {failed} <= set(whole)


def test_a_failure_opens_no_incident(monkeypatch, look, stream):
    monkeypatch.setattr(watch, "service", broken)
    seen = look(stream, 3_000)
    found = observe(seen)
    assert triage((), [f for f in found if f.monitor == FAILED], seen.now, model="demand", version="v1") == ()
    assert all(f.monitor == FAILED or not f.alarm for f in found if opens(f))


def test_what_a_look_makes_beside_findings_stays_as_it_was(look, stream):
    seen = look(stream, 3_000)
    known, (failed,) = tried(seen, "study", lambda: 1 // 0, "the last one")
    assert (known, failed.metric) == ("the last one", "study")
    assert "ZeroDivisionError" in failed.detail
    assert tried(seen, "study", lambda: 3, 0) == (3, ())
