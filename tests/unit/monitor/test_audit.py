"""Audits against the source: a skew is an alarm, what is normal is not, and the error rate is that of the budget."""

from datetime import timedelta

import numpy as np
import pytest

from setpoint.domain.audited import Audited, Difference
from setpoint.domain.value import replace
from setpoint.monitor.audit import audit
from setpoint.monitor.seen import FAMILIES
from setpoint.stats.mismatch import fewest_beyond

DAY = timedelta(days=1)
ROWS = 24


def one(now, differ, rows=ROWS, names=("temp_c", "load"), like=""):
    """Return an audit in which so many values of the first column differ."""
    found = Difference(column=names[0], rows=differ, first=now - DAY / 2, ids=("r1", "r2"), like=like)
    return Audited(at=now, since=now - DAY, until=now, rows=rows, columns=names, differ=(found,) if differ else ())


@pytest.fixture
def asked(look, stream):
    """Return a function: the findings of a look after daily audits with these numbers of differing values."""
    plain = replace(look(stream, 24 * 200), looks_per_year=365.0)

    def of(*differ, rows=ROWS, **more):
        made = [one(plain.now - k * DAY, d, rows, **more) for k, d in enumerate(reversed(differ))][::-1]
        return {f.column: f for f in audit(replace(plain, audits=tuple(made[:-1]), audited=(made[-1],)))}

    return of


def test_values_that_are_not_those_of_the_source_are_an_alarm(asked):
    found = asked(0, 0, 0, 12)
    assert found["temp_c"].alarm
    assert found["temp_c"].examples == ("r1", "r2")
    assert "12 of 24" in found["temp_c"].detail
    assert not found["load"].alarm


def test_a_source_that_never_agreed_is_an_alarm_at_once(asked):
    assert asked(20)["temp_c"].alarm


def test_a_source_that_always_differs_in_some_values_is_normal(asked):
    assert not asked(*[5, 7, 6, 4, 6, 5] * 4, 6)["temp_c"].alarm
    assert asked(*[5, 7, 6, 4, 6, 5] * 4, 23)["temp_c"].alarm


def test_a_few_values_a_day_are_found_within_the_week(asked):
    found = asked(*[0] * 20, *[3] * 7)["temp_c"]
    assert found.alarm
    assert found.rows > ROWS
    assert found.since.date() == (found.until - 6.5 * DAY).date()


def test_nothing_is_said_where_nothing_was_audited(look, stream):
    assert list(audit(look(stream, 24 * 200))) == []


@pytest.mark.parametrize(("share", "before"), [(0.02, 0), (0.02, 200), (0.1, 400)])
def test_false_alarms_are_as_rare_as_asked(share, before):
    """Simulated: of 20,000 audits in which as much differs as may, or as did before, no more than alpha are alarms."""
    rng, alpha = np.random.default_rng(1), 0.01
    usual, now = rng.binomial(before, share, 20_000), rng.binomial(ROWS, share, 20_000)
    fewest = {u: fewest_beyond(ROWS, (int(u), before), 0.02, alpha) for u in set(usual.tolist())}
    alarms = now >= np.array([fewest[u] for u in usual.tolist()])
    assert alarms.mean() < alpha * 1.1


def test_a_year_of_audits_opens_no_more_than_its_share_of_the_budget(asked):
    """Four years of daily looks at a source where 1 in 50 values differs: of two a year a sixteenth is ours."""
    days = np.random.default_rng(2).binomial(ROWS, 0.02, 4 * 365 + 8)
    alarms = sum(asked(*days[d : d + 8])["temp_c"].alarm for d in range(4 * 365))
    assert alarms <= 4 * 2 / (2 * FAMILIES) + 0.5
