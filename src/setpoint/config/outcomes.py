"""The `outcomes:` section of setpoint.yaml: which outcomes there are to learn at all."""

from pydantic import Field, model_validator

from setpoint.config.units import Part

LONGEST = 2_000


class OutcomesPart(Part):
    """Where an answer decides whether its own outcome will exist: a declined loan is never paid back."""

    exist_when: str | None = Field(default=None, min_length=1, max_length=LONGEST)
    propensity: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> "OutcomesPart":
        if self.propensity is not None and self.exist_when is None:
            raise ValueError("propensity needs exist_when: the condition under which an answer has an outcome at all")
        return self
