"""A record log whose requests have callers and latencies of their own, and fail where the answer is no number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from setpoint.domain.fault import Fault
from setpoint.domain.incident import Cause
from setpoint.domain.record import MODEL_ERROR, InferenceRecord, Role, Scalar, layout_of
from setpoint.domain.records import Column
from setpoint.faults.scope import in_time, strength_at
from setpoint.store.memory import MemoryRecordLog

USUAL_US = 4_000.0  # median latency of answers: what they take is on no record that is replayed
SPREAD = 0.4  # of its logarithm


@dataclass
class FaultyLog(MemoryRecordLog):
    """A record log whose requests have callers and latencies of their own, and fail where the answer is no number.

    `callers` are by row id; who is not named asked as the replay does. `answers` keeps the score of each row by id.
    """

    score: str
    faults: tuple[Fault, ...] = ()
    callers: dict[str, str] = field(default_factory=dict)
    seed: int = 0
    answers: dict[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._rng = np.random.default_rng(self.seed)

    @property
    def _slow(self) -> tuple[Fault, ...]:
        return tuple(f for f in self.faults if f.kind is Cause.OVERLOAD)

    def under(self, faults: tuple[Fault, ...], callers: dict[str, str], seed: int) -> None:
        """Go on under faults."""
        self.faults, self.callers, self._rng = faults, callers, np.random.default_rng(seed)

    def append(self, records: Sequence[InferenceRecord]) -> None:
        """Take records in; the next `ingest` makes them visible."""
        for record in records:
            at = record.layout.outputs.index(self.score)
            if record.role != Role.SHADOW:
                self.answers.update(zip(record.ids, record.outputs[at], strict=True))
            super().append(list(self._parted(record, at)))

    def _parted(self, record: InferenceRecord, at: int) -> Iterator[InferenceRecord]:
        """Yield the rows that failed one by one, the others by caller, and where some are slow by row."""
        rows: dict[tuple[bool, str, int], list[int]] = {}
        for row, id_ in enumerate(record.ids):
            said = record.outputs[at][row]
            failed = said is None or bool(said != said)
            alone = row if failed or self._slow else -1
            rows.setdefault((failed, self.callers.get(id_, record.caller), alone), []).append(row)
        for (failed, caller, _), places in rows.items():
            yield self._one(record, places, failed, caller)

    def _one(self, record: InferenceRecord, rows: list[int], failed: bool, caller: str) -> InferenceRecord:
        whole = len(rows) == len(record.ids)
        part = msgspec.structs.replace(
            record,
            request_id=f"{record.request_id}-{rows[0]}",
            ids=record.ids if whole else [record.ids[r] for r in rows],
            times_us=record.times_us if whole else [record.times_us[r] for r in rows],
            inputs=record.inputs if whole else [[column[r] for r in rows] for column in record.inputs],
            outputs=record.outputs if whole else [[column[r] for r in rows] for column in record.outputs],
            caller=caller,
            latency_us=record.latency_us or self._latency_us(record.times_us[rows[0]]),
        )
        if not failed:
            return part
        return msgspec.structs.replace(
            part, status=500, violations=[MODEL_ERROR], layout=layout_of(record.layout.inputs, ()), outputs=[]
        )

    def _latency_us(self, time_us: int) -> int:
        """Draw a latency; under overload some answers take longer by the fault's delay."""
        usual = USUAL_US * float(np.exp(SPREAD * self._rng.normal()))
        when = np.array([time_us], "datetime64[us]")
        slow = sum(f.delay_s * 1e6 for f in self._slow if self._rng.uniform() < _strength(f, when))
        return round(usual + slow)


def _strength(fault: Fault, when: Column) -> float:
    return float(strength_at(fault, when)[0]) * bool(in_time(fault, when)[0])
