"""Rows known by what they hold."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import msgspec

from setpoint.domain.records import Column


def digests_of(columns: Mapping[str, Column], names: Sequence[str]) -> list[str]:
    """Return a digest a row, of the values of these columns in their order: equal rows have equal ones."""
    parts = [[_plain(v) for v in columns[name].tolist()] for name in names]
    return [blake2b(msgspec.json.encode(row), digest_size=16).hexdigest() for row in zip(*parts, strict=True)]


def _plain(value: float | str | None) -> float | str | None:
    if value is None or value != value:
        return None
    return value if isinstance(value, str) else float(value)
