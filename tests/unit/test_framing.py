"""Frames survive whatever the tail of their file looks like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.store.framing import FRAME, add_frame, scan

PAYLOADS = st.lists(st.binary(min_size=1, max_size=40), max_size=8)


def framed(payloads: list[bytes]) -> bytes:
    buffer = bytearray()
    for payload in payloads:
        add_frame(buffer, payload)
    return bytes(buffer)


def read(data: bytes, *, closed: bool = True) -> list[bytes]:
    return [payload for _, payload in scan(data, 0, closed=closed).frames]


@given(PAYLOADS)
def test_what_was_framed_is_read(payloads: list[bytes]) -> None:
    found = scan(framed(payloads), 8, closed=True)
    assert [p for _, p in found.frames] == payloads
    assert (found.end, found.torn, found.corrupt) == (8 + len(framed(payloads)), 0, [])


@given(PAYLOADS, st.data())
def test_any_cut_leaves_exactly_the_whole_frames(payloads: list[bytes], data: st.DataObject) -> None:
    whole = framed(payloads)
    cut = data.draw(st.integers(0, len(whole)))
    kept = [p for i, p in enumerate(payloads) if len(framed(payloads[: i + 1])) <= cut]
    for closed in (True, False):
        found = scan(whole[:cut], 0, closed=closed)
        assert [p for _, p in found.frames] == kept
        assert found.end == len(framed(kept))
        assert found.corrupt == []
        assert found.torn == (cut - found.end if closed else 0)


@given(PAYLOADS, st.data())
def test_reading_in_two_goes_is_reading_in_one(payloads: list[bytes], data: st.DataObject) -> None:
    whole = framed(payloads)
    cut = data.draw(st.integers(0, len(whole)))
    first = scan(whole[:cut], 0, closed=False)
    second = scan(whole[first.end :], first.end, closed=True)
    assert [p for _, p in first.frames + second.frames] == payloads


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8), st.data())
def test_a_flipped_bit_costs_one_frame_and_is_told(payloads: list[bytes], data: st.DataObject) -> None:
    """Whether it hits a length, a checksum or a payload, and whichever frame it is in."""
    hit = data.draw(st.integers(0, len(payloads) - 1))
    start = len(framed(payloads[:hit]))
    at = data.draw(st.integers(start, start + FRAME.size + len(payloads[hit]) - 1))
    damaged = bytearray(framed(payloads))
    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    found = scan(bytes(damaged), 0, closed=True)
    assert [p for _, p in found.frames] == payloads[:hit] + payloads[hit + 1 :]
    assert bool(found.corrupt) != bool(found.torn)
    assert (found.corrupt or [(found.end, 0)])[0][0] == start


def test_a_damaged_last_frame_of_a_living_writer_is_waited_for() -> None:
    damaged = bytearray(framed([b"one", b"two"]))
    damaged[-1] ^= 1
    found = scan(bytes(damaged), 0, closed=False)
    assert [p for _, p in found.frames] == [b"one"]
    assert found.end == len(framed([b"one"]))
    assert found.corrupt == []


@pytest.mark.parametrize("tail", [b"\0" * 7, b"\0" * 8, b"\0" * 4096])
def test_zeros_are_no_frames(tail: bytes) -> None:
    """A file system may fill the end of a file with zeros after a power failure."""
    found = scan(framed([b"one"]) + tail, 0, closed=True)
    assert [p for _, p in found.frames] == [b"one"]
    assert found.torn == len(tail)


def test_a_length_that_points_to_a_later_frame_hides_none_between() -> None:
    """One flipped bit makes the first frame end where the second does."""
    damaged = bytearray(framed([b"a", b"b" * 8, b"c"]))
    damaged[0] ^= 16
    assert read(bytes(damaged)) == [b"b" * 8, b"c"]


def test_a_length_that_points_to_the_end_hides_none_between() -> None:
    damaged = bytearray(framed([b"a", b"b" * 8]))
    damaged[0] ^= 16
    assert read(bytes(damaged)) == [b"b" * 8]
