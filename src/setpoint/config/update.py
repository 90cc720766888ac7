"""The `update:` section of setpoint.yaml."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from setpoint.config.units import Duration, Part, fraction

SHORTEST = 600.0  # seconds between two trainings
FEWEST_ROWS = 50  # of a training set
Worth = Annotated[float, BeforeValidator(fraction), Field(ge=0, lt=1)]
MethodName = Literal["auto", "refit", "continue", "partial_fit", "residual", "recalibrate", "threshold"]

Protection = Literal["files", "network"]


class CostPart(Part):
    """What an update costs, and what a better answer is worth, in a currency of your own."""

    training: float = Field(ge=0, allow_inf_nan=False)
    loss: float = Field(gt=0, allow_inf_nan=False)


class SetPart(Part):
    """What a version learns from, where it shall be more than the latest rows."""

    rows: Literal["auto", "reference", "all"] | Annotated[int, Field(ge=FEWEST_ROWS)] = "auto"
    window: Duration | None = None
    reference: Literal["oldest", "always", "never"] = "oldest"
    duplicates: Literal["keep", "weigh", "drop"] = "keep"
    label_issues: Literal["keep", "report", "drop"] = "keep"
    balance: Literal["none", "sqrt", "equal"] = "none"
    importance: bool = False


class UpdatePart(Part):
    """When a model is updated, and how."""

    every: Duration | None = None
    method: MethodName = "auto"
    worth: Worth = 0.01
    cost: CostPart | None = None
    may: list[Protection] = []
    training_set: SetPart = SetPart()

    @model_validator(mode="after")
    def _bearable(self) -> "UpdatePart":
        if self.every is not None and self.every < SHORTEST:
            raise ValueError("every is ten minutes at least: write 10m or more")
        return self
