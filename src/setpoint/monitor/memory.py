"""Workers whose resident memory grows and grows: a leak, told of before the machine has no more."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.monitor.seen import Seen

FEWEST = 30  # minutes
WARM = 5  # minutes after the start of a worker that tell nothing: it is still loading
GROWN = 0.1  # of what it began with
RISING = 0.9  # share of the pairs of minutes of which the later one is higher
HOURS = 24.0  # within which there would be no more
MIB = 2**20


def memory(seen: Seen) -> Iterator[Finding]:
    """Report each worker whose memory rises all the time, and would take all that is free within a day.

    The slope is the median of the slopes of all pairs of minutes (Theil–Sen); that nearly all pairs rise tells a leak
    from memory that is taken and given back.
    """
    for index, report in sorted(seen.reports.items()):
        minutes, bytes_ = (np.array([r[i] for r in report.resident], np.float64) for i in (0, 1))
        minutes, bytes_ = minutes[WARM:], bytes_[WARM:]
        if len(minutes) < FEWEST or report.memory_free is None:
            continue
        slope, rising = trend(minutes, bytes_)
        grown = slope * (minutes[-1] - minutes[0]) / bytes_[0]
        hours = report.memory_free / slope / 60 if slope > 0 else np.inf
        if rising < RISING or grown < GROWN or hours > HOURS:
            continue
        yield Finding(
            monitor="process",
            metric="memory",
            since=datetime.fromtimestamp(60 * minutes[0], UTC),
            until=seen.now,
            rows=len(minutes),
            value=float(slope * 60 / MIB),
            limit=float(report.memory_free / HOURS / MIB),
            alarm=True,
            detail=f"worker {index}: resident memory rose from {bytes_[0] / MIB:,.0f} to {bytes_[-1] / MIB:,.0f} MiB "
            f"in {minutes[-1] - minutes[0]:.0f} min, {slope * 60 / MIB:,.0f} MiB an hour; "
            f"{report.memory_free / MIB:,.0f} MiB are free, for {hours:.1f} h",
        )


def trend(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Return the median slope of all pairs of points, and the share of pairs that rise.

    References
    ----------
    Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63 (1968).
    """
    first, second = np.triu_indices(len(x), 1)
    slopes = (y[second] - y[first]) / (x[second] - x[first])
    return float(np.median(slopes)), float((slopes > 0).mean())
