"""Request ids, routing keys, and the time of an event as callers write it."""

import random
import time
from datetime import UTC, datetime
from typing import Any

from setpoint.domain.record import EARLIEST_US, LATEST_US
from setpoint.errors import InvalidInput

MAX_ID = 128
ROUTING_KEY = "x-routing-key"
A_TIME = "ISO 8601, like 2024-05-01T12:00:00Z, or seconds since 1970; from 1900 to 2200"
_bits = random.Random().getrandbits  # seeded by the operating system, once a process


def new_id(now_ns: int | None = None) -> str:
    """Return an id that sorts by time: a UUID of version 7 (RFC 9562, method 3), 250 ns and 62 random bits."""
    now_ns = time.time_ns() if now_ns is None else now_ns
    ms, rest_ns = divmod(now_ns, 1_000_000)
    high, low = _bits(14), _bits(48)
    return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{rest_ns * 4096 // 1_000_000:03x}-{0x8000 | high:04x}-{low:012x}"


def accepted_id(given: str) -> bool:
    """Whether a caller's own id can be used: 1 to 128 printable ASCII characters."""
    return 0 < len(given) <= MAX_ID and given.isascii() and given.isprintable()


class BadKey(InvalidInput):
    """A routing key that cannot be used; `violations` is what is recorded."""

    violations = ("key:header",)


def routing_key(given: str | None, request_id: str) -> str:
    """Return what chooses the version for a call: the caller's key, or the call's id where none was given.

    Raises
    ------
    BadKey
        If the key is not 1 to 128 printable ASCII characters.
    """
    if given is None:
        return request_id
    if not accepted_id(given):
        raise BadKey(f"{ROUTING_KEY}: {given[:32]!r}; expected 1 to {MAX_ID} printable ASCII characters")
    return given


def event_us(given: Any) -> int:
    """Return the time a caller gave as microseconds since the epoch.

    Parameters
    ----------
    given : str or number
        ISO 8601 (UTC when it has no zone), or a number since the epoch: seconds, or milli-, micro- or nanoseconds when
        seconds would lie beyond the year 5138.

    Raises
    ------
    ValueError
        If it is neither, or lies before 1900 or after the beginning of 2200.
    """
    found = _text_us(given) if isinstance(given, str) else _number_us(given)
    if not EARLIEST_US <= found <= LATEST_US:
        raise ValueError(f"{given!r} is not between 1900 and 2200")
    return found


def _text_us(given: str) -> int:
    when = datetime.fromisoformat(given)
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    return round(when.timestamp() * 1e6)


def _number_us(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int | float) or not abs(given) < 1e20:
        raise ValueError(f"{given!r} is no time")
    size = abs(given)
    if size < 1e11:
        return round(given * 1_000_000)
    if size < 1e14:
        return round(given * 1_000)
    return round(given) if size < 1e17 else round(given / 1_000)
