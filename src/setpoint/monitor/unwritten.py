"""Records that workers cannot write, and a disk that is nearly full."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from setpoint.domain.finding import Finding
from setpoint.domain.workload import Unwritten
from setpoint.monitor.seen import Seen

LEFT_SHARE, LEFT_BYTES = 0.05, 2**30  # free on a disk: less than both is nearly nothing
LATELY = timedelta(hours=1)  # what is written again is told of for so long: nobody may have been able to tell before
GIB = 2**30


def unwritten(seen: Seen) -> Iterator[Finding]:
    """Report each worker that holds records in memory, or did within the hour, and a disk that is nearly full."""
    for index, report in sorted(seen.reports.items()):
        found = report.unwritten
        if found is not None and (found.until is None or seen.now - moment(found.until) <= LATELY):
            until = seen.now if found.until is None else moment(found.until)
            yield Finding(
                monitor="disk",
                metric="unwritten",
                segment=f"worker {index}",
                since=min(moment(found.since), until),
                until=until,
                rows=found.most,
                value=float(max(found.most, 1)),
                limit=0.0,
                alarm=True,
                detail=f"worker {index}: {words(found, seen.now)}",
            )
    spaces = [(r.free_bytes, r.disk_bytes) for r in seen.reports.values() if r.free_bytes is not None and r.disk_bytes]
    for free, size in spaces[:1]:
        if free >= LEFT_BYTES or free / size >= LEFT_SHARE:
            continue
        yield Finding(
            monitor="disk",
            metric="free_bytes",
            since=seen.now,
            until=seen.now,
            rows=0,
            value=float(free),
            limit=float(min(LEFT_BYTES, LEFT_SHARE * size)),
            alarm=True,
            detail=f"{free / GIB:.2f} GiB of {size / GIB:.1f} GiB are free where records go",
        )


def words(found: Unwritten, now: datetime) -> str:
    """Say what is held in memory, and until when."""
    since = f"{moment(found.since):%Y-%m-%d %H:%M:%S}"
    if found.until is not None:
        over = f"{moment(found.until):%H:%M:%S}"
        return (
            f"records could not be written from {since} to {over} ({found.reason}); up to {found.most:,} were held in "
            "memory, and all are written"
        )
    rate = found.held / max((now - moment(found.since)).total_seconds(), 1.0)
    until = f": full in {(found.bound - found.held) / rate / 60:,.0f} min at {rate:.3g} a second" if rate else ""
    return (
        f"records cannot be written since {since} ({found.reason}); {found.held:,} of at most {found.bound:,} are held "
        f"in memory{until}, then requests are refused with 503"
    )


def moment(seconds: float) -> datetime:
    """Return seconds since the epoch as a time."""
    return datetime.fromtimestamp(seconds, UTC)
