"""Rows that repeat, silences, and how many rows come: planted, and a year of like with like."""

from datetime import timedelta

import numpy as np
import pytest

from setpoint.domain.records import moment, stamp
from setpoint.domain.value import replace
from setpoint.monitor.freshness import CAUTION, EXPECTED, FLOOR, arrivals, rate
from setpoint.monitor.micro import micro
from setpoint.monitor.repeats import repeats, row_codes

AT = 24 * 200


def hours(weeks, seed, per_hour=40.0, wobble=0.1):
    """Rows an hour: days, weekends, a slow wobble, and Poisson noise."""
    rng, n = np.random.default_rng(seed), 168 * weeks
    hour, slow = np.arange(n), np.zeros(n)
    for at in range(1, n):
        slow[at] = 0.95 * slow[at - 1] + wobble * np.sqrt(1 - 0.95**2) * rng.normal()
    weekend = np.where(hour % 168 >= 120, 0.4, 1.0)
    return rng.poisson(per_hour * weekend * (1 + 0.8 * np.sin(hour % 24 / 24 * 2 * np.pi)) * np.exp(slow)).astype(float)


@pytest.mark.parametrize("span", [1, 6, 24])
def test_two_years_of_hours_hold_hardly_a_false_alarm(span):
    """The budget leaves 0.03 a year; the dummy, less than half of the same hour a week ago, calls far more often."""
    false = dummy = 0
    for seed in range(2):
        counts = hours(52, seed)
        for end in range(168 * 8, len(counts), 2):
            found = rate(counts[end - 168 * 8 : end], span)
            if found is not None and found.expected >= EXPECTED:
                effect = abs(np.log((found.rows + 1) / (found.expected + 1)))
                false += effect > max(FLOOR, CAUTION * found.worst)
        dummy += int((counts[168:] < counts[:-168] / 2).sum())
    assert false <= 1
    assert dummy > 100


@pytest.fixture
def busy(look, stream):
    """Return a function: what a look sees when so many rows came in each hour, and none in the last `silent` hours."""

    def seen(counts, silent=0.0):
        plain = look(stream, AT)
        start = stamp(plain.now) - np.timedelta64(len(counts), "h")
        offsets = np.repeat(np.arange(len(counts)), counts.astype(int)) * 3_600_000_000
        within = np.random.default_rng(0).integers(0, 3_600_000_000, len(offsets))
        times = np.sort(start + (offsets + within).astype("timedelta64[us]"))
        times = times[times < stamp(plain.now - timedelta(hours=silent))]
        rows = plain.recent.take(np.arange(len(times)) % len(plain.recent))
        return replace(plain, answers=replace(rows, time=times))

    return seen


def alarms(seen):
    return {(f.metric, f.kind) for f in arrivals(seen) if f.alarm}


def test_a_usual_hour_is_quiet(busy):
    for seed in range(5):
        assert alarms(busy(hours(8, seed))) == set()


def test_silence_collapse_and_surge_are_told(busy):
    counts = hours(8, 0)
    assert ("freshness", "") in alarms(busy(counts, silent=20))
    fewer = np.r_[counts[:-24], counts[-24:] // 12]
    assert ("volume", "collapse") in alarms(busy(fewer))
    more = np.r_[counts[:-6], counts[-6:] * 12]
    assert ("volume", "surge") in alarms(busy(more))


def test_two_weeks_of_records_and_none_say_nothing(busy):
    assert list(arrivals(busy(hours(2, 0), silent=20))) == []
    assert list(arrivals(busy(np.zeros(10)))) == []


def test_silence_at_a_time_when_nothing_comes_is_natural(busy):
    counts = hours(8, 0) * (np.arange(168 * 8) % 24 < 4)
    assert alarms(busy(counts, silent=5)) == set()


def found(seen, metric):
    return [f for f in repeats(seen, micro(seen)) if f.metric == metric]


def test_rows_sent_twice_are_told_with_examples(stream, look, damaged):
    def twice(column):
        return np.repeat(column[:12], 2) if len(column) == 24 else np.r_[np.repeat(column[:12], 2), column[24:]]

    names = ("temp_c", "load", "month", "sky")
    assert found(look(stream, AT), "duplicates") == []
    (finding,) = found(look(damaged(stream, AT, **dict.fromkeys(names, twice)), AT), "duplicates")
    assert finding.alarm
    assert finding.value == 0.5
    assert finding.examples[0] == str(AT + 1)


def test_ids_that_come_twice_are_told(stream, look):
    seen = look(stream, AT)
    same = replace(seen.recent, id=np.full(24, "a", object))
    (finding,) = found(look(stream, AT, recent=same), "duplicate_ids")
    assert finding.alarm


def test_rows_that_repeat_by_nature_are_natural(stream, look):
    few = {name: np.round(column, -2) if name != "sky" else column for name, column in stream.items()}
    assert not any(f.alarm for at in range(AT, AT + 24 * 60, 24) for f in found(look(few, at), "duplicates"))


def test_codes_are_equal_where_all_columns_are():
    codes = row_codes(
        {"a": np.array([0.0, -0.0, np.nan, -np.nan, 1]), "b": np.array(["x", "x", None, None, "x"], object)}
    )
    assert codes[0] == codes[1] != codes[4]
    assert codes[2] == codes[3] != codes[0]


def test_a_look_without_history_says_nothing(stream, look):
    seen = look(stream, AT)
    bare = look(stream, AT, baseline=seen.baseline.take(np.arange(0)))
    assert list(repeats(bare, micro(bare))) == []
    assert list(arrivals(bare)) == []
    assert moment(seen.recent.time[0]) < seen.now
