"""Freeze windows: when they hold, when they end, and how they are written."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.config import rollout
from setpoint.domain.freeze import Freeze, frozen
from setpoint.errors import InvalidInput


def window(text: str) -> Freeze:
    part = rollout.window(text)
    return Freeze(start_min=part.start, end_min=part.end, first=part.first, last=part.last, zone=part.zone)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "when", "until"),
    [
        ("fri 16:00 - mon 08:00", "2026-11-27 15:59", None),  # a Friday
        ("fri 16:00 - mon 08:00", "2026-11-27 16:00", "2026-11-30 08:00"),
        ("fri 16:00 - mon 08:00", "2026-11-30 07:59", "2026-11-30 08:00"),
        ("fri 16:00 - mon 08:00", "2026-11-30 08:00", None),
        ("Fri 16:00 - Mon 8:00 Europe/Berlin", "2026-11-27 15:00", "2026-11-30 07:00"),
        ("fri 16:00 - mon 08:00 Europe/Berlin", "2026-10-23 14:30", "2026-10-26 07:00"),  # summer time ends between
        ("mon 09:00 - mon 17:00", "2026-11-30 12:00", "2026-11-30 17:00"),
        ("2026-12-20 - 2027-01-05", "2027-01-05 23:59", "2027-01-06 00:00"),
        ("2026-12-20 - 2027-01-05 America/New_York", "2026-12-20 04:00", None),
    ],
)
def test_a_window_holds_and_ends(text: str, when: str, until: str | None) -> None:
    freeze = window(text)
    assert freeze.holds(at(when)) == (until is not None)
    assert until is None or freeze.end(at(when)) == at(until)
    assert frozen([freeze], at(when)) == ("" if until is None else f"frozen until {until} UTC ({freeze.words})")
    assert window(freeze.words) == freeze  # it is written as it is read


minutes = st.integers(0, 7 * 24 * 60 - 1)


@given(minutes, minutes, st.integers(0, 10 * 365 * 24 * 60))
def test_where_a_window_ends_it_holds_no_more(start: int, end: int, when: int) -> None:
    freeze, now = Freeze(start_min=start, end_min=end), at("2020-01-01") + timedelta(minutes=when)
    if freeze.holds(now):
        over = freeze.end(now)
        assert now < over <= now + timedelta(days=7)
        assert not freeze.holds(over)


@pytest.mark.parametrize(
    "text", ["", "fri", "fri 16:00", "fri 16:00 - mon 25:00", "fri 16:00 - 2026-12-01", "2027-01-05 - 2026-12-20",
             "fri 16:00 - mon 08:00 Europe/Atlantis", "monday 16:00 - tuesday 08:00"],
)  # fmt: skip
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"no freeze window|ends before|no time zone"):
        rollout.window(text)
