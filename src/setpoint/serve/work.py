"""One request on its way: what the door hands over, what a model makes of it, and the record of both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from setpoint.domain.record import ENDED, MODEL_ENDED, MODEL_ERROR, WORKER_ENDED, InferenceRecord
from setpoint.domain.records import Columns
from setpoint.errors import DeadlineExceeded, ModelEnded, ModelFailed, ModelGone, SetpointError, WorkerEnded
from setpoint.serve.deadlines import too_late
from setpoint.serve.form import Rows
from setpoint.serve.table import Target

Answer = Mapping[str, list[Any]]  # outputs by name, one entry a row


@dataclass(slots=True)
class Work:
    """A request and its future answer. `rows` is None for a refused one, which is only recorded."""

    target: Target
    rows: Rows | None
    request_id: str
    caller: str
    arrived_us: int
    started_ns: int  # of the monotonic clock
    done: "Callable[[Answer | SetpointError], None] | None"  # None once it was called
    status: int = 200
    violations: tuple[str, ...] = ()
    deadline_ns: int = 0  # of the same clock; 0: none
    overdue: bool = False  # it is recorded that the answer did not come in time

    def expire(self, now_ns: int) -> DeadlineExceeded:
        """Make it a refused request, for its deadline is over; return what to tell the caller."""
        self.rows, self.status, self.violations = None, 504, DeadlineExceeded.violations
        return too_late(self.started_ns, self.deadline_ns, now_ns)

    def settle(self, answer: Answer | SetpointError) -> None:
        """Give the caller what came out, once."""
        done, self.done = self.done, None
        if done:
            done(answer)


def answers(target: Target, parts: Sequence[Rows], first: int = 0) -> list[Answer | ModelFailed]:
    """Run the rows of several requests at once; when that fails, one by one, so that only the culprit fails.

    A process that ended under several is started again, and asked for each alone: only who ends it again has failed.
    `first` is the number of the first part's first row in its request, for messages.
    """
    try:
        outputs = _predict(target, parts)
    except Exception as e:  # a model is not our code
        ended = isinstance(e, ModelEnded)
        if len(parts) == 1 or (isinstance(e, ModelGone) and not ended):
            text = f"{target.model} {target.version} failed: {_said(e, target)}"
            return [(ModelEnded if ended else ModelFailed)(text) for _ in parts]
        return [answer for part in parts for answer in answers(target, [part], first if part is parts[0] else 0)]
    found: list[Answer | ModelFailed] = []
    start = 0
    lists = {name: column.tolist() for name, column in outputs.items()}
    sound = all(all(map(isfinite, lists[name])) for name, column in outputs.items() if column.dtype.kind == "f")
    if sound and len(parts) == 1:
        return [lists]
    for part in parts:
        stop = start + part.n
        wrong = None if sound else _not_finite(target, outputs, start, stop, 0 if start else first)
        found.append(wrong or {name: column[start:stop] for name, column in lists.items()})
        start = stop
    return found


def _said(error: Exception, target: Target) -> str:
    """Return what an error of a model says; its own words may hold values."""
    kind = type(error).__name__
    if target.guard and not isinstance(error, ModelGone):
        return "what it says is not repeated, for it has sensitive fields" if kind == "ModelFailed" else kind
    return f"{'' if isinstance(error, ModelFailed) else f'{kind}: '}{str(error)[:300]}"


def _predict(target: Target, parts: Sequence[Rows]) -> Columns:
    """Return the outputs of the schema, checked for their length."""
    columns = target.repair(target.form.stack(parts))
    given = target.loaded.model.predict(columns)
    n = sum([part.n for part in parts])
    outputs = {name: given[name] for name in target.form.outputs}
    for name, column in outputs.items():
        if column.shape != (n,):
            raise ValueError(f"output {name!r} has shape {column.shape} for {n} rows")
    return outputs


def _not_finite(target: Target, outputs: Columns, start: int, stop: int, first: int) -> ModelFailed | None:
    for name, column in outputs.items():
        if column.dtype.kind == "f":
            (bad,) = np.nonzero(~np.isfinite(column[start:stop]))
            if len(bad):
                value = column[start + bad[0]]
                row = first + bad[0]
                return ModelFailed(f"{target.model} {target.version} answered {name} = {value} for row {row}")
    return None


def record_of(work: Work, target: Target, answer: Answer | SetpointError, latency_us: int) -> InferenceRecord:
    """Return the record of a request to one version; the answer of a refused one is empty, or its error."""
    rows = work.rows
    failed = _failure(answer)
    given = None if isinstance(answer, SetpointError) else answer
    record = InferenceRecord(
        request_id=work.request_id,
        model=target.model,
        version=target.version,
        role=target.role,
        arrived_us=work.arrived_us,
        latency_us=latency_us,
        status=failed[0] if failed else work.status,
        caller=work.caller,
        ids=_ids(work) if rows else [],
        times_us=_times(work) if rows else [],
        layout=target.layout,
        inputs=rows.columns if rows else (),
        outputs=[given[name] for name in target.layout.outputs] if given else (),
        violations=[failed[1]] if failed else list(work.violations),
        maps=target.map_ids if rows else [],
    )
    return record if target.guard is None else target.guard.record(record)


def _failure(answer: Answer | SetpointError) -> tuple[int, str] | None:
    """Return the status and the violation of what a model failed to answer; None of what it answered."""
    match answer:
        case WorkerEnded():
            return ENDED, WORKER_ENDED
        case ModelEnded():
            return ENDED, MODEL_ENDED
        case ModelFailed():
            return 500, MODEL_ERROR
    return None


def _ids(work: Work) -> list[str]:
    """Return what outcomes are joined by: the row's own id, else the request's, numbered when it has several rows."""
    rows, request_id = work.rows, work.request_id
    assert rows is not None
    default = [request_id] if rows.n == 1 else [f"{request_id}/{i}" for i in range(rows.n)]
    return default if rows.ids is None else [own or other for own, other in zip(rows.ids, default, strict=True)]


def _times(work: Work) -> list[int]:
    rows = work.rows
    assert rows is not None
    if rows.times_us is None:
        return [work.arrived_us] * rows.n
    return [work.arrived_us if when is None else when for when in rows.times_us]
