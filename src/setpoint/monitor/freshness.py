"""Whether records come, and as many as at this hour of other weeks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.records import moment, stamp
from setpoint.monitor.seen import PARTS, YEAR_S, Seen
from setpoint.stats.intervals import t_quantile

HOUR = np.timedelta64(1, "h")
WEEK = 168  # hours
FEWEST_WEEKS, MOST_WEEKS = 3, 4  # of records, and earlier ones that foretell an hour
SPANS = (1, 6, 24)  # hours that are counted together
FLOOR = float(np.log(2.0))  # half, or twice as many
CAUTION = 1.5  # times the worst that the last weeks held
EXPECTED = 10.0  # rows below which an hour tells nothing

FloatArray = NDArray[np.float64]


def arrivals(seen: Seen) -> Iterator[Finding]:
    """Report that no record has come for too long, and a collapse or a surge of their number.

    Both look at event times, and need three weeks of them: weekends are in there.
    """
    answers = (seen.answers,) if seen.answers is not None else (seen.baseline, seen.recent)
    times = np.sort(np.concatenate([part.time for part in answers]))
    if not len(times) or seen.now - moment(times[0]) < timedelta(hours=FEWEST_WEEKS * WEEK):
        return
    yield from _freshness(times, seen.now)
    yield from _volume(times, seen)


def _freshness(times: NDArray[np.datetime64], now: datetime) -> Iterator[Finding]:
    """Compare the silence with the longest of the last weeks; in each week before, rows must have come in its hours."""
    last, silence = times[-1], stamp(now) - times[-1]
    longest = np.diff(times).max() if len(times) > 1 else np.timedelta64(0, "us")
    weeks = [np.timedelta64(WEEK * k, "h") for k in range(1, FEWEST_WEEKS)]
    came = [int(np.searchsorted(times, stamp(now) - w) - np.searchsorted(times, last - w, "right")) for w in weeks]
    value, limit = float(silence / HOUR), CAUTION * float(longest / HOUR)
    yield Finding(
        monitor="data_quality",
        metric="freshness",
        since=moment(last),
        until=now,
        rows=0,
        value=value,
        limit=limit,
        alarm=bool(value > limit and min(came) >= EXPECTED),
        detail=f"no record for {value:.3g} h; the longest silence of the last weeks was {float(longest / HOUR):.3g} h, "
        f"and in the same hours of the weeks before came at least {min(came)}",
    )


@dataclass(frozen=True, slots=True)
class Rate:
    """Rows of the newest span of hours, what other weeks foretell, and the worst log ratio of the two so far."""

    rows: float
    expected: float
    weeks: int
    worst: float


def rate(counts: FloatArray, span: int) -> Rate | None:
    """Compare the last hours with the same ones of earlier weeks, and all the hours before in the same way.

    Parameters
    ----------
    counts : ndarray of shape (n_hours,), float64
        Rows an hour, the newest last.
    span : int
        Hours that are counted together.
    """
    sums = np.convolve(counts, np.ones(span), "valid")
    lags = [WEEK * k for k in range(1, MOST_WEEKS + 1) if len(sums) > WEEK * k]
    if len(lags) < FEWEST_WEEKS - 1:
        return None
    ago = np.array([np.concatenate([np.full(lag, np.nan), sums[:-lag]]) for lag in lags])
    known = np.isfinite(ago).sum(axis=0)
    expected = np.divide(np.nansum(ago, axis=0), known, out=np.full(len(sums), np.nan), where=known > 0)
    ratios = np.log((sums + 1) / (expected + 1))[:-span]  # spans that share hours with the newest tell nothing new
    enough = np.isfinite(ratios) & (expected[:-span] >= EXPECTED)
    if not enough.any():
        return None
    return Rate(float(sums[-1]), float(expected[-1]), int(known[-1]), float(np.abs(ratios[enough]).max()))


def _volume(times: NDArray[np.datetime64], seen: Seen) -> Iterator[Finding]:
    end = stamp(seen.now).astype("datetime64[h]")
    ago = ((end - times[times < end]) / HOUR).astype(np.int64)
    if not len(ago):
        return
    counts = np.bincount(ago)[::-1][1:].astype(np.float64)  # the first hour is not whole
    alpha = seen.level(PARTS * 2 * len(SPANS), min(seen.looks, YEAR_S / 3_600))
    for span in SPANS:
        found = rate(counts, span)
        if found is None or found.expected < EXPECTED:
            continue
        effect = float(np.log((found.rows + 1) / (found.expected + 1)))
        noise = t_quantile(alpha, 1e6) * float(np.sqrt(1 / (found.rows + 1) + 1 / (found.weeks * found.expected + 1)))
        limit = max(FLOOR, CAUTION * found.worst) + noise
        other = f"{found.expected:,.0f} in the same hours of {found.weeks} weeks"
        yield Finding(
            monitor="data_quality",
            metric="volume",
            since=moment(end - np.timedelta64(span, "h")),
            until=moment(end),
            rows=int(found.rows),
            value=abs(effect),
            limit=limit,
            alarm=abs(effect) > limit,
            kind="" if abs(effect) <= limit else "surge" if effect > 0 else "collapse",
            detail=f"{found.rows:,.0f} rows in {span} h, {other}",
        )
