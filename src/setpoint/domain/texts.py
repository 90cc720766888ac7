"""Columns of text: codes, times, trigrams, and hashes that are the same in every process."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column

NAME_CHARS = 200  # of a level that is kept
READ_CHARS = 512  # of a text that its trigrams are taken from
AT_ONCE = 2_000  # texts, which bounds the memory
BUCKETS = 256  # of the sketch of trigrams
HOURS = 168  # of a week, from Monday 00:00 UTC
FIRST_S, LAST_S = -62_135_596_800.0, 253_402_300_800.0  # the years 1 to 9999
_START, _END = "\x02", "\x03"  # control characters that stand for the ends of a text

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of texts: `codes` of shape (n,) point into the distinct `values`; -1 is null."""

    codes: IntArray
    values: Sequence[str]

    @classmethod
    def of(cls, column: Column) -> "Texts":
        """Return a column of str and None (other values as `str` writes them) with each text once."""
        known: dict[str, int] = {}
        codes = [-1 if v is None else known.setdefault(v if type(v) is str else str(v), len(known)) for v in column]
        return cls(np.array(codes, np.int64), list(known))

    @property
    def sizes(self) -> FloatArray:
        """Characters of each value."""
        return np.array([len(v) for v in self.values], np.float64)

    @property
    def times(self) -> FloatArray:
        """Seconds since 1970 of each value; NaN for one that is no ISO date or time."""
        return np.array([iso_seconds(v) for v in self.values], np.float64)

    @property
    def lengths(self) -> FloatArray:
        """Characters of each row; NaN for null."""
        return self.spread(self.sizes)

    def spread(self, numbers: FloatArray) -> FloatArray:
        """Return one number a row from one a value; NaN for null."""
        return np.append(numbers, np.nan)[self.codes]


def seconds(column: Column) -> FloatArray:
    """Return times, ISO text or numbers of seconds, as seconds since 1970, shape (n,); NaN for what is none."""
    if column.dtype == object:
        texts = Texts.of(column)
        return texts.spread(texts.times)
    numbers = column.astype(np.float64)
    return np.where((numbers >= FIRST_S) & (numbers < LAST_S), numbers, np.nan)


def iso_seconds(text: str) -> float:
    """Return an ISO date or time as seconds since 1970 (UTC where it has no zone); NaN if it is none."""
    if text[4:5] != "-":  # a row of digits is a number, not a date
        return float("nan")
    try:
        when = datetime.fromisoformat(text)
        return (when if when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return float("nan")


def hour_of_week(times: FloatArray) -> IntArray:
    """Return the hour of the week, 0 to 167 from Monday 00:00 UTC; of seconds since 1970, a Thursday."""
    return np.asarray((times // 3_600 + 72) % HOURS, np.int64)


def named(text: str) -> str:
    """Return a text as the name of a level: a long one is its beginning and a hash of the whole."""
    return text if len(text) <= NAME_CHARS else f"{text[:NAME_CHARS]}…{hashed(text):016x}"


def hashed(text: str) -> int:
    """Return a hash of 64 bits that every process and machine agrees on."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def trigrams(values: Sequence[str]) -> tuple[IntArray, NDArray[np.uint8]]:
    """Hash the trigrams of texts into buckets.

    A text is read with a mark at both ends, its first `READ_CHARS` characters at most: the empty one has no trigram.

    Returns
    -------
    starts : ndarray of shape (n + 1,)
        Where the trigrams of each text begin among all.
    buckets : ndarray of shape (starts[-1],)
        0 to `BUCKETS` - 1.
    """
    sizes = np.array([min(len(v), READ_CHARS) for v in values], np.int64)
    parts = [_buckets(values[at : at + AT_ONCE]) for at in range(0, len(values), AT_ONCE)]
    return np.concatenate([[0], np.cumsum(sizes)]), np.concatenate([np.zeros(0, np.uint8), *parts])


def _buckets(values: Sequence[str]) -> NDArray[np.uint8]:
    """Return the buckets of the trigrams of some texts, all texts' as one; at least one text."""
    framed = [f"{_START}{v[:READ_CHARS]}{_END}" for v in values]
    ends = np.cumsum([len(v) for v in framed])
    chars = np.frombuffer("".join(framed).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    mixed = (chars[:-2] << np.uint64(42)) ^ (chars[1:-1] << np.uint64(21)) ^ chars[2:]
    whole = np.ones(len(mixed), dtype=bool)
    whole[(ends[:-1, None] - [1, 2]).ravel()] = False  # those that reach into the next text
    mixed = mixed[whole] * np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing (Knuth, TAOCP 3, 6.4)
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(0xD6E8FEB86659FD93)
    return (mixed >> np.uint64(56)).astype(np.uint8)
