"""What a mean over one stretch of time was, apart from luck, where its level moves and neighbouring rows are alike."""

import math
from collections.abc import Sequence

import numpy as np

from setpoint.domain.records import Column
from setpoint.stats.intervals import t_quantile
from setpoint.stats.paired import Interval

FEWEST_PARTS, MOST_PARTS = 6, 12
FEWEST = 8  # rows


def stretch_interval(gains: Column, starts: Sequence[int] = (), *, level: float = 0.95) -> Interval:
    """Return the mean of a series over its stretch of time, and a two-sided interval for what was to be expected.

    The stretch is cut into 6 to 12 parts, where something new began that has luck of its own: another version served.
    The interval covers **the mean over this stretch of what could be expected of each part when it began**. Luck is
    all that nobody could know then: the rows, their waves, and whether the version that had just begun is a good one.
    Given what was known when they began, the parts' surprises are uncorrelated, however rows depend on each other
    within them, and however the level moves from one to the next; where it moves, the interval is wider than it needs
    to be. It says nothing of other stretches. Only where the memory of the rows is short beside a part, and the level
    stands still, is this also the long-run mean of the series.

    A t-test on the parts' sums, with as many degrees of freedom as parts less one, is inverted. It is valid at 5 %
    for parts that vary unequally: R. Ibragimov, U. K. Müller, "t-Statistic Based Correlation and Heterogeneity Robust
    Inference", Journal of Business & Economic Statistics 28(4), 2010. The mean of expectations as what two forecasters
    are compared by, without a series that stands still: Y. J. Choe, A. Ramdas, "Comparing Sequential Forecasters",
    Operations Research 72(4), 2024.

    Simulated in `bench/replay/run.py --only interval`, and with equal policies on real streams in `--only equal`.

    Parameters
    ----------
    gains : ndarray of shape (n_rows,), float64
        Paired differences of losses in time order, without NaN.
    starts : sequence of int
        Rows at which something with luck of its own began, in any order. Too many, and the shortest parts are joined to
        a neighbour; too few, and the longest are halved: of the luck of six halves of one version this knows nothing.
    level : float
        Coverage, as a fraction; 0.95 or more, where the test is known to be valid.

    Returns
    -------
    Interval
        Not always symmetric about the mean; infinite on both sides below 8 rows.
    """
    rows = len(gains)
    if rows < FEWEST:
        return Interval(mean=float(gains.mean()) if rows else 0.0, low=-math.inf, high=math.inf, rows=rows)
    alike = min(starts, default=0)  # before it nothing had begun
    if 0 < alike <= rows - FEWEST and not gains[:alike].any():
        rest, share = stretch_interval(gains[alike:], [s - alike for s in starts], level=level), 1 - alike / rows
        return Interval(mean=share * rest.mean, low=share * rest.low, high=share * rest.high, rows=rows)
    cuts = parts(rows, starts, level)
    sizes, sums = np.diff(cuts), np.add.reduceat(gains, cuts[:-1])
    spread = _quantile(len(sizes), level) ** 2 / len(sizes) * np.cov(sums, sizes)
    # the means m whose parts are no further from it than chance: (sum - m size)² ≤ t² var(sum - m size) / parts
    a = sizes.mean() ** 2 - spread[1, 1]
    b = sums.mean() * sizes.mean() - spread[0, 1]
    c = sums.mean() ** 2 - spread[0, 0]
    root = math.sqrt(max(b * b - a * c, 0.0))
    return Interval(mean=float(gains.mean()), low=float((b - root) / a), high=float((b + root) / a), rows=rows)


def parts(rows: int, starts: Sequence[int] = (), level: float = 0.95) -> Column:
    """Return the rows at which the parts of a stretch begin, and its end."""
    cuts = sorted({0, rows, *(s for s in starts if 0 < s < rows)})
    while len(cuts) - 1 > MOST_PARTS:
        _join_the_shortest(cuts)
    while len(cuts) - 1 < min(FEWEST_PARTS, rows) or _uneven(np.diff(cuts), level):
        _halve_the_longest(cuts)
    return np.array(cuts)


def _join_the_shortest(cuts: list[int]) -> None:
    sizes = np.diff(cuts)
    shortest = int(sizes.argmin())
    beside = [i for i in (shortest - 1, shortest + 1) if 0 <= i < len(sizes)]
    del cuts[max(shortest, min(beside, key=lambda i: sizes[i]))]


def _halve_the_longest(cuts: list[int]) -> None:
    sizes = np.diff(cuts)
    longest = int(sizes.argmax())
    cuts.insert(longest + 1, cuts[longest] + int(sizes[longest]) // 2)


def _uneven(sizes: Column, level: float) -> bool:
    """Whether a few long parts make the rest too light to bound the mean."""
    return bool(sizes.mean() ** 2 <= _quantile(len(sizes), level) ** 2 * sizes.var(ddof=1) / len(sizes))


def _quantile(number: int, level: float) -> float:
    return t_quantile(0.5 - level / 2, number - 1)
