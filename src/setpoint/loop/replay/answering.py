"""Recorded requests, answered as the data plane would have answered them, and recorded with their outcomes."""

import numpy as np

from setpoint.domain.live import repaired
from setpoint.domain.record import InferenceRecord, Outcome, Role
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema
from setpoint.domain.sensitive import Guard, guard_of, is_sensitive
from setpoint.loop.operator import Operator
from setpoint.loop.replay.traffic import EPOCH, Traffic, inputs_of
from setpoint.ports import Recorder


def answer(
    operator: Operator, recorder: Recorder, model: str, schema: Schema, traffic: Traffic, rows: Column
) -> Columns:
    """Answer one window as the data plane would: the champion, then the shadow; record both, and the outcomes."""
    served = operator.ports.platform.live().models[model]
    raw = inputs_of(traffic, rows)
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
