"""What the frames of a segment hold: records without the names of their columns, which stand once a segment.

A payload that is a map is a `Layout`, one that is an array is a record. Format 1 had the names in every record.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgspec

from setpoint.domain.record import InferenceRecord, Layout, Outcome, Scalar

_encode = msgspec.msgpack.Encoder().encode


class Packed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A record as it is written; the fields are those of `InferenceRecord`.

    `inputs` and `outputs` hold column after column, one value a row each; empty where there are none.
    """

    request_id: str
    version: str
    role: str
    arrived_us: int
    latency_us: int
    status: int
    caller: str
    ids: list[str]
    times_us: list[int]
    inputs: list[Scalar]
    outputs: list[Scalar]
    violations: list[str]
    maps: list[str]


class _Format1(msgspec.Struct, frozen=True, array_like=True):
    request_id: str
    model: str
    version: str
    role: str
    arrived_us: int
    latency_us: int
    status: int
    caller: str
    ids: list[str]
    times_us: list[int]
    inputs: dict[str, list[Scalar]]
    outputs: dict[str, list[Scalar]]
    violations: list[str] = []
    maps: list[str] = []


encode_layout: Callable[[Layout], bytes] = _encode
encode_outcomes: Callable[[Sequence[Outcome]], bytes] = _encode
decode_record: Callable[[bytes], Packed] = msgspec.msgpack.Decoder(Packed).decode
decode_layout: Callable[[bytes], Layout] = msgspec.msgpack.Decoder(Layout).decode
decode_outcomes: Callable[[bytes], list[Outcome]] = msgspec.msgpack.Decoder(list[Outcome]).decode
_decode_format_1: Callable[[bytes], _Format1] = msgspec.msgpack.Decoder(_Format1).decode


def encode_record(record: InferenceRecord) -> bytes:
    """Write a record without what its segment says."""
    return _encode(_fields(record))


def packed(record: InferenceRecord) -> Packed:
    """Return a record as it will be read."""
    return Packed(*_fields(record))


def _fields(record: InferenceRecord) -> tuple[Any, ...]:
    return (
        record.request_id,
        record.version,
        record.role,
        record.arrived_us,
        record.latency_us,
        record.status,
        record.caller,
        record.ids,
        record.times_us,
        [*chain.from_iterable(record.inputs)],
        [*chain.from_iterable(record.outputs)],
        record.violations,
        record.maps,
    )


def decode_format_1(payload: bytes, layout: Layout) -> Packed:
    """Read a record that names its own columns, and lay it out; what it lacks is missing.

    Raises
    ------
    ValueError
        If the payload is no such record.
    """
    old = _decode_format_1(payload)
    n = len(old.ids) or 1
    given = [column for columns in (old.inputs, old.outputs) for column in columns.values()]
    if any(len(column) != n for column in given if column):
        raise ValueError("columns of different length")
    return Packed(
        **{name: getattr(old, name) for name in Packed.__struct_fields__ if name not in ("inputs", "outputs")},
        inputs=_laid_out(old.inputs, layout.inputs, n),
        outputs=_laid_out(old.outputs, layout.outputs, n),
    )


def _laid_out(columns: Mapping[str, list[Scalar]], names: Sequence[str], n: int) -> list[Scalar]:
    if not columns:
        return []
    return [*chain.from_iterable(columns.get(name) or [None] * n for name in names)]


@dataclass(slots=True)
class Contents:
    """What frames of a segment said: the records of one layout and where they stood, and where nothing made sense."""

    layout: Layout | None
    records: list[Packed] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    strange: list[tuple[int, bytes]] = field(default_factory=list)


def records_in(frames: Iterable[tuple[int, bytes]], form: int, layout: Layout | None) -> Contents:
    """Decode the frames of a segment of records.

    Parameters
    ----------
    frames : iterable of (offset, payload)
    form : int
        Format of the segment.
    layout : Layout or None
        Of the segment, where it is known already; always for format 1.
    """
    found = Contents(layout)
    for at, payload in frames:
        try:
            if form != 1 and is_layout(payload):
                found.layout = decode_layout(payload)
                continue
            if found.layout is None:
                raise ValueError("nothing says what the columns are")
            record = decode_record(payload) if form != 1 else decode_format_1(payload, found.layout)
            if not sound(record, found.layout):
                raise ValueError("not one value a row")
        except ValueError:  # of which msgspec's errors are
            found.strange.append((at, payload))
            continue
        found.records.append(record)
        found.offsets.append(at)
    return found


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the search for cycles: thousands of new lists would start it again and again, and none is in a cycle."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


def is_layout(payload: bytes) -> bool:
    """Whether a payload is a map, and so a layout."""
    return payload[0] & 0xF0 == 0x80 or payload[0] in (0xDE, 0xDF)


def sound(record: Packed, layout: Layout) -> bool:
    """Whether all columns of a record have one value a row."""
    n, inputs, outputs, times = len(record.ids) or 1, record.inputs, record.outputs, record.times_us
    return (
        (not inputs or len(inputs) == n * len(layout.inputs))
        and (not outputs or len(outputs) == n * len(layout.outputs))
        and (not times or len(times) == len(record.ids))
    )
