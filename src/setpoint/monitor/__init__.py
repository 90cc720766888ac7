"""From records and outcomes to findings."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from setpoint.monitor.evaluation import evaluate

__all__ = ["evaluate"]


def __getattr__(name: str) -> Any:
    """Find what needs no deployment when it is first asked for."""
    if name != "evaluate":
        raise AttributeError(f"module 'setpoint.monitor' has no attribute {name!r}")
    from setpoint.monitor.evaluation import evaluate

    return evaluate
