"""Durations, shares and sizes as people write them, and what every part of setpoint.yaml has in common."""

import difflib
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from setpoint.errors import InvalidInput

SIZES = ("B", "kB", "MB", "GB", "TB")
SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}


def seconds(text: Any) -> float:
    """Return a duration like `30s`, `15m`, `6h`, `7d` or `2w` in seconds.

    Raises
    ------
    InvalidInput
        If the text is no such duration.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", str(text))
    if not match:
        raise InvalidInput(f"{text!r} is no duration; write a number and a unit: 30s, 15m, 6h, 7d or 2w")
    return float(match[1]) * SECONDS[match[2]]


def fraction(text: Any) -> float:
    """Return a share like `10%` or `0.1` as a fraction.

    Raises
    ------
    InvalidInput
        If the text is no such share.
    """
    match = re.fullmatch(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?)\s*(%?)\s*", str(text))
    if not match:
        raise InvalidInput(f"{str(text)!r} is no share; write a percentage or a fraction: 10% or 0.1")
    return float(match[1]) / (100 if match[2] else 1)


def duration(seconds_: float) -> str:
    """Write seconds as the largest whole unit: 604800 → `7d`."""
    for unit in ("d", "h", "m"):
        if seconds_ % SECONDS[unit] == 0:
            return f"{seconds_ / SECONDS[unit]:g}{unit}"
    return f"{seconds_:g}s"


def size(text: Any) -> int:
    """Return a size like `500MB`, `20GB` or `1.5TB` in bytes (powers of 1000).

    Raises
    ------
    InvalidInput
        If the text is no such size.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kMGT]?B)\s*", str(text))
    if not match:
        raise InvalidInput(f"{text!r} is no size; write a number and a unit: 500MB, 20GB or 1.5TB")
    return int(float(match[1]) * 1_000 ** SIZES.index(match[2]))


Duration = Annotated[float, BeforeValidator(seconds)]
Size = Annotated[int, BeforeValidator(size)]


class Part(BaseModel):
    """Keys and values: others are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def nearest(word: str, known: tuple[str, ...]) -> str:
    """Return `; did you mean …?`, or nothing where no known word is near."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""
