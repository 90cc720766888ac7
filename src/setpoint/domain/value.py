"""Frozen values: keyword-only, comparable, and JSON in both directions."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar, dataclass_transform

import msgspec

__all__ = ["field", "from_json", "replace", "to_json", "utc", "value"]

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Make a class a frozen value: change it with `replace`, store it with `to_json`, read it with `from_json`."""
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


def to_json(thing: object, *, pretty: bool = False) -> bytes:
    """Encode a value; `pretty` for files that people read."""
    raw = msgspec.json.encode(thing)
    return msgspec.json.format(raw, indent=2) + b"\n" if pretty else raw


def from_json(raw: bytes | str, kind: type[T]) -> T:
    """Decode a value of the given type; msgspec's error names the field that does not fit."""
    return msgspec.json.decode(raw, type=kind)


def utc(when: datetime) -> datetime:
    """Return the time in UTC; a time without zone is taken as UTC."""
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
