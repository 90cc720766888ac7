"""The steps of every prediction, whatever protocol it came by: decode, ask, and wait for the recorded answer."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from setpoint.errors import InvalidInput, ModelFailed, NotFound, SetpointError
from setpoint.serve.asked import Asked
from setpoint.serve.encode import status_of
from setpoint.serve.form import Form
from setpoint.serve.plane import DataPlane
from setpoint.serve.table import Route, Target
from setpoint.serve.work import MODEL_ERROR, Answer


class Asking(Protocol):
    """A call: whose it is, and by when it must be answered; times are as `DataPlane.ask` takes them."""

    request_id: str
    caller: str
    arrived_us: int
    started_ns: int
    deadline_ns: int


async def predict(
    plane: DataPlane, route: Route, version: str | None, call: Asking, decode: Callable[[Form], Awaitable[Asked]]
) -> tuple[Target, Asked, Answer]:
    """Return what answered, what was asked, and the recorded answer; what is refused is recorded as well.

    The id that a body carries becomes the id of the call: its client knows that one, and joins outcomes by it.
    """
    try:
        target = route.target(version)
        asked = await decode(target.form)
    except (InvalidInput, NotFound) as e:
        await plane.refuse(
            route.champion,
            call.request_id,
            status=status_of(e),
            violations=violations_of(e),
            caller=call.caller,
            arrived_us=call.arrived_us,
            started_ns=call.started_ns,
        )
        raise
    call.request_id = asked.id or call.request_id
    answer = await plane.ask(
        target,
        asked.rows,
        call.request_id,
        caller=call.caller,
        arrived_us=call.arrived_us,
        started_ns=call.started_ns,
        deadline_ns=call.deadline_ns,
    )
    return target, asked, answer


def violations_of(error: SetpointError) -> tuple[str, ...]:
    """Return the codes that are recorded for an error."""
    match error:
        case ModelFailed():
            return (MODEL_ERROR,)
        case NotFound():
            return ("version:unknown",)
        case _:
            return getattr(error, "violations", ())
