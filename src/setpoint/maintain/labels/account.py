"""One account of the outcomes: fitted, paid for, and with the onset since which it gains most."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from setpoint.domain.incident import Cause
from setpoint.domain.records import Column
from setpoint.maintain.labels.rows import Labels
from setpoint.maintain.loss import Floats, independent_rows, moving_means

RARELY = 3.3  # standard errors
FURTHEST = 3.0  # offset of log odds: beyond a factor of 20 it is no other share, but another feed

Fitted = Callable[[np.ndarray], Floats]


@dataclass(frozen=True, slots=True)
class Told:
    """One cause: how much likelier it makes the outcomes (nats, its parameters paid for), since when, and how."""

    cause: Cause
    gain: float
    since: np.datetime64
    words: str


def refitted(labels: Labels, cause: Cause, fitted: Fitted, order: np.ndarray, parameters: int, words: str) -> Told:
    """Return an account fitted on the newer half first, then on the rows since its likeliest onset."""
    rows = np.zeros(len(order), dtype=bool)
    rows[order[len(order) // 2 :]] = True
    gain = fitted(rows)
    total = np.cumsum(gain[order][::-1])[::-1]
    rows[:] = False
    rows[order[int(np.argmax(total)) :]] = True
    return since(labels, cause, fitted(rows), order, parameters, labels.time, words)


def since(
    labels: Labels,
    cause: Cause,
    gain: Floats,
    order: np.ndarray,
    parameters: int,
    when: Column,
    words: str,
    usual: Floats | None = None,
) -> Told:
    """Return an account with the onset, in the given order, since which it gains most.

    `usual` is what 1, 2, … healthy rows gain by it at most: no more than that counts.
    """
    total = np.cumsum(gain[order][::-1])[::-1]
    if usual is not None:
        total = total - usual[: len(total)][::-1]
    onset = int(np.argmax(total))
    paid = 0.5 * parameters * np.log(len(order)) + np.log(len(order))
    start = when[order[onset]]
    at = start.astype("datetime64[m]").item()
    return Told(cause, float(total[onset]) * labels.worth - paid, start, f"{words} since {at:%Y-%m-%d %H:%M}")


def gained_at_most(healthy: Floats, rows: int) -> Floats:
    """Return what 1, 2, … so many rows gain at most that are healthy, at least nothing, shape (rows,)."""
    counts = np.arange(1, rows + 1)
    return np.asarray(counts * np.maximum(means_at_most(healthy, counts), 0.0), np.float64)


def means_at_most(healthy: Floats, rows: np.ndarray) -> Floats:
    """Return the highest mean that healthy rows explain in stretches of so many, for each number, rounded down to 2^k.

    That of any stretch of them; or, since there are few stretches of many rows, what independent ones reach once in
    2,000 times, as rows that were not seen may. Of the best onset of many nothing less would do.
    """
    sizes, at = np.unique(2 ** np.floor(np.log2(rows)).astype(np.int64), return_inverse=True)
    mean, error = float(healthy.mean()), float(healthy.std()) / np.sqrt(independent_rows(healthy) / len(healthy))
    rarely = mean + RARELY * error * np.sqrt(1 / sizes + 1 / len(healthy))
    return np.asarray(np.maximum([moving_means(healthy, int(n)).max() for n in sizes], rarely)[at], np.float64)


def offset(labels: Labels, rows: np.ndarray) -> float:
    """Return the offset of the answers that makes the outcomes of some rows likeliest: Newton, or a median."""
    if not rows.any():
        return 0.0
    if not labels.binary:
        return float(np.median((labels.y - labels.answer)[rows]))
    y, odds, delta = labels.y[rows], labels.answer[rows], 0.0
    for _ in range(8):
        p = special.expit(odds + delta)
        delta += float(np.clip((y - p).sum() / (p * (1 - p)).sum(), -1.0, 1.0))
        delta = float(np.clip(delta, -FURTHEST, FURTHEST))
    return delta


def level(labels: Labels, rows: np.ndarray) -> float:
    """Return the one answer that makes the outcomes of some rows likeliest."""
    if not rows.any():
        return 0.0
    if not labels.binary:
        return float(np.median(labels.y[rows]))
    return float(special.logit(np.clip(labels.y[rows].mean(), 0.005, 0.995)))
