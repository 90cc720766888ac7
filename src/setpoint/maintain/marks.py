"""When rows began to show a mark (a missing value, an unknown level, a repeat) more often than healthy rows do."""

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.value import value
from setpoint.maintain.loss import independent_rows, moving_means

Bools = NDArray[np.bool_]
FEWEST = 6  # rows since the onset
NEWEST = 12  # rows that say whether it is still so
LEAST = 0.02  # by which the share must have risen


@value
class Step:
    """A share of marked rows that rose at `onset`, an index.

    `before` and `since` are shares; `ratio` is the log likelihood ratio of the rise (nats), 0 where it is none;
    `still` says whether the newest rows show it as the others since the onset do.
    """

    onset: int
    before: float
    since: float
    ratio: float
    still: bool

    @property
    def risen(self) -> bool:
        """Whether the share rose at all."""
        return self.ratio > 0


def rate_step(healthy: Bools, rows: Bools) -> Step:
    """Return the likeliest onset of a higher share of marked rows.

    The likelihood ratio of two binomials at the likeliest onset, less the logarithm of the onsets tried, over
    independent rows: marks that cluster on healthy rows count for less. No rise at all where some stretch of as many
    healthy rows was marked as often.

    Parameters
    ----------
    healthy : ndarray of shape (m,), bool
        Whether each healthy row is marked, in time order.
    rows : ndarray of shape (n,), bool
        The same of the rows among which the onset is sought.

    References
    ----------
    Hinkley, Hinkley, "Inference about the change-point in a sequence of binomial variables", Biometrika 57 (1970).
    """
    n = len(rows)
    if n < FEWEST or not len(healthy):
        return Step(onset=0, before=0.0, since=0.0, ratio=0.0, still=False)
    base = (healthy.sum() + 0.5) / (len(healthy) + 1)
    left = np.arange(n, FEWEST - 1, -1)
    since = np.cumsum(rows[::-1])[::-1][: len(left)] / left
    gain = np.where(since > base, left * divergence(since, base), 0.0)
    onset = int(np.argmax(gain))
    share, rest = float(since[onset]), int(left[onset])
    marks = healthy.astype(np.float64)
    natural = float(moving_means(marks, rest).max()) if rest <= len(healthy) else base
    ratio = float(gain[onset]) * independent_rows(marks) / len(marks) - float(np.log(len(left)))
    rise = share > natural and share - base > LEAST
    newest = float(rows[-min(NEWEST, rest) :].mean())
    return Step(
        onset=onset,
        before=float(base),
        since=share,
        ratio=max(ratio, 0.0) if rise else 0.0,
        still=newest > (base + share) / 2 - 1e-9,
    )


def divergence(share: NDArray[np.float64], base: float) -> NDArray[np.float64]:
    """Return the Kullback–Leibler divergence of Bernoulli shares from a base share in (0, 1), nats a row."""
    p = np.clip(share, 1e-12, 1 - 1e-12)
    found: NDArray[np.float64] = p * np.log(p / base) + (1 - p) * np.log((1 - p) / (1 - base))
    return found
