"""What is recorded: answered requests, and the outcomes that arrive later."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec

from setpoint.domain.value import value

Scalar = float | int | str | bool | None
# the times that are recorded, both ends included: every program that reads the log can show them
EARLIEST_US = int(datetime(1900, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
LATEST_US = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000


OVERDUE_US = 8_000_000  # while versions share requests, one that is not answered by then has failed
MODEL_ERROR = "model_error"  # the violation of a request that the model failed to answer
# of one that it was answering when its process, or the worker itself, ended or hung; and their status
MODEL_ENDED, WORKER_ENDED, ENDED = "model_ended", "worker_ended", 502


class Role(StrEnum):
    """In which role a version answered."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    SHADOW = "shadow"
    BASELINE = "baseline"  # no version: what was stated for rows on which each fails


class Layout(msgspec.Struct, frozen=True):
    """The names of a record's columns, in their order: many records share one."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@cache
def layout_of(inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Layout:
    """Return the one layout with these columns: who groups records by it may compare identities."""
    return Layout(inputs, outputs)


class InferenceRecord(msgspec.Struct, frozen=True):
    """One request to one version. Times are microseconds since the epoch, UTC.

    `ids` has one id a row: what late outcomes are joined by. `inputs` and `outputs` have one column a name of the
    layout, with one value a row: inputs as they came, before any repair or imputing, and null where no value of the
    feature came; `maps` are the ids of the `FeatureMap`s applied after that. A refused request has its violations, no
    inputs and no outputs; those of an answered one are the rules of its contract that it broke.
    """

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
    layout: Layout
    inputs: Sequence[Sequence[Scalar]]
    outputs: Sequence[Sequence[Scalar]]
    violations: list[str] = []
    maps: list[str] = []

    @classmethod
    def named(
        cls, *, inputs: Mapping[str, Sequence[Scalar]], outputs: Mapping[str, Sequence[Scalar]], **fields: Any
    ) -> "InferenceRecord":
        """Return a record whose columns are given by name."""
        layout = layout_of(tuple(inputs), tuple(outputs))
        return cls(layout=layout, inputs=[*inputs.values()], outputs=[*outputs.values()], **fields)


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What turned out to be true for a record, and when that became known (microseconds since the epoch, UTC).

    `stated` says that whoever told it said when it became known; else that is the time at which it arrived.
    """

    id: str
    value: Scalar
    known_us: int
    stated: bool = True


@value
class OutcomeReceipt:
    """What became of a delivery of outcomes, in rows.

    `repeated` outcomes were known already with the same value; `corrected` ones replace another value, which is kept;
    `unknown` ids have no prediction in the log (they are kept, and join if it still arrives).
    """

    received: int
    recorded: int
    repeated: int
    corrected: int
    unknown: int
    unknown_examples: tuple[str, ...] = ()


@value
class Ingested:
    """What one ingestion moved from the spool to the log."""

    records: int = 0
    outcomes: int = 0
    torn_bytes: int = 0
    corrupt_frames: int = 0


@value
class Expired:
    """What was deleted because of its age, or to keep the log below a size: whole days, oldest first."""

    days: tuple[date, ...] = ()
    rows: int = 0
    bytes: int = 0


@value
class Erasure:
    """The receipt of an erasure: what was asked for, and what is gone; it names no erased id.

    `rows` and `outcomes` were deleted, `days` were affected: what is counted of them was counted anew. `segments` of
    the spool still held bytes of what was erased when it was done; they go when their writers have closed them.
    `learnt` are the versions in whose training set or reference its ids are; and, where a version does not know its
    records by id, those that were trained on records up to these days or later. `training` is the one under way whose
    set has its ids: what comes of it is refused.
    """

    id: str
    model: str
    asked: datetime
    by: str
    what: str
    ids: int = 0
    rows: int = 0
    outcomes: int = 0
    days: tuple[date, ...] = ()
    quarantined: int = 0
    segments: tuple[str, ...] = ()
    learnt: tuple[str, ...] = ()
    training: str = ""
    done: datetime | None = None


@value
class ProcessEvent:
    """Something that happened to a process of the data plane, as its supervisor saw it."""

    id: str
    at: datetime
    kind: str  # "crash", "restart", "hang"
    worker: int
    detail: str = ""
