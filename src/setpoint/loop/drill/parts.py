"""The parts of a replay in which faults of answers and of processes are planted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from setpoint.config import SetpointFile
from setpoint.domain.fault import Fault
from setpoint.domain.incident import Cause
from setpoint.domain.live import Live
from setpoint.domain.record import MODEL_ERROR, InferenceRecord, ProcessEvent, Role, Scalar, layout_of
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema
from setpoint.domain.value import replace
from setpoint.domain.version import ModelVersion
from setpoint.faults.answers import spoiled
from setpoint.faults.scope import in_time, strength_at
from setpoint.loop.changes import settle
from setpoint.loop.operator import Operator
from setpoint.loop.releasing import released
from setpoint.ports import Clock, Scorer
from setpoint.store.memory import MemoryRecordLog

USUAL_US = 4_000.0  # median latency of answers where nobody says what it was
SPREAD = 0.4  # of its logarithm


@dataclass(slots=True, kw_only=True)
class FaultyScorer:
    """Asks versions as they answer under the faults that are planted in answers.

    One without a version is in whatever answers, from its beginning on.
    """

    scorer: Scorer
    schema: Schema
    faults: tuple[Fault, ...]
    clock: Clock

    def score(self, model: str, version: str, inputs: Columns) -> Columns:
        """Return the outputs of a version, by output name."""

        def ask(columns: Columns) -> Columns:
            return self.scorer.score(model, version, columns)

        for fault in (f for f in self.faults if f.kind in (Cause.RELEASE, Cause.EXCEPTION)):
            if fault.version in ("", version) and (fault.version or fault.since <= self.clock.now()):
                return spoiled(fault, ask, inputs, self.schema)
        return ask(inputs)

    def apart(self, model: str, version: str, inputs: Columns | None) -> tuple[Columns, float]:
        """Return the same of a fresh copy, which here is none."""
        return ({} if inputs is None else self.score(model, version, inputs)), 0.0


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
        part = msgspec.structs.replace(
            record,
            request_id=f"{record.request_id}-{rows[0]}",
            ids=[record.ids[r] for r in rows],
            times_us=[record.times_us[r] for r in rows],
            inputs=[[column[r] for r in rows] for column in record.inputs],
            outputs=[[column[r] for r in rows] for column in record.outputs],
            caller=caller,
            latency_us=self._latency_us(record.times_us[rows[0]]) if self._slow else record.latency_us,
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


class FaultyPlatform:
    """Serves recorded traffic: holds what is live; what happens to its processes is planted."""

    def __init__(self, events: tuple[ProcessEvent, ...] = ()) -> None:
        self._live, self._events = Live(), events

    def live(self) -> Live:
        """Return what is served."""
        return self._live

    def apply(self, live: Live) -> None:
        """Serve this from the next window on."""
        self._live = live

    def holds(self, model: str, version: str) -> bool:
        """Whether a version is loaded: here nothing is."""
        return False

    def events(self) -> list[ProcessEvent]:
        """Return what is planted."""
        return list(self._events)


@dataclass(frozen=True, slots=True, kw_only=True)
class Releasing(Operator):
    """An operator whose releases are copies of the champion under a new name: what is wrong with them is planted."""

    def deploy(self, file: SetpointFile, **_: object) -> ModelVersion:
        """Have a copy of the champion take over."""
        ports, model, now = self.ports, file.model, self.clock.now()
        before = ports.state.load(model)
        champion = before.served.champion
        with TemporaryDirectory(prefix="setpoint-drill-") as folder:
            staged = Path(copytree(ports.bundles.folder(model, champion), Path(folder) / "copy"))
            manifest = ports.bundles.get(model, champion)
            copy = replace(manifest, version=ports.bundles.next_name(model))
            version = ports.bundles.add(staged, copy)
        settle(ports, before, released(ports.bundles, before, version.version, now, "somebody", "deployed"))
        return version


def event(fault: Fault, at: datetime, number: int) -> ProcessEvent:
    """Return what a supervisor would tell of a crash or a hang."""
    kind = "hang" if fault.way == "hang" else "crash"
    detail = "no heartbeat for 10 s" if kind == "hang" else "exit code -9"
    return ProcessEvent(id=f"drill-{number}", at=at, kind=kind, worker=0, detail=detail)
