"""From records and outcomes to findings; and what works on tables alone, with no deployment."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from setpoint.monitor.evaluation import evaluate
    from setpoint.monitor.proposal import propose
    from setpoint.monitor.tables.compared import compare

__all__ = ["compare", "evaluate", "propose"]
PLACES = {"compare": "tables.compared", "evaluate": "evaluation", "propose": "proposal"}


def __getattr__(name: str) -> Any:
    """Find what needs no deployment when it is first asked for."""
    if name not in PLACES:
        raise AttributeError(f"module 'setpoint.monitor' has no attribute {name!r}")
    return getattr(import_module(f"setpoint.monitor.{PLACES[name]}"), name)
