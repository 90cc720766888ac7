"""How long a caller is willing to wait, and what becomes of a request that waited longer."""

from collections.abc import Mapping

from setpoint.errors import DeadlineExceeded, InvalidInput

HEADER = b"x-request-timeout-ms"
MOST_MS = 3_600_000


class BadTimeout(InvalidInput):
    """A timeout that is none; `violations` is what is recorded."""

    violations = ("timeout:header",)


def deadline_of(headers: Mapping[bytes, bytes], started_ns: int) -> int:
    """Return when the caller stops waiting, on the clock of `started_ns`; 0 without the header.

    Raises
    ------
    BadTimeout
        If the header is no whole number from 1 to 3,600,000.
    """
    given = headers.get(HEADER)
    if given is None:
        return 0
    if not given.isdigit() or len(given) > 7 or not 1 <= int(given) <= MOST_MS:
        shown = given[:32].decode("latin-1")
        raise BadTimeout(f"x-request-timeout-ms: {shown!r}; expected whole milliseconds from 1 to {MOST_MS:,}")
    return started_ns + int(given) * 1_000_000


def too_late(started_ns: int, deadline_ns: int, now_ns: int) -> DeadlineExceeded:
    """Return the error for a request whose deadline passed while it waited."""
    allowed, waited = (deadline_ns - started_ns) / 1e6, (now_ns - started_ns) / 1e6
    return DeadlineExceeded(f"not run: it waited {waited:.0f} ms, and its deadline was after {allowed:.0f} ms")
