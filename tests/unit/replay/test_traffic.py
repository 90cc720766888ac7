"""Where a replay looks: at whole multiples, and at the end of the table."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np

from setpoint.domain.records import Column, stamp
from setpoint.loop.replay.traffic import Traffic, windows_of
from setpoint.monitor.freshness import arrivals

DAY = timedelta(days=1)
START = datetime(2024, 3, 4, tzinfo=UTC)


def traffic(time: Column) -> Traffic:
    nothing = np.zeros(len(time))
    return Traffic(time=time, id=nothing.astype(object), inputs={}, outcome=nothing, known=time)


def every_minute(days: float) -> Traffic:
    return traffic(stamp(START) + np.arange(int(days * 1_440)) * np.timedelta64(60_000_000, "us"))


def alarms(recorded: Traffic, now: datetime) -> list[str]:
    seen: Any = SimpleNamespace(
        answers=SimpleNamespace(time=recorded.time), now=now, looks=365, level=lambda n, m: 1e-6
    )
    return [f.metric for f in arrivals(seen) if f.alarm]


def test_looks_stand_at_whole_multiples_and_the_last_where_the_table_ends() -> None:
    looks = [until for until, _ in windows_of(every_minute(2.5), DAY)]
    last = START + timedelta(days=2, hours=11, minutes=59, seconds=1)
    assert looks == [START + DAY, START + 2 * DAY, last]


def test_every_row_is_before_the_look_that_ends_its_window() -> None:
    time = stamp(START) + np.array([0, 86_400_000_000 - 1, 86_400_000_000])
    looks = list(windows_of(traffic(time), DAY))
    assert [list(rows) for _, rows in looks] == [[0, 1], [2]]
    assert all(time[rows].max() < stamp(until) for until, rows in looks)
    assert looks[0][0] < looks[1][0]


def test_the_end_of_a_table_is_not_taken_for_silence() -> None:
    """A row a minute to the middle of a day; from the end of that day it would look as if requests had stopped."""
    recorded = every_minute(28.5)
    *_, (last, _) = windows_of(recorded, DAY)
    assert alarms(recorded, last) == []
    assert alarms(recorded, START + 29 * DAY)[0] == "freshness"
