"""Replay: the same plan and the same effects on recorded time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from setpoint.config import SetpointFile
from setpoint.deploy.reference import features_of, target_of
from setpoint.domain.fleet import Decided, Deployment
from setpoint.domain.live import Live, repaired
from setpoint.domain.record import InferenceRecord, Outcome, ProcessEvent, Role
from setpoint.domain.records import Column, Columns, moment
from setpoint.domain.schema import Schema
from setpoint.domain.sensitive import Guard, guard_of, is_sensitive
from setpoint.domain.value import value
from setpoint.errors import InvalidInput
from setpoint.loop.clock import VirtualClock
from setpoint.loop.operator import Operator
from setpoint.ports import Recorder, Trainer
from setpoint.stats.losses import answer_losses

POLICIES = ("setpoint", "never")
EPOCH = np.datetime64(0, "us")


class RecordedPlatform:
    """Serves recorded traffic: holds what is live, and nothing ever happens to its processes."""

    def __init__(self) -> None:
        self._live = Live()

    def live(self) -> Live:
        """Return what is served."""
        return self._live

    def apply(self, live: Live) -> None:
        """Serve this from the next window on."""
        self._live = live

    def events(self) -> list[ProcessEvent]:
        """Return no events."""
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Recorded requests in time order, with the outcome of each and when it became known; arrays of shape (n,)."""

    time: Column  # datetime64[us]
    id: Column
    inputs: Columns
    outcome: Column
    known: Column  # datetime64[us]

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self.time)


@value
class Window:
    """One stretch between two looks: when it ended, its rows, and each policy's mean loss."""

    until: datetime
    rows: int
    loss: dict[str, float]


@value
class PolicyResult:
    """What one policy came to: mean loss per row, and what it did."""

    quality: float
    retrains: int
    promotions: int
    actions: tuple[str, ...]
    cost: float  # seconds of training


@value
class Replayed:
    """The race, window by window, and every decision."""

    policies: dict[str, PolicyResult]
    windows: tuple[Window, ...]
    decisions: tuple[Decided, ...]
    deployment: Deployment


def as_traffic_table(table: pa.Table, file: SetpointFile) -> tuple[pa.Table, SetpointFile]:
    """Return what `setpoint records --out` wrote as a table of traffic, with a setpoint file that names its columns.

    Any other table is returned as it is.
    """
    if "inputs" not in table.column_names or not pa.types.is_struct(table.schema.field("inputs").type):
        return table, file
    asked = table.filter(pc.and_(pc.equal(table["role"], Role.CHAMPION), pc.equal(table["status"], 200)))
    names = [field.name for field in table.schema.field("inputs").type]
    columns = {name: pc.struct_field(asked["inputs"], [name]) for name in names}
    beside = {file.target: asked["outcome"], "time": asked["time"], "id": asked["id"], "known": asked["known"]}
    named = file.model_copy(update={"time": "time", "id": "id", "outcome_time": "known"})
    return pa.table({**columns, **beside}), named


def traffic_of(table: pa.Table, file: SetpointFile, schema: Schema) -> Traffic:
    """Read recorded traffic from a table with the features, the target and the event time.

    Raises
    ------
    InvalidInput
        If a column is missing, or the table holds no rows.
    """
    assert file.time is not None  # `start_of` has read it
    wanted = [*schema.names, file.target, file.time, *filter(None, [file.id, file.outcome_time])]
    missing = [name for name in wanted if name not in table.column_names]
    if missing or not table.num_rows:
        raise InvalidInput(
            f"the recorded table lacks {', '.join(missing)}; it has {', '.join(table.column_names)}"
            if missing
            else "the recorded table holds no rows"
        )
    time = _times(table, file.time)
    order = np.argsort(time, kind="stable")
    delay = np.timedelta64(int(file.outcome_delay * 1e6), "us")
    known = _times(table, file.outcome_time) if file.outcome_time else time + delay
    ids = table[file.id].to_pylist() if file.id else [f"row-{i}" for i in range(table.num_rows)]
    return Traffic(
        time=time[order],
        id=np.array([str(i) for i in ids], dtype=object)[order],
        inputs={name: column[order] for name, column in features_of(table, schema.features).items()},
        outcome=target_of(table, schema)[order],
        known=known[order],
    )


def start_of(table: pa.Table, file: SetpointFile, every: timedelta) -> datetime:
    """Return the whole multiple of `every` at or before the first recorded event."""
    if file.time is None or file.time not in table.column_names:
        raise InvalidInput("replay needs event times: name their column as `time:` in setpoint.yaml")
    step = np.timedelta64(int(every.total_seconds() * 1e6), "us")
    first = _times(table, file.time).min() - EPOCH
    return moment(EPOCH + first // step * step)


def replay(
    operator: Operator,
    clock: VirtualClock,
    recorder: Recorder,
    file: SetpointFile,
    traffic: Traffic,
    *,
    every: timedelta,
    policies: Sequence[str] = POLICIES,
    releases: Sequence[tuple[datetime, SetpointFile]] = (),
    progress: Callable[[int], None] = lambda rows: None,
) -> Replayed:
    """Run the loop over recorded traffic.

    Parameters
    ----------
    operator, clock, recorder
        Wired to stores of their own, a `RecordedPlatform`, and a trainer that waits.
    every : timedelta
        Time between two looks; looks stand at whole multiples of it.
    policies : sequence of str
        Which of `POLICIES` to report.
    releases : sequence of (time, setpoint file)
        What people deployed by hand on the way.
    progress : callable
        Told the number of requests replayed so far, after each window.
    """
    if unknown := [p for p in policies if p not in POLICIES]:
        raise InvalidInput(f"unknown policy {unknown[0]!r}; known: {', '.join(POLICIES)}")
    model, first = file.model, operator.deployments(file.model)[0].served.champion
    schema = operator.ports.bundles.get(model, first).schema
    pending, windows = list(releases), []
    sums = dict.fromkeys(POLICIES, 0.0)
    for until, rows in _windows(traffic, every):
        while pending and pending[0][0] < until:
            clock.time, released = pending.pop(0)
            operator.deploy(released, by="replay")
        answers = _answer(operator, recorder, model, schema, traffic, rows)
        unmoved = operator.ports.scorer.score(model, first, _inputs(traffic, rows))
        clock.time = until
        operator.tick(until)
        scored = {"setpoint": answers, "never": unmoved}
        total = {
            n: float(np.nansum(answer_losses(s, traffic.outcome[rows], schema))) for n, s in scored.items() if n in sums
        }
        sums = {name: sums[name] + total[name] for name in sums}
        windows.append(Window(until=until, rows=len(rows), loss={n: t / len(rows) for n, t in total.items()}))
        progress(int(rows[-1]) + 1)
    deployment = operator.deployments(model)[0]
    return Replayed(
        policies=_results(deployment, operator.ports.trainer, {n: s / len(traffic) for n, s in sums.items()}),
        windows=tuple(windows),
        decisions=deployment.decisions,
        deployment=deployment,
    )


def _windows(traffic: Traffic, every: timedelta) -> Iterator[tuple[datetime, Column]]:
    step = np.timedelta64(int(every.total_seconds() * 1e6), "us")
    index = (traffic.time - EPOCH) // step
    for number in np.unique(index):
        yield moment(EPOCH + (number + 1) * step), np.flatnonzero(index == number)


def _inputs(traffic: Traffic, rows: Column) -> Columns:
    return {name: column[rows] for name, column in traffic.inputs.items()}


def _answer(
    operator: Operator, recorder: Recorder, model: str, schema: Schema, traffic: Traffic, rows: Column
) -> Columns:
    """Answer one window as the data plane would: the champion, then the shadow; record both, and the outcomes."""
    served = operator.ports.platform.live().models[model]
    raw = _inputs(traffic, rows)
    seen = repaired(raw, served.maps)
    maps = [m.id for m in served.maps]
    scores = operator.ports.scorer.score(model, served.champion, seen)
    asked = [(served.champion, Role.CHAMPION, scores)]
    if served.shadow is not None:
        asked.append((served.shadow, Role.SHADOW, operator.ports.scorer.score(model, served.shadow, seen)))
    times = (traffic.time[rows] - EPOCH).astype(np.int64).tolist()
    columns = {name: _plain(column) for name, column in raw.items()}
    guards = {v: _guard(operator, model, v) for v, _, _ in asked}
    recorder.append(
        [
            _kept(
                guards[version],
                InferenceRecord.named(
                    request_id=f"replay-{times[0]}",
                    model=model,
                    version=version,
                    role=role,
                    arrived_us=times[-1],
                    latency_us=0,
                    status=200,
                    caller="replay",
                    ids=traffic.id[rows].tolist(),
                    times_us=times,
                    inputs=columns,
                    outputs={name: column.tolist() for name, column in outputs.items()},
                    maps=maps,
                ),
            )
            for version, role, outputs in asked
        ]
    )
    known = (traffic.known[rows] - EPOCH).astype(np.int64).tolist()
    labels = zip(traffic.id[rows].tolist(), _labels(schema, traffic.outcome[rows]), known, strict=True)
    outcomes = [Outcome(id=i, value=v, known_us=k) for i, v, k in labels if v is not None]
    guard = guards[served.champion]
    recorder.append_outcomes(model, [guard.outcome(o) for o in outcomes] if guard else outcomes)
    return scores


def _guard(operator: Operator, model: str, version: str) -> Guard | None:
    """Return what hides the sensitive values of a version, as live: then the loop sees no more than it would."""
    schema = operator.ports.bundles.get(model, version).schema
    return guard_of(model, schema, operator.ports.keys.keys()) if is_sensitive(schema) else None


def _kept(guard: Guard | None, record: InferenceRecord) -> InferenceRecord:
    return record if guard is None else guard.record(record)


def _plain(column: Column) -> list[float | str | None]:
    """Return a column as a client sends it: null where a value is missing."""
    return [None if value is None or value != value else value for value in column.tolist()]


def _labels(schema: Schema, outcome: Column) -> list[float | int | str | bool | None]:
    known = _plain(outcome)
    if not schema.classes:
        return list(known)
    return [None if v is None else schema.classes[int(v)] for v in known]


def _times(table: pa.Table, name: str) -> Column:
    column = table[name]
    if not pa.types.is_timestamp(column.type):
        raise InvalidInput(f"column {name!r} must hold times; it holds {column.type}")
    times: Column = column.to_numpy().astype("datetime64[us]")
    return times


def _results(deployment: Deployment, trainer: Trainer, quality: dict[str, float]) -> dict[str, PolicyResult]:
    fits = [f"{deployment.model}-{d.at:%Y%m%dT%H%M%S}" for d in deployment.decisions if d.action == "fit"]
    seconds = sum(r.seconds for job in fits if (r := trainer.result(job)))
    did = tuple(d.action for d in deployment.decisions)
    ours = PolicyResult(
        quality=quality.get("setpoint", 0.0),
        retrains=did.count("fit"),
        promotions=did.count("promote"),
        actions=tuple(f"{d.at:%Y-%m-%d %H:%M} {d.action} {d.subject}" for d in deployment.decisions),
        cost=seconds,
    )
    never = PolicyResult(quality=quality.get("never", 0.0), retrains=0, promotions=0, actions=(), cost=0.0)
    return {name: result for name, result in (("setpoint", ours), ("never", never)) if name in quality}
