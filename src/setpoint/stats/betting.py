"""Evidence that may be watched at any time: gamblers who bet on the mean of bounded values."""

import math

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column

FloatArray = NDArray[np.float64]

KEENNESS: FloatArray = np.geomspace(0.02, 12.0, 16)  # stakes of sixteen gamblers, in units of a row's weight
MOST = 0.9  # of the stake that one row could ruin
TILTS: FloatArray = np.geomspace(0.01, 100.0, 64)
STAKES: FloatArray = np.geomspace(0.01, MOST, 16)  # the same where nothing is known of a row's variance


def log_evidence(values: Column, *, mean: float, low: float, inflation: float = 1.0) -> float:
    """Return the log e-value against 'the mean is at most `mean`'; at log(1/α) it is refuted at level α.

    A gambler bets on larger values with sixteen fixed stakes; the e-value is the mean of the sixteen fortunes. For
    independent values the chance of ever passing 1/α is at most α, whenever and however often one looks. It does not
    depend on the order of the values, so outcomes may arrive in any order that the outcomes themselves do not choose.

    Neighbours that are alike break the guarantee (AR(1) 0.5, 0.9: 16, 54 % false at 5 % with a look at every row). The
    log fortune is then divided by the variance inflation, which restores it to first order: 3 % in the same runs.

    Parameters
    ----------
    values : ndarray of shape (n,), float64
        Bounded below by `low`, without NaN.
    mean : float
        The largest mean under the hypothesis; above `low`.
    inflation : float
        How many dependent values weigh as one, see `variance_inflation`.

    References
    ----------
    I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting", 2020, arXiv 2010.09686.
    """
    bets = STAKES / (mean - low)
    fortunes = np.array([np.log1p(bet * (values - mean)).sum() for bet in bets])
    return float(log_mean(fortunes / inflation))


def scale_evidence(values: Column, usual: Column, *, scale: float, hoped: float, inflation: float = 1.0) -> float:
    """Return the log e-value against 'these are usual values times `scale`'; at log(1/α) it is refuted at level α.

    One gambler bets that they are smaller, with the tilt exp(−θ x) that grows fastest where they are usual ones times
    `hoped`; what the tilt is worth under the hypothesis is read from the usual values. So for independent values the
    chance of ever passing 1/α is at most α, whatever their distribution and however often one looks, as far as the
    usual values show it. Values of the same mean that vary less than usual ones make it smaller still.

    Parameters
    ----------
    values : ndarray of shape (n,), float64
        Not below 0, without NaN, in units of the usual mean.
    usual : ndarray of shape (m,), float64
        Not below 0, with mean 1.
    scale, hoped : float
        The mean of the values under the hypothesis, and the smaller one that is bet on.
    inflation : float
        How many dependent values weigh as one, as in `log_evidence`.

    References
    ----------
    P. Grünwald, R. de Heide, W. Koolen, "Safe testing", JRSS B 86(5), 2024; for Gamma values it is the likelihood ratio
    of A. Wald, "Sequential tests of statistical hypotheses", 1945.
    """
    worth = np.log(np.exp(-TILTS[:, None] * usual).mean(axis=1))  # of each tilt under the hypothesis
    best = int(np.argmax(-TILTS * hoped / scale - worth))
    return float((-TILTS[best] * values / scale - worth[best]).sum() / inflation)


def shared_difference(bad: Column, challenger: Column, share: Column) -> FloatArray:
    """Return unbiased estimates, a row each, of how much worse the challenger is: mean(bad | it) − mean(bad | not it).

    A row is weighed by the inverse of the chance it had of being where it was. That chance is known, so neither a share
    that grows nor a base rate that drifts biases the estimate: two pooled means would say that the later one is worse.

    Parameters
    ----------
    bad : ndarray of shape (n,), float64
        How bad each row turned out; the closer to 0 on average, the less the estimate varies.
    challenger : ndarray of shape (n,), bool
    share : ndarray of shape (n,), float64
        The chance that the challenger answered; above 0 and below 1.

    References
    ----------
    D. G. Horvitz, D. J. Thompson, "A generalization of sampling without replacement from a finite universe", JASA
    47(260), 1952.
    """
    return np.where(challenger, bad / share, -bad / (1 - share))


def log_fortunes(x: FloatArray, *, mean: float, low: FloatArray, weight: FloatArray) -> FloatArray:
    """Return what each row adds to the logarithm of each gambler's fortune who bets on more than `mean`.

    While the rows are worth `mean` or less on average, whatever came before, no fortune grows on average: the chance
    that their mean ever passes 1/α is at most α (J. Ville, 1939).

    Parameters
    ----------
    x : ndarray of shape (n,), float64
        What a row is worth.
    mean : float
        The largest mean under the hypothesis.
    low : ndarray of shape (n,), float64
        The least a row could have been worth, below `mean`.
    weight : ndarray of shape (n,), float64
        About 1 over a row's variance, up to a common factor; gamblers stake in proportion to it.

    Returns
    -------
    ndarray of shape (16, n), float64

    References
    ----------
    I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting", 2020, arXiv 2010.09686. For
    rare events weighed as in `shared_difference` it is the test of M. Lindon, A. Malek, "Anytime-valid inference for
    multinomial count data", arXiv 2011.03567.
    """
    bets = np.minimum(KEENNESS[:, None] * weight, MOST / (mean - low))
    bets *= x - mean
    return np.log1p(bets, out=bets)


def log_mean(fortunes: FloatArray) -> FloatArray:
    """Return the logarithm of the gamblers' mean fortune, shape (n,) or (), from their logarithms, (16, n) or (16,)."""
    largest = fortunes.max(axis=0)
    shares = fortunes - largest
    logs: FloatArray = largest + np.log(np.exp(shares, out=shares).sum(axis=0) / len(shares))
    return logs


def display_half_width(se: float, rows: int, alpha: float, *, best_at: int = 1_000) -> float:
    """Return the half width of a confidence sequence: a mean is that near to the truth at all times at once.

    It holds from some tens of rows on, like the central limit theorem, and is narrowest at `best_at` rows.

    Parameters
    ----------
    se : float
        Standard error of the mean of `rows` rows.
    alpha : float
        Two-sided error.

    References
    ----------
    I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas, "Time-uniform central limit theory and asymptotic
    confidence sequences", Annals of Statistics 52(6), 2024, theorem 2.2.
    """
    if not rows:
        return math.inf
    logs = -2 * math.log(alpha)
    spread = rows * (logs + math.log(logs) + 1) / best_at
    return se * math.sqrt((spread + 1) / spread * (2 * math.log(1 / alpha) + math.log(spread + 1)))
