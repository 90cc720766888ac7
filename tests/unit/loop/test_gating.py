"""What the gate reads of the log."""

from datetime import timedelta
from types import SimpleNamespace

import pyarrow as pa
import pytest

from setpoint.loop.learning.gating import logged_since
from setpoint.update.sets.origin import PROVENANCE

DAY = timedelta(days=1)


@pytest.fixture
def read(made):
    """Return a function: the truth of a log of a year by what a set took from it, and since when it was read."""
    log, asked = made.rows(made.now - 365 * DAY, made.now), []

    def found(provenance):
        def rows(_, since, until, as_of):
            asked.append(since)
            return log.between(since, until)

        ports = SimpleNamespace(log=SimpleNamespace(read=rows))
        return logged_since(ports, "demand", provenance, made.now, made.now), asked

    return found


def taken(*times, source="log"):
    return pa.Table.from_pylist([{"source": source, "time": time} for time in times], schema=PROVENANCE)


def test_the_log_is_read_from_the_oldest_row_that_a_candidate_learnt_from_it(read, made):
    oldest = made.now - 9 * DAY
    provenance = pa.concat_tables([taken(made.now - 300 * DAY, source="v1"), taken(made.now - DAY, oldest)])
    logged, asked = read(provenance)
    assert asked == [oldest]
    assert len(logged) == 9 * 24


def test_where_a_candidate_learnt_nothing_from_the_log_nothing_is_read(read, made):
    assert read(taken(made.now - 300 * DAY, source="v1")) == ({}, [])


def test_where_nobody_knows_what_it_learnt_all_is_read(read):
    logged, asked = read(None)
    assert (len(logged), asked) == (365 * 24, [None])
