"""Numbers by stretch of time as a line of small blocks."""

from itertools import pairwise

from setpoint.monitor.overview.values import Numbers

BLOCKS, ASCII = "▁▂▃▄▅▆▇█", "_.-~=+*#"
GAP = " "


def spark(values: Numbers, width: int, *, ascii_only: bool = False) -> str:
    """Return numbers as blocks from the smallest to the largest; neighbours are joined where they are too many.

    Where there is none the line has a gap; numbers that are all equal lie low.
    """
    known = [v for v in values if v is not None]
    if not known:
        return ""
    joined = _joined(values, width)
    low, high = min(known), max(known)
    span = high / 2 - low / 2  # halves: the difference of the largest numbers is infinite
    marks = ASCII if ascii_only else BLOCKS

    def mark(value: float) -> str:
        share = (value / 2 - low / 2) / span if span > 0 else 0.0
        return marks[min(int(share * len(marks)), len(marks) - 1)]

    return "".join(GAP if v is None else mark(v) for v in joined)


def _joined(values: Numbers, width: int) -> Numbers:
    """Return at most so many numbers, each the mean of neighbours."""
    if len(values) <= width:
        return values
    cuts = [len(values) * at // width for at in range(width + 1)]
    return tuple(_mean(values[first:last]) for first, last in pairwise(cuts))


def _mean(values: Numbers) -> float | None:
    known = [v for v in values if v is not None]
    return sum(v / len(known) for v in known) if known else None
