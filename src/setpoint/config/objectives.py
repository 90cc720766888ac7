"""The lines of `objectives:`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from setpoint.config.metrics import EVERY, EXTRA_KEYS, GAPS, METRICS, QUALITY, is_own, known
from setpoint.config.units import SECONDS, Duration, Part, fraction, nearest

Share = Annotated[float, BeforeValidator(fraction), Field(gt=0, lt=1)]
Gap = Literal["selection_rate", "recall", "false_positive_rate", "accuracy", "mean_error"]
LIKE = {
    "top": "top: 10%",
    "gain": "gain: {tp: 10, fp: -2, fn: -6, tn: 0}",
    "quantile": "quantile: 0.9",
    "season": "season: 24",
    "of": "of: recall",
    "by": "by: sex",
}


class GainPart(Part):
    """What each kind of decision of a binary task brings, in a unit of your own."""

    tp: float = Field(allow_inf_nan=False)
    fp: float = Field(allow_inf_nan=False)
    fn: float = Field(allow_inf_nan=False)
    tn: float = Field(allow_inf_nan=False)


class ObjectivePart(Part):
    """One line of `objectives:`."""

    metric: str
    at_least: float | None = Field(default=None, allow_inf_nan=False)
    at_most: float | None = Field(default=None, allow_inf_nan=False)
    window: Duration = 7 * SECONDS["d"]
    top: Share | None = None
    gain: GainPart | None = None
    quantile: Share | None = None
    season: int | None = Field(default=None, ge=1)
    of: Gap | None = None
    by: str | None = None

    @model_validator(mode="after")
    def _bound(self) -> "ObjectivePart":
        if not is_own(self.metric) and self.metric not in EVERY:
            raise ValueError(
                f"unknown metric {self.metric!r}{nearest(self.metric, METRICS)}; known: {', '.join(METRICS)}, "
                "or a function of your own, like metrics.py:profit"
            )
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"objective {self.metric!r} needs either at_least or at_most")
        self._right_side()
        self._right_keys()
        return self

    def _right_side(self) -> None:
        match known(self.metric).better:
            case "lower" if self.at_least is not None:
                raise ValueError(f"{self.metric} is better when lower: write at_most, not at_least")
            case "higher" if self.at_most is not None:
                raise ValueError(f"{self.metric} is better when higher: write at_least, not at_most")
            case "near" if self.at_least is not None:
                ideal = known(self.metric).ideal
                raise ValueError(f"{self.metric} is better when near {ideal:g}: write at_most, for its distance")

    def _right_keys(self) -> None:
        needs = known(self.metric).needs
        for key in EXTRA_KEYS:
            given = getattr(self, key) is not None
            if key in needs and not given:
                raise ValueError(f"objective {self.metric!r} needs {key!r} too, like {LIKE[key]}")
            if given and key not in needs:
                raise ValueError(f"objective {self.metric!r} takes no {key!r}")


def misfit(part: ObjectivePart, task: str, segments: list[str]) -> str:
    """Return in words why an objective does not fit a task or the segments of its model; empty where it does."""
    if part.metric in EVERY and task not in known(part.metric).tasks:
        return f"{part.metric} does not fit task {task}; its quality metrics are {', '.join(QUALITY[task])}"
    if part.of is not None and part.of not in GAPS[task]:
        return f"fairness_gap of {part.of} does not fit task {task}; it can be of {', '.join(GAPS[task])}"
    if part.by is not None and part.by not in segments:
        return f"fairness_gap by {part.by!r} needs it among `segments:`; they are {', '.join(segments) or 'none'}"
    return ""
