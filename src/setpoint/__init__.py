"""Setpoint operates AI models in production as one closed loop.

The verbs of the command line as functions that return domain values; each loads what it needs when it is first used:

>>> import setpoint
>>> setpoint.deploy("project/")  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from setpoint.api.verbs import (
        approve,
        compare,
        deploy,
        incidents,
        init,
        monitor,
        outcomes,
        records,
        replay,
        rollback,
        rollout,
        status,
        update,
    )

__version__ = "0.1.0"
__all__ = [
    "approve",
    "compare",
    "deploy",
    "incidents",
    "init",
    "monitor",
    "outcomes",
    "records",
    "replay",
    "rollback",
    "rollout",
    "status",
    "update",
]


def __getattr__(name: str) -> Any:
    """Find a verb when it is first asked for, so that `import setpoint` stays quick."""
    if name in __all__:
        return getattr(import_module("setpoint.api.verbs"), name)
    raise AttributeError(f"module 'setpoint' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the verbs."""
    return [*__all__, "__version__"]
