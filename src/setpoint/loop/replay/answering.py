"""Recorded requests, answered as the data plane would have answered them, and recorded with their outcomes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from setpoint.domain.baseline import BASELINE
from setpoint.domain.live import Served
from setpoint.domain.lying_within import lying
from setpoint.domain.record import InferenceRecord, Outcome, Role
from setpoint.domain.records import Column, Columns
from setpoint.domain.repaired import repaired
from setpoint.domain.routing import chosen
from setpoint.domain.schema import Schema
from setpoint.domain.sensitive import Guard, guard_of, is_sensitive
from setpoint.domain.within import Fallback
from setpoint.loop.looks.counted import rows_meant
from setpoint.loop.replay.traffic import EPOCH, Traffic, inputs_of
from setpoint.loop.verbs.operator import Operator
from setpoint.ports import Recorder
from setpoint.runtime.baseline import BaselineModel

CALLER = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one version answered to some of a window's rows; `place` are their places among these."""

    version: str
    role: Role
    place: Column
    outputs: Columns


def answer(operator: Operator, model: str, traffic: Traffic, rows: Column) -> list[Said]:
    """Ask whom the data plane would ask: champion or a challenger by its share, and the shadow beside them."""
    served = operator.ports.platform.live().models[model]
    seen = repaired(inputs_of(traffic, rows), served.maps)
    who = _routed(model, served, traffic.id[rows], seen)
    asked = [(served.champion, Role.CHAMPION, np.flatnonzero(who == ""))]
    for fallback, place in _instead(served, inputs_of(traffic, rows), asked[0][2]):
        asked[0] = (served.champion, Role.CHAMPION, np.setdiff1d(asked[0][2], place))
        asked.append((fallback.version, Role.BASELINE if fallback.baseline else Role.CHAMPION, place))
    asked += [(version, Role.CHALLENGER, np.flatnonzero(who == version)) for version in served.shares]
    if served.shadow is not None:
        asked.append((served.shadow, Role.SHADOW, asked[0][2]))
    return [
        Said(
            version=version,
            role=role,
            place=place,
            outputs=_score(operator, model, served, version, {name: c[place] for name, c in seen.items()}),
        )
        for version, role, place in asked
        if len(place)
    ]


def _score(operator: Operator, model: str, served: Served, version: str, inputs: Columns) -> Columns:
    if version != BASELINE:
        return operator.ports.scorer.score(model, version, inputs)
    baseline = next(f.baseline for f in served.fallbacks if f.baseline)
    champion = operator.ports.bundles.get(model, served.champion)
    return BaselineModel(baseline, champion.schema, champion.threshold).predict(inputs)


def given(said: list[Said], rows: int) -> Columns:
    """Return what callers were answered, row by row."""
    answers = [s for s in said if s.role is not Role.SHADOW]
    if len(answers) == 1:
        return answers[0].outputs
    found = {name: np.empty(rows, column.dtype) for name, column in answers[0].outputs.items()}
    for s in answers:
        for name, column in s.outputs.items():
            found[name][s.place] = column
    return found


def record(
    operator: Operator,
    recorder: Recorder,
    model: str,
    schema: Schema,
    traffic: Traffic,
    rows: Column,
    said: list[Said],
    exists: Column,
) -> None:
    """Record what was answered, and the outcomes of the rows of which one `exists`, shape (n,)."""
    served = operator.ports.platform.live().models[model]
    guards = {s.version: _guard(operator, model, served.champion if s.version == BASELINE else s.version) for s in said}
    recorder.append([_kept(guards[s.version], _record_of(served, model, traffic, rows, s)) for s in said])
    told = rows[exists]
    known = (traffic.known[told] - EPOCH).astype(np.int64).tolist()
    labels = zip(traffic.id[told].tolist(), _labels(schema, traffic.outcome[told]), known, strict=True)
    outcomes = [Outcome(id=i, value=v, known_us=k) for i, v, k in labels if v is not None]
    guard = guards[said[0].version]
    recorder.append_outcomes(model, [guard.outcome(o) for o in outcomes] if guard else outcomes)


def _routed(model: str, served: Served, ids: Column, inputs: Columns) -> Column:
    """Return the challenger that answers each row, and an empty text where the champion does."""
    who = np.full(len(ids), "", object)
    if served.shares:
        who[:] = [chosen(model, served.shares, key) or "" for key in ids.tolist()]
    if served.only is not None:
        who[~rows_meant(served.only, inputs) | (not served.only.asks(CALLER))] = ""
    return who


def _instead(served: Served, inputs: Columns, place: Column) -> Iterator[tuple[Fallback, Column]]:
    """Yield what answers some of these rows in the champion's place, with their places."""
    for fallback in served.fallbacks:
        mine = place[lying(fallback.within, inputs[fallback.within.feature][place])]
        place = np.setdiff1d(place, mine)
        yield fallback, mine


def _record_of(served: Served, model: str, traffic: Traffic, rows: Column, said: Said) -> InferenceRecord:
    asked = rows[said.place]
    times = (traffic.time[asked] - EPOCH).astype(np.int64).tolist()
    return InferenceRecord.named(
        request_id=f"replay-{times[0]}",
        model=model,
        version=said.version,
        role=said.role,
        arrived_us=int((traffic.time[rows[-1]] - EPOCH).astype(np.int64)),
        latency_us=0,
        status=200,
        caller=CALLER,
        ids=traffic.id[asked].tolist(),
        times_us=times,
        inputs={name: _plain(column) for name, column in inputs_of(traffic, asked).items()},
        outputs={name: column.tolist() for name, column in said.outputs.items()},
        maps=[*(m.id for m in served.maps), *(f.id for f in served.fallbacks if f.version == said.version)],
    )


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
