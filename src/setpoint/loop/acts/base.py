"""The one function that carries out any action."""

from functools import singledispatch

from setpoint.domain.fleet import Deployment
from setpoint.loop import actions as do
from setpoint.loop.looks.look import Look
from setpoint.loop.ports import Ports


@singledispatch
def act(action: do.Action, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    """Carry out an action. What it changes of what is served, `changes.settle` has served."""
    raise TypeError(f"no way to carry out {action!r}")
