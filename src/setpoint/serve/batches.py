"""Which requests run together, and how much of each: no run is larger than the limit of its model."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, takewhile
from typing import Any

from setpoint.serve.form import Rows
from setpoint.serve.table import Target
from setpoint.serve.work import Answer, Work


def batches(queue: Sequence[Work], limit: int) -> Iterator[list[Work]]:
    """Group by target, refused requests apart; a group is cut where it would grow beyond `limit` rows.

    A request that is larger by itself is not cut here: it comes alone.
    """
    groups: dict[tuple[Target, bool], list[Work]] = {}
    for work in queue:
        groups.setdefault((work.target, work.rows is None), []).append(work)
    for group in groups.values():
        batch: list[Work] = []
        rows = 0
        for work in group:
            n = work.rows.n if work.rows else 0
            if batch and rows + n > limit:
                yield batch
                batch, rows = [], 0
            batch.append(work)
            rows += n
        yield batch


def fitting(waiting: Sequence[Work], seconds: Callable[[int], float], most_s: float) -> int:
    """Return how many requests, from the first, should run within a time: one at least.

    Parameters
    ----------
    waiting : sequence of Work
        To one target.
    seconds : callable
        How long a run of so many rows should take.
    most_s : float
    """
    rows = [work.rows.n if work.rows else 0 for work in waiting]
    if seconds(sum(rows)) <= most_s:
        return len(rows)
    return max(1, sum(1 for _ in takewhile(lambda total: seconds(total) <= most_s, accumulate(rows))))


def taken(waiting: Iterable[tuple[int, int]], room: int, seconds: Callable[[int], float], now_ns: int = 0) -> list[int]:
    """Return how many rows the next run takes of each waiting request, in their order.

    The first is always taken, as much of it as there is room for. Others come along whole, while there is room and
    the run should end before the tightest deadline in it.

    Parameters
    ----------
    waiting : iterable of (rows, deadline_ns)
        A deadline of 0 is none.
    room : int
        Rows of the run at most.
    seconds : callable
        How long a run of so many rows should take.
    now_ns : int
    """
    rows: list[int] = []
    total, tightest = 0, 0
    for n, deadline_ns in waiting:
        if not rows:
            n = min(n, room)
        tightest = min(tightest, deadline_ns) if tightest and deadline_ns else tightest or deadline_ns
        late = tightest and now_ns + seconds(total + n) * 1e9 > tightest
        if rows and (total + n > room or late):
            break
        rows.append(n)
        total += n
        if total >= room:
            break
    return rows


def part_of(rows: Rows, start: int, stop: int) -> Rows:
    """Return some of the rows; the model needs neither their ids nor their times."""
    if start == 0 and stop >= rows.n:
        return rows
    return Rows(min(stop, rows.n) - start, [column[start:stop] for column in rows.seen])


def joined(parts: Sequence[Answer]) -> Answer:
    """Return the answers to the parts of one request as its answer."""
    if len(parts) == 1:
        return parts[0]
    whole: Mapping[str, list[Any]] = {name: [] for name in parts[0]}
    for part in parts:
        for name, column in part.items():
            whole[name].extend(column)
    return whole
