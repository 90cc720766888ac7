"""The steps of every prediction, whatever protocol it came by: decode, ask, and take the recorded answer."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from setpoint.domain.record import MODEL_ENDED, MODEL_ERROR
from setpoint.errors import (
    InvalidInput,
    Isolated,
    ModelEnded,
    ModelFailed,
    NotFound,
    Overloaded,
    SetpointError,
    Throttled,
)
from setpoint.serve.asked import Asked
from setpoint.serve.encode import status_of
from setpoint.serve.form import Form
from setpoint.serve.plane import DataPlane
from setpoint.serve.quiet import quiet
from setpoint.serve.table import Route, Target
from setpoint.serve.work import Answer


class Asking(Protocol):
    """A call: whose it is, and by when it must be answered; times are as `DataPlane.ask` takes them."""

    request_id: str
    answers: str  # set here: the version that the caller is told of
    caller: str
    arrived_us: int
    started_ns: int

    def deadline_ns(self) -> int:
        """Return by when it must be answered; 0 if nothing is said of that."""

    def routing_key(self) -> str:
        """Return what chooses among the versions of a model that has challengers."""


@dataclass(slots=True)
class Predicted:
    """What answered, what was asked, and the recorded answer."""

    target: Target
    asked: Asked
    answer: Answer


def predict(
    plane: DataPlane,
    route: Route,
    version: str | None,
    call: Asking,
    decode: Callable[[Form], Asked],
    done: Callable[[Predicted | SetpointError], None],
) -> None:
    """Ask; `done` is called once with what came of it, after it is recorded. What is refused is recorded as well.

    What is refused at once is only counted, but where chance has given the request to one of several versions.

    The id that a body carries becomes the id of the call: its client knows that one, and joins outcomes by it.

    Raises
    ------
    NotReady, Overloaded
        At once, if the plane takes no more, or no more of this caller; then `done` is not called.
    """
    try:
        if route.throttles is not None:
            route.throttles.admit(call.caller)
        _ask(plane, route, version, call, decode, done)
    except Throttled as e:
        plane.metrics.meter.stopped_by(e.by)
        raise
    except Overloaded:
        plane.metrics.meter.turned_away(route.champion.model, call.answers or route.champion.version)
        # of a narrow route nobody knows yet whether the request is meant
        if route.challengers and version is None and not route.narrow:
            plane.turn_away(
                route.target(call.answers),
                call.request_id,
                caller=call.caller,
                arrived_us=call.arrived_us,
                started_ns=call.started_ns,
            )
        raise


def _ask(
    plane: DataPlane,
    route: Route,
    version: str | None,
    call: Asking,
    decode: Callable[[Form], Asked],
    done: Callable[[Predicted | SetpointError], None],
) -> None:
    """Decode for the version that answers, and queue."""
    target = route.champion
    try:
        key = call.routing_key()  # a bad one is refused whether it would choose or not
        drawn = route.pick(key, call.caller) if route.challengers and version is None else route.target(version)
        target = route.champion if route.narrow and version is None else drawn
        call.answers = target.version
        deadline_ns = call.deadline_ns()
        plane.admit(target, call.started_ns, deadline_ns)
        asked = decode(target.form)
        if drawn is not target and route.means(asked.rows):
            target, call.answers = drawn, drawn.version
            plane.admit(target, call.started_ns, deadline_ns)
            asked = decode(target.form)  # which has a contract of its own
        elif target is route.champion and version is None and (earlier := route.instead(asked.rows)) is not None:
            target, call.answers = earlier, earlier.version
            plane.admit(target, call.started_ns, deadline_ns)
            asked = decode(target.form)
        if route.isolations is not None and target is route.champion:
            route.isolations.check(asked.rows)
    except (InvalidInput, NotFound) as e:
        if isinstance(e, Isolated):
            plane.metrics.meter.stopped_by(e.by)
        # a variable of this frame and the error would hold one another
        _refuse(plane, target, call, quiet(e, target.form) if target.guard else e, done)
        return
    call.request_id = asked.id or call.request_id
    plane.ask(
        target,
        asked.rows,
        call.request_id,
        caller=call.caller,
        arrived_us=call.arrived_us,
        started_ns=call.started_ns,
        deadline_ns=deadline_ns,
        done=lambda found: done(found if isinstance(found, SetpointError) else Predicted(target, asked, found)),
    )


def _refuse(
    plane: DataPlane,
    target: Target,
    call: Asking,
    error: SetpointError,
    done: Callable[[Predicted | SetpointError], None],
) -> None:
    """Record the refusal, then tell it."""
    plane.refuse(
        target,
        call.request_id,
        status=status_of(error),
        violations=violations_of(error),
        caller=call.caller,
        arrived_us=call.arrived_us,
        started_ns=call.started_ns,
        done=partial(_refused, done, error),
    )


def _refused(done: Callable[[Predicted | SetpointError], None], error: SetpointError, recorded: object) -> None:
    done(error)


def violations_of(error: SetpointError) -> tuple[str, ...]:
    """Return the codes that are recorded for an error."""
    match error:
        case ModelEnded():
            return (MODEL_ENDED,)
        case ModelFailed():
            return (MODEL_ERROR,)
        case NotFound():
            return ("version:unknown",)
        case _:
            return getattr(error, "violations", ())
