"""What a replay came to."""

from collections.abc import Mapping
from datetime import datetime

from setpoint.domain.fleet import Decided, Deployment
from setpoint.domain.value import value
from setpoint.ports import Trainer


@value
class Window:
    """One stretch between two looks: when it ended, its rows, and each policy's mean loss."""

    until: datetime
    rows: int
    loss: dict[str, float]


@value
class PolicyResult:
    """What one policy came to: mean loss per row, and what it did."""

    quality: float
    retrains: int
    promotions: int
    actions: tuple[str, ...]
    cost: float  # seconds of training


@value
class Replayed:
    """The race, window by window, and every decision."""

    policies: dict[str, PolicyResult]
    windows: tuple[Window, ...]
    decisions: tuple[Decided, ...]
    deployment: Deployment


def results_of(deployment: Deployment, trainer: Trainer, quality: Mapping[str, float]) -> dict[str, PolicyResult]:
    """Return what each policy came to, of what a deployment did and each policy's mean loss."""
    fits = [f"{deployment.model}-{d.at:%Y%m%dT%H%M%S}" for d in deployment.decisions if d.action == "fit"]
    seconds = sum(r.seconds for job in fits if (r := trainer.result(job)))
    did = tuple(d.action for d in deployment.decisions)
    ours = PolicyResult(
        quality=quality.get("setpoint", 0.0),
        retrains=did.count("fit"),
        promotions=did.count("promote"),
        actions=tuple(f"{d.at:%Y-%m-%d %H:%M} {d.action} {d.subject}" for d in deployment.decisions),
        cost=seconds,
    )
    never = PolicyResult(quality=quality.get("never", 0.0), retrains=0, promotions=0, actions=(), cost=0.0)
    return {name: result for name, result in (("setpoint", ours), ("never", never)) if name in quality}
