"""Which part of the rows fails: one level or some of a category, a range of a number, or where a feature is missing."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.lying_within import lying
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Kind, Schema
from setpoint.domain.value import replace, value
from setpoint.domain.within import Within
from setpoint.maintain.loss import Floats
from setpoint.maintain.marks import Bools

BINS = 48  # of a number, as full as one another
PARAMETERS = 2  # what a part costs in BIC beside its place: a share of its own, and its other end
LEAST = 10.0  # nats from which failures cluster
APART = 5.0  # times the share elsewhere
CAUGHT = 0.8  # of the failures


@value
class Cluster:
    """A part of the rows with its failures, and those elsewhere; `gain` is its log likelihood ratio (nats)."""

    within: Within
    rows: int
    failed: int
    others: int
    others_failed: int
    gain: float

    @property
    def stands_out(self) -> bool:
        """Whether the failures cluster there."""
        inside, outside = self.failed / max(self.rows, 1), self.others_failed / max(self.others, 1)
        caught = self.failed / max(self.failed + self.others_failed, 1)
        return self.gain >= LEAST and inside >= APART * outside and caught >= CAUGHT

    @property
    def words(self) -> str:
        """Say how they cluster."""
        return (
            f"{self.failed} of {self.rows} rows with {self.within.words} fail, {self.others_failed} of "
            f"{self.others} others"
        )


def cluster(inputs: Columns, failed: Bools, schema: Schema) -> Cluster | None:
    """Return the part of the rows that explains failures best; None where no feature can tell.

    Every feature that is not sensitive is tried: all intervals of a number, the levels in the order of their share of
    failures (which holds the best set of them), and where it is missing. Two binomials against one, less the logarithm
    of the parts tried and BIC: failures that lie anywhere get no more than `LEAST` by chance, once in e^10 searches.

    References
    ----------
    Breiman et al., "Classification and regression trees", 1984, section 4.2.2 (levels in the order of their share);
    Kulldorff, "A spatial scan statistic", Communications in Statistics 26 (1997).
    """
    tried, best = 0, None
    for feature in schema.features:
        if feature.sensitive is not None:
            continue
        column = inputs[feature.name]
        parts = _levels if feature.kind is Kind.CATEGORICAL else _ranges
        for within, rows, hits, n in (*parts(feature.name, column, failed), _missing(feature.name, column, failed)):
            tried += n
            gain = float(_gain(np.array([rows]), np.array([hits]), len(failed), int(failed.sum()))[0])
            if best is None or (gain, -rows) > (best.gain, -best.rows):
                best = Cluster(
                    within=within, rows=rows, failed=hits, others=len(failed) - rows,
                    others_failed=int(failed.sum()) - hits, gain=gain,
                )  # fmt: skip
    if best is None:
        return None
    cost = float(np.log(max(tried, 1)) + PARAMETERS / 2 * np.log(len(failed)))
    return replace(best, gain=best.gain - cost)


Part = tuple[Within, int, int, int]  # with its rows, its failures, and how many parts it is the best of


def _levels(name: str, column: Column, failed: Bools) -> Iterator[Part]:
    there = np.array([v is not None for v in column.tolist()], bool)
    levels, codes = np.unique(column[there].astype(str), return_inverse=True)
    if len(levels) < 2:
        return
    rows = np.bincount(codes, minlength=len(levels))
    hits = np.bincount(codes, failed[there].astype(np.float64), len(levels)).astype(np.int64)
    order = np.lexsort((-rows, -hits / rows))[:-1] if there.all() else np.lexsort((-rows, -hits / rows))
    inside, caught = np.cumsum(rows[order]), np.cumsum(hits[order])
    at = int(np.argmax(_gain(inside, caught, len(failed), int(failed.sum()))))
    chosen = tuple(sorted(str(level) for level in levels[order[: at + 1]]))
    yield Within(feature=name, levels=chosen), int(inside[at]), int(caught[at]), len(order)


def _ranges(name: str, column: Column, failed: Bools) -> Iterator[Part]:
    there = ~np.isnan(column)
    values = column[there].astype(np.float64)
    if not len(values) or np.ptp(values) == 0:
        return
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1], method="higher"))
    codes = np.searchsorted(edges, values, side="left")  # bin i holds edges[i - 1] < x <= edges[i]
    n = len(edges) + 1
    rows = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=n))])
    hits = np.concatenate([[0], np.cumsum(np.bincount(codes, failed[there].astype(np.float64), n))])
    first, last = np.triu_indices(n)
    whole = (first == 0) & (last == n - 1) & bool(there.all())
    first, last = first[~whole], last[~whole]
    inside, caught = rows[last + 1] - rows[first], hits[last + 1] - hits[first]
    at = int(np.argmax(_gain(inside, caught, len(failed), int(failed.sum()))))
    ends = max(1, len(values) // n)  # places in a bin at which a part may end
    for wider in (0, 1):  # a part ends inside a bin
        bins = int(first[at]) - wider, int(last[at]) + wider
        within = _tight(name, values, failed[there], codes, bins)
        mask = lying(within, column)
        yield within, int(mask.sum()), int((mask & failed).sum()), len(first) * ends**2


def _tight(name: str, values: Floats, failed: Bools, codes: NDArray[np.int64], bins: tuple[int, int]) -> Within:
    """Return the range of the failures in some bins; an end is open where nothing that was answered lies beyond it."""
    bad = values[failed & (codes >= bins[0]) & (codes <= bins[1])]
    good = values[~failed]
    if not len(bad):
        return Within(feature=name, low=float(values.min()), high=float(values.max()))
    below, above = good[good < bad.min()], good[good > bad.max()]
    low = (float(below.max()) + float(bad.min())) / 2 if len(below) else None
    high = (float(above.min()) + float(bad.max())) / 2 if len(above) else None
    return Within(feature=name, low=low, high=high)


def _missing(name: str, column: Column, failed: Bools) -> Part:
    within = Within(feature=name, missing=True)
    mask = lying(within, column)
    return within, int(mask.sum()), int((mask & failed).sum()), 1


def _gain(rows: NDArray[np.int64], hits: NDArray[np.int64] | Floats, n: int, failed: int) -> Floats:
    """Return the log likelihood ratio of two shares of failures against one; 0 where the part has the lower one."""
    inside = _likelihood(hits, rows) + _likelihood(failed - hits, n - rows)
    gain = inside - _likelihood(np.array([failed]), np.array([n]))
    worse = hits * (n - rows) > (failed - hits) * rows
    return np.asarray(np.where(worse, gain, 0.0), np.float64)


def _likelihood(hits: Sequence[int] | NDArray[np.int64] | Floats, rows: NDArray[np.int64]) -> Floats:
    """Return the log likelihood of counts under the share that explains them best, nats."""
    k, m = np.asarray(hits, np.float64), np.asarray(rows, np.float64)
    share = np.divide(k, m, out=np.zeros_like(m), where=m > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(k > 0, k * np.log(share), 0.0) + np.where(m - k > 0, (m - k) * np.log1p(-share), 0.0)
    return np.asarray(found, np.float64)
