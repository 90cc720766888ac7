"""When the source of the inputs is asked, and what is remembered of one that does not answer."""

from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from setpoint.domain.audited import Audit, Refetched
from setpoint.domain.value import replace
from setpoint.loop.looks.auditing import audited
from setpoint.loop.refetching import counted_in, is_spent

HOUR = timedelta(hours=1)


class Source:
    """A source that counts how often it is asked; `knows` says whether it knows what it is asked for."""

    def __init__(self):
        self.asked, self.knows, self.error = [], False, ""

    def fetch(self, function, records):
        self.asked.append(len(records))
        known = np.full(len(records), self.knows)
        columns = dict(records.inputs) if self.knows else {}
        return Refetched(known=known, columns=columns, error=self.error)


@pytest.fixture
def looks(made):
    """Return a function: looks every half an hour for some hours, each beginning with what the last one kept."""

    class Looks:
        def __init__(self):
            self.source, self.now, self.asked_at = Source(), made.now, []
            self.deployment = replace(
                made.deployment(), audit=Audit(function="features.py:fetch", rows_per_day=24), audits=()
            )

        def __call__(self, hours):
            end, ports = self.now + hours * HOUR, SimpleNamespace(source=self.source)
            while self.now < end:
                self.now += HOUR / 2
                history = made.rows(self.now - timedelta(days=9), self.now)
                before = len(self.source.asked)
                found = audited(ports, self.deployment, made.version().schema, history, self.now)
                if len(self.source.asked) > before:
                    self.asked_at.append((self.now - made.now) / HOUR)
                self.deployment = replace(
                    self.deployment,
                    audits=(*self.deployment.audits, *found.audits),
                    unanswered=found.unanswered,
                )
            return found

    return Looks()


def test_a_source_that_knows_nothing_is_asked_ever_more_seldom_and_once_a_day_at_last(looks):
    looks.deployment = replace(looks.deployment, audit=Audit(function="features.py:fetch", rows_per_day=240))
    looks(6 * 24)  # twelve rows need 1.2 hours; a look is every half an hour
    assert np.diff(looks.asked_at).tolist() == [2.5, 5.0, 10.0, 19.5, 24.0, 24.0, 24.0, 24.0]


def test_what_is_said_of_a_silent_source_stays_between_two_times_that_it_is_asked(looks):
    first, later = looks(0.5), looks(5)
    assert first.why == later.why
    assert first.why.startswith("the source knows none of 24 records, '2024-05-31T20:30:00")
    assert "features.py:fetch, asked once since 2024-06-01 00:30, again after 2024-06-02 00:30 UTC" in first.why
    assert first.why.endswith("mend the function, then try `setpoint audit demand`")


def test_a_source_that_fails_is_no_better(looks):
    looks.source.error = "features.py:fetch: no answer in 30 s"
    assert looks(23).why.startswith("features.py:fetch: no answer in 30 s (")
    assert len(looks.source.asked) == 1


def test_another_function_is_asked_at_once(looks):
    looks(6)
    looks.deployment = replace(looks.deployment, audit=Audit(function="features.py:again", rows_per_day=24))
    assert "features.py:again, asked once since 2024-06-01 06:30" in looks(0.5).why


def test_a_source_that_answers_again_is_audited_as_usual_for_the_rows_it_missed(looks):
    looks(72)
    missed = len(looks.source.asked)
    looks.source.knows = True
    found = looks(48)
    assert (found.unanswered, found.why) == (None, "")
    assert len(looks.source.asked) - missed >= 3
    assert looks.deployment.audits[0].since < looks.deployment.audits[0].at - timedelta(days=2)


def test_what_an_incident_asks_for_is_counted_among_the_rows_of_the_day(looks):
    looks.source.knows = True
    looks(48)
    usual = sum(looks.source.asked)
    looks.deployment = counted_in(counted_in(looks.deployment, 500, looks.now), 12, looks.now)
    assert is_spent(looks.deployment, looks.now + 35 * HOUR)
    assert not is_spent(looks.deployment, looks.now + 36 * HOUR)
    looks(48)
    assert sum(looks.source.asked) - usual <= 48 - 24 - 12
