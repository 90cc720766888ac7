"""Levels of a category: as users send them, and as columns spell them."""

from collections.abc import Callable

from setpoint.domain.schema import DType, Level

READ: dict[DType, Callable[[str], Level]] = {
    DType.STRING: str,
    DType.INT: int,
    DType.FLOAT: float,
    DType.BOOL: lambda text: text == "True",
}


def spelled(dtype: DType, level: Level) -> str:
    """Return a level as columns spell it."""
    match dtype:
        case DType.STRING:
            return str(level)
        case DType.INT:
            return str(int(level))
        case DType.BOOL:
            return str(bool(level))
        case _:
            return str(float(level))


def read_level(dtype: DType, text: str) -> Level | None:
    """Return the level that is spelled so; None if the type has none."""
    try:
        level = READ[dtype](text)
    except ValueError:
        return None
    return level if spelled(dtype, level) == text else None
