"""The `baseline:` section of setpoint.yaml: what answers rows on which no version does."""

from typing import Any

from pydantic import Field, model_validator

from setpoint.config.units import Part


class BaselinePart(Part):
    """One value, a feature of the request itself, or a version."""

    constant: Any = None
    column: str | None = Field(default=None, min_length=1)
    version: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one(self) -> "BaselinePart":
        given = [name for name in ("constant", "column", "version") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"name one of constant, column, version; it names {' and '.join(given) or 'none'}")
        if self.constant is not None and not isinstance(self.constant, str | int | float | bool):
            raise ValueError(f"constant: {self.constant!r} must be a number, a text, or true or false")
        return self
