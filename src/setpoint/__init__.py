"""Setpoint operates AI models in production as one closed loop.

The verbs of the command line as functions that return domain values; each loads what it needs when it is first used:

>>> import setpoint
>>> setpoint.deploy("project/")  # doctest: +SKIP
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from setpoint.api.verbs import (
        advice,
        approve,
        check_envelope,
        compare,
        compare_interleaved,
        compare_versions,
        deploy,
        drill,
        erase,
        give_back,
        incidents,
        init,
        interleave,
        monitor,
        outcomes,
        records,
        refuse,
        reliability,
        replay,
        rollback,
        rollout,
        status,
        take_over,
        training_set,
        undo,
        update,
        versions,
    )

__version__ = "0.1.0"
__all__ = [
    "advice",
    "approve",
    "check_envelope",
    "compare",
    "compare_interleaved",
    "compare_versions",
    "deploy",
    "drill",
    "erase",
    "give_back",
    "incidents",
    "init",
    "interleave",
    "monitor",
    "outcomes",
    "records",
    "refuse",
    "reliability",
    "replay",
    "rollback",
    "rollout",
    "status",
    "take_over",
    "training_set",
    "undo",
    "update",
    "versions",
]


ROOMS = ("deploy", "monitor", "update")  # verbs that are stages too, with more to find in them


class _Stage(ModuleType):
    """A room, or a module, that has the name of a verb: calling it is calling the verb."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _verb(self.__name__.rpartition(".")[2])(*args, **kwargs)


class _Facade(ModuleType):
    """The package itself: importing a room leaves the verb of its name in place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in __all__ and isinstance(value, ModuleType):
            value.__class__ = _Stage
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Facade


def _verb(name: str) -> Any:
    return getattr(import_module("setpoint.api.verbs"), name)


def __getattr__(name: str) -> Any:
    """Find a verb when it is first asked for, so that `import setpoint` stays quick."""
    if name not in __all__:
        raise AttributeError(f"module 'setpoint' has no attribute {name!r}")
    if name in ROOMS:  # importing it makes it callable, and loads no more
        return import_module(f"{__name__}.{name}")
    if name in ("rollout", "versions"):  # verbs that have functions of their own
        found = import_module(f"setpoint.api.{name}")
        found.__class__ = _Stage
        return found
    return _verb(name)


def __dir__() -> list[str]:
    """Return the verbs."""
    return [*__all__, "__version__"]
