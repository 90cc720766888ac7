"""Quality before the labels come: what the counts of a window's scores promise, by what the reference taught.

Confidence-based estimation (CBPE) for classes, direct estimation of the loss for numbers. Both need of a window only
how many scores fell into each bin, so a stored profile is enough, at any number of rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from setpoint.errors import InvalidInput
from setpoint.stats.calibration import MAPS, Cells
from setpoint.stats.expected import RANKING, Metric
from setpoint.stats.intervals import t_quantile
from setpoint.stats.loss_cells import LossCells

FEWEST_LABELLED = 100  # rows an estimator may learn from
FEWEST_BLOCKS = 8
PRIOR = 5.0  # rows of a cell that count as the mean of all
UNKNOWN = 0.5  # share of a window whose scores may lie where the reference has none
STEP = 1e-4  # of a rate, in numerical derivatives
CANNOT = "cannot be estimated: "

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """An estimate of what a window's labels will show.

    `noise` is the variance that labels have when the rates are known, `doubt` that of the estimate itself: rates learnt
    from few rows, and labels that move together from one stretch of the reference to the next more than independent
    ones would. `blocks` is from how many stretches that is known.
    """

    value: float
    noise: float
    doubt: float
    blocks: int

    def interval(self, level: float) -> tuple[float, float]:
        """Return where the realised value lies with this probability, if nothing but the inputs has changed."""
        width = t_quantile((1 - level) / 2, self.blocks - 1) * float(np.sqrt(self.noise + self.doubt))
        return self.value - width, self.value + width


@dataclass(frozen=True, kw_only=True)
class Estimator:
    """Estimates one metric from counts of scores by cell.

    `of(counts, rates)` is the metric of counts of shape (..., n_cells), `noise(counts)` its variance under independent
    labels. `rates`, shape (n_cells,), were learnt from all blocks of the reference, `without[b]` from all but block b.
    `rows`, shape (n_blocks, n_cells), are the reference's own counts, `realised` its metric by block, `whole` overall.
    """

    of: Callable[[FloatArray, FloatArray], FloatArray]
    noise: Callable[[FloatArray], float]
    rates: FloatArray
    without: FloatArray
    rows: FloatArray
    realised: FloatArray
    whole: float
    ranks: bool = False

    @property
    def whole_error(self) -> float:
        """The standard error of the metric on the whole reference, from its blocks."""
        known = self.realised[np.isfinite(self.realised)]
        return float(known.std(ddof=1) / np.sqrt(len(known)))

    @property
    def whole_estimate(self) -> float:
        """What would be estimated of the reference itself."""
        return float(self.of(self.rows.sum(axis=0), self.rates))

    def promise(self, counts: FloatArray) -> Promise:
        """Estimate the metric of a window.

        Parameters
        ----------
        counts : ndarray of shape (n_cells,), float64
            Rows of the window by cell; see `spread`.

        Raises
        ------
        InvalidInput
            If it cannot be estimated, in words.
        """
        self._check(counts)
        value = float(self.of(counts, self.rates))
        if not np.isfinite(value):
            raise InvalidInput(f"{CANNOT}the metric is not defined on such scores")
        noise = self.noise(counts)
        others = self.of(counts, self.without)
        jackknife = (len(others) - 1) * float(np.mean(np.square(others - others.mean())))
        doubt = self._movement(noise) + jackknife
        if not np.isfinite(noise + doubt):
            raise InvalidInput(f"{CANNOT}its error is no finite number")
        return Promise(value=value, noise=noise, doubt=doubt, blocks=len(self.rows))

    def _check(self, counts: FloatArray) -> None:
        rows = float(counts.sum())
        if not rows:
            raise InvalidInput(f"{CANNOT}no answers in the window")
        unknown = float(counts[self.rows.sum(axis=0) == 0].sum()) / rows
        if unknown > UNKNOWN:
            raise InvalidInput(f"{CANNOT}{unknown:.0%} of the scores lie where the reference has none")
        if self.ranks and (counts > 0).sum() < 2:
            raise InvalidInput(f"{CANNOT}all scores are alike")

    def _movement(self, noise: float) -> float:
        """Return the variance by which blocks of the reference differ from what the others foretell, beyond noise.

        In windows shorter than a block, rows that move together are taken to do so as much as they do in a block.
        """
        movement, sampling = self._moved
        return movement * max(1.0, noise / max(sampling, 1e-300))

    @cached_property
    def _moved(self) -> tuple[float, float]:
        """The mean square by which blocks of the reference differ beyond noise, and the mean noise of a block."""
        errors = self.realised - self.of(self.rows, self.without)
        known = np.isfinite(errors)
        sampling = float(np.mean([self.noise(rows) for rows in self.rows[known]]))
        return max(float(np.mean(np.square(errors[known]))) - sampling, 0.0), sampling


def class_estimator(cells: Cells, name: str, metric: Metric) -> Estimator:
    """Return the estimator of a metric of binary decisions.

    Parameters
    ----------
    cells : Cells
        The labelled reference.
    name : str
        Which map of `calibration.MAPS` turns cells into rates.
    metric : callable
        One of `expected.EXPECTED`.

    Raises
    ------
    InvalidInput
        If the reference is too small or has only one class.
    """
    _enough(cells.rows)
    positives, rows = cells.positives.sum(axis=0), cells.rows.sum(axis=0)
    if not 0 < positives.sum() < rows.sum():
        raise InvalidInput(f"{CANNOT}the labelled reference has only one class")

    def of(counts: FloatArray, rates: FloatArray) -> FloatArray:
        return metric(counts * rates, counts * (1 - rates), cells)

    rates = MAPS[name](cells)
    realised = metric(cells.positives, cells.rows - cells.positives, cells)
    if np.isfinite(realised).sum() < FEWEST_BLOCKS:
        raise InvalidInput(f"{CANNOT}the metric is defined on too few stretches of the reference")
    return Estimator(
        of=of,
        noise=lambda counts: label_noise(counts, rates, of),
        rates=rates,
        without=np.stack([MAPS[name](cells.without(b)) for b in range(len(cells.rows))]),
        rows=cells.rows,
        realised=realised,
        whole=float(metric(positives, rows - positives, cells)),
        ranks=metric in RANKING,
    )


def label_noise(counts: FloatArray, rates: FloatArray, of: Callable[[FloatArray, FloatArray], FloatArray]) -> float:
    """Return the variance of a metric under independent labels: the delta method, one derivative a filled cell."""
    filled = np.flatnonzero(counts > 0)
    up = np.repeat(rates[None, :], len(filled), axis=0)
    down, at = up.copy(), np.arange(len(filled))
    up[at, filled] += STEP
    down[at, filled] -= STEP
    slope = (of(counts, up) - of(counts, down)) / (2 * STEP)
    rate = np.clip(rates[filled], 0.0, 1.0)
    return float(np.square(slope) @ (rate * (1 - rate) / counts[filled]))


def error_estimator(cells: LossCells, *, root: bool = False) -> Estimator:
    """Return the estimator of the mean absolute error of a regression, or with `root` of the root mean squared error.

    The loss of a row is taken to depend on the prediction alone: a boosted model of it on all features and the
    prediction was no better on three of four data sets (bench/monitoring/estimates.py).

    Raises
    ------
    InvalidInput
        If the reference is too small.
    """
    _enough(cells.rows)
    first, second = (cells.squares, cells.fourth) if root else (cells.absolute, cells.squares)
    total, weight = first.sum(axis=0), cells.rows.sum(axis=0)
    rates = _smoothed(total, weight)
    variance = np.maximum(_smoothed(second.sum(axis=0), weight) - np.square(rates), 0.0)

    def of(counts: FloatArray, means: FloatArray) -> FloatArray:
        mean = (counts * means).sum(-1) / counts.sum(-1)
        return np.asarray(np.sqrt(mean) if root else mean, np.float64)

    def noise(counts: FloatArray) -> float:
        rows = float(counts.sum())
        sampling = float(counts @ variance) / rows**2
        return sampling * rows / max(4 * float(counts @ rates), 1e-300) if root else sampling

    mean = first.sum(axis=1) / cells.rows.sum(axis=1)
    overall = float(total.sum() / weight.sum())
    return Estimator(
        of=of,
        noise=noise,
        rates=rates,
        without=np.stack([_smoothed(total - t, weight - w) for t, w in zip(first, cells.rows, strict=True)]),
        rows=cells.rows,
        realised=np.sqrt(mean) if root else mean,
        whole=float(np.sqrt(overall)) if root else overall,
    )


def spread(bins: NDArray[np.int64], edges: FloatArray, cells: Cells | LossCells) -> FloatArray:
    """Return counts by cell from a profile's counts by bin: a bin that holds several cells as the reference has them.

    Parameters
    ----------
    bins : ndarray of shape (n_bins,), int64
    edges : ndarray of shape (n_bins - 1,), float64
        The profile's cut points; each is among those of the cells.
    """
    bin_of = np.searchsorted(edges, np.append(cells.edges, np.inf), side="left")
    known = cells.rows.sum(axis=0) + 1e-9  # a bin that the reference has nothing in is split evenly
    share = known / np.bincount(bin_of, known, minlength=len(bins))[bin_of]
    return np.asarray(bins[bin_of] * share, np.float64)


def _enough(rows: FloatArray) -> None:
    if rows.sum() < FEWEST_LABELLED or len(rows) < FEWEST_BLOCKS:
        raise InvalidInput(f"{CANNOT}the reference has {rows.sum():.0f} labelled rows; {FEWEST_LABELLED} are needed")


def _smoothed(total: FloatArray, rows: FloatArray) -> FloatArray:
    return np.asarray((total + PRIOR * total.sum() / rows.sum()) / (rows + PRIOR), np.float64)
