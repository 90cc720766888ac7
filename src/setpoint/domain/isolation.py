"""Rows that a model must not be asked, known by what they hold: each ends its process, or makes it hang."""

from setpoint.domain.value import value

SHORT = 12  # characters of a digest that words show


@value
class Isolation:
    """Requests with one of these `rows` (digests) are refused, as long as `version` is champion."""

    id: str
    version: str
    rows: tuple[str, ...]
