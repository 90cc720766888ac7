"""Whether a candidate is born with a line through its answers, and on how many rows that is fitted."""

from setpoint.domain.update import LINED, Method
from setpoint.domain.version import ModelVersion
from setpoint.loop.looks.situation import unit_rows
from setpoint.update.line import FEWEST


def line_rows(champion: ModelVersion, method: Method) -> int:
    """Return on how many of the newest rows a candidate's line is to be fitted: a unit; 0 for none.

    A candidate gets a line where the champion has one: there recalibration pays, and without it a better model would
    have to beat the line as well.
    """
    return unit_rows(champion) if champion.calibration is not None and method in LINED else 0


def spared(rows: int, new_rows: int | None) -> int:
    """Return how many rows of a set the model is kept from, for its line: half of the new ones at most, 0 if too few.

    Parameters
    ----------
    rows : int
        As `line_rows` has it.
    new_rows : int or None
        The last rows of the set, which no training has seen; None: not known.
    """
    most = min(rows, (new_rows or 0) // 2)
    return most if most >= FEWEST else 0
