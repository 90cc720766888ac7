"""Which quality metrics fit a model, and why: by its task, how rare its classes are, what its outcomes look like."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.classes import Classes

RARE = 0.05  # share of positives below which a rank metric of all pairs flatters
ENOUGH_DECIDED = 20  # rows decided positive, so that a threshold says something
HEAVY = 0.5  # of the summed absolute error that one row in a hundred brings
SEASONS = {3_600.0: 24, 86_400.0: 7}  # rows of the season, by the seconds between rows
SEASONAL = 0.3  # correlation with the season before
UNEVEN = 2.0  # times its even share that the commonest of several classes has
CERTAIN = 1e-6  # a probability so near to 0 or 1 is one that log_loss would hang on

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pick:
    """A metric, why it fits, and what it needs to be told."""

    metric: str
    why: str
    top: float | None = None
    season: int | None = None


def for_binary(y: FloatArray, score: FloatArray, threshold: float) -> Iterator[Pick]:
    """Yield what fits a binary task, what is to be held first; nothing where there is one class only."""
    base, decided = float(y.mean()), int((score >= threshold).sum())
    if base in (0.0, 1.0):
        return  # there is nothing to tell apart, and nothing to calibrate to
    if base < RARE:
        yield Pick("average_precision", f"only {base:.2%} are positive: roc_auc would flatter, this looks at them")
        yield from _decisions(base, decided)
    elif base > 1 - RARE:
        yield Pick("roc_auc", f"{base:.1%} are positive: name the rare class second, then average_precision fits")
    else:
        yield Pick("roc_auc", f"ranks yes above no at any threshold; {base:.0%} are positive, so it does not flatter")
    yield from _probabilities(score)


def _decisions(base: float, decided: int) -> Iterator[Pick]:
    if decided < ENOUGH_DECIDED:
        top = max(float(f"{base:.1g}"), 0.001)
        why = f"{decided} rows are decided positive; who acts on the top {top:.1%} needs this"
        yield Pick("precision_at_top", why, top=top)
    else:
        yield Pick("recall", "share of the rare positives that the decision finds")
        yield Pick("precision", "share of the alarms that are right: what each costs somebody")


def _probabilities(score: FloatArray) -> Iterator[Pick]:
    if score.min() < 0 or score.max() > 1:
        return
    if (np.minimum(score, 1 - score) < CERTAIN).any():
        yield Pick("brier", "judges the probability itself; some are 0 or 1, on which log_loss would hang")
    else:
        yield Pick("log_loss", "judges the probability itself, and feels overconfidence")
    yield Pick("calibration_in_the_large", "mean probability less the share of positives: feels a changed mix first")


def for_classes(rows: Classes) -> Iterator[Pick]:
    """Yield what fits a task of several classes, what is to be held first; nothing where one class occurs only."""
    shares = rows.shares
    most, least = float(shares.max()), float(shares[shares > 0].min())
    if most == 1.0:
        return
    if most > UNEVEN / np.count_nonzero(shares):
        yield Pick("balanced_accuracy", f"{most:.0%} are of one class, and accuracy is met by naming it; this is not")
    else:
        yield Pick("accuracy", f"share of right labels; who always names one class has {most:.0%}")
    if least < RARE:
        yield Pick("macro_f1", f"the rarest class has {least:.2%} of the rows, and counts as much as any here")
    if rows.probabilities.shape[1] and (rows.certainty >= CERTAIN).all():
        yield Pick("log_loss", "judges the probability of the true class, and feels overconfidence")
    yield Pick("calibration_in_the_large", "mean probability of the label less the share that is right: overconfidence")


def of_nothing(rows: Classes) -> dict[str, float]:
    """Return what metrics are of answers that know nothing: the commonest class, or any at random."""
    chance = 1 / np.count_nonzero(rows.shares)
    return {"accuracy": float(rows.shares.max()), "balanced_accuracy": chance, "roc_auc": 0.5}


def for_regression(y: FloatArray, score: FloatArray, every_s: float) -> Iterator[Pick]:
    """Yield what fits a regression, what is to be held first."""
    yield Pick("mae", "the error in the outcome's own unit")
    error = np.abs(y - score)
    worst = np.sort(error)[-max(len(y) // 100, 1) :].sum() / max(error.sum(), 1e-300)
    if worst > HEAVY:
        yield Pick("median_absolute_error", f"one row in a hundred makes {worst:.0%} of mae; this one stays calm")
    yield Pick("bias", "predicted less true: what sums over many rows feel")
    if y.min() >= 0 and y.max() > 0:
        zeros = float((y == 0).mean())
        why = f"mape has no value, {zeros:.1%} of the outcomes are 0" if zeros else "comparable across sizes"
        yield Pick("wape", f"error as a share of the total; {why}")
    season = SEASONS.get(every_s)
    if season and _seasonal(y, season):
        why = f"error beside that of 'as {season} rows before': above 1 the model is no better"
        yield Pick("mase", why, season=season)


def _seasonal(y: FloatArray, season: int) -> bool:
    if len(y) <= 2 * season or not np.ptp(y[season:]) or not np.ptp(y[:-season]):
        return False
    return bool(np.corrcoef(y[season:], y[:-season])[0, 1] > SEASONAL)
