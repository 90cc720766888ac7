"""The `envelope:` section of setpoint.yaml: the change-control plan."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from setpoint.config.alerts import QuietPart, quiet_hours
from setpoint.config.units import Part, fraction

Act = Literal[
    "restart",
    "isolate",
    "rollback",
    "fallback",
    "throttle",
    "workers",
    "inverse_map",
    "map_levels",
    "swap_back",
    "impute",
    "ignore",
    "hold",
    "retrain",
    "promote",
]
Way = Literal["refit", "continue", "partial_fit", "residual", "recalibrate", "threshold", "own"]
Fraction = Annotated[float, BeforeValidator(fraction), Field(ge=0)]
Step = Annotated[float, BeforeValidator(fraction), Field(gt=0, le=1)]


class RetrainPart(Part):
    """What holds for automatic trainings."""

    most_per_week: int | None = Field(default=None, ge=0)
    methods: list[Way] | None = None


class PromotePart(Part):
    """What holds for automatic promotions: how often, by how large steps, with how much evidence."""

    most_per_week: int | None = Field(default=None, ge=0)
    worse_by: Fraction | None = None
    gate_rows: int = Field(default=0, ge=0)
    shadow_rows: int = Field(default=0, ge=0)
    largest_step: Step = 1.0


class EnvelopePart(Part):
    """Which changes may happen without a person, and within which bounds."""

    automatic: list[Act] = [
        *("restart", "isolate", "rollback", "fallback", "inverse_map", "map_levels"),
        *("workers", "hold", "retrain", "promote"),
    ]
    ask: list[Act] = []
    max_actions_per_day: int = Field(default=6, ge=0)
    false_actions_per_year: float = Field(default=2.0, gt=0)
    hours: Annotated[QuietPart, BeforeValidator(quiet_hours)] | None = None
    retrain: RetrainPart = RetrainPart()
    promote: PromotePart = PromotePart()
    workers: int | None = Field(default=None, ge=1, le=256)


ENVELOPE: dict[str, type[Part]] = {"retrain": RetrainPart, "promote": PromotePart}
