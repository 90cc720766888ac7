"""Three ways in which answers and outcomes part: broken labels, other shares, another relation.

Each is a model of the outcome given the healthy, recalibrated answer, fitted since its likeliest onset and paid for by
the half logarithm of the rows for each parameter (BIC). A broken feed spoils outcomes from the moment they *arrive*,
whatever they are about; a change of the world from the moment of the *request*. Where outcomes are late, that tells the
two apart.

References
----------
Schwarz, "Estimating the dimension of a model", Annals of Statistics 6 (1978).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy import special

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.incident import Cause
from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.schema import Schema, Task
from setpoint.maintain.case import as_seen, latest
from setpoint.maintain.loss import Floats, independent_rows, moving_means
from setpoint.maintain.stretch import joined

FEWEST = 30  # labelled rows
BINS = 10
SHARES = (0.1, 0.25, 0.5, 0.9, 1.0)  # of the outcomes that may be broken
FACTORS = (0.001, 0.01, 0.1, 10.0, 100.0, 1_000.0)  # by which a number may be off
WIDER = (1.5, 2.0, 3.0, 5.0, 10.0, 20.0)  # times the healthy spread of errors
CUTS = (0.25, 0.5, 0.75)
LEVELS = 3  # the commonest of a column that may stand apart
COLUMNS = 12  # among which a relation is sought that changed for some rows only
FURTHEST = 3.0  # offset of log odds: beyond a factor of 20 it is no other share, but another feed
MIDDLE = (0.16, 0.84)  # quantiles of errors that lie a spread to either side
TAIL = 4.0  # degrees of freedom of errors


@dataclass(frozen=True, slots=True)
class Told:
    """One cause: how much likelier it makes the outcomes (nats, its parameters paid for), since when, and how."""

    cause: Cause
    gain: float
    since: np.datetime64
    words: str


@dataclass(frozen=True, slots=True)
class Labels:
    """Outcomes that arrived since the incident began.

    `base` is the log likelihood of each outcome under the healthy model, shape (n,); `worth` the independent rows for
    each row.
    """

    y: Floats
    answer: Floats  # log odds of the healthy, recalibrated probability, or the number answered
    spread: Floats  # of the healthy error about a number; ones for probabilities
    time: Column
    known: Column
    inputs: Columns
    base: Floats
    worth: float
    binary: bool
    before: Floats  # healthy outcomes
    own: Floats  # healthy errors in spreads


def told(schema: Schema, healthy: Records, suspect: Records, maps: tuple[FeatureMap, ...] = ()) -> Mapping[Cause, Told]:
    """Return the best account of each cause; empty with too few labels, or for several classes."""
    labels = labels_of(schema, healthy, suspect, maps)
    if labels is None:
        return {}
    found: dict[Cause, Told] = {}
    for one in (*broken(labels), *shifted(labels), *related(labels, schema)):
        if one.cause not in found or one.gain > found[one.cause].gain:
            found[one.cause] = one
    return found


def labels_of(schema: Schema, healthy: Records, suspect: Records, maps: tuple[FeatureMap, ...] = ()) -> Labels | None:
    """Return the outcomes that came since the incident began, with what healthy rows make of their answers."""
    task = schema.task
    before, after = latest(healthy.labelled), latest(suspect.labelled)
    if task is Task.MULTICLASS or len(before) < FEWEST or len(after) < FEWEST:
        return None
    late = before.known >= suspect.time[0]
    sound = before.take(~late)
    if len(sound) < FEWEST:
        return None
    rows = joined(before.take(late), after)
    fit = probabilities if task is Task.BINARY else errors
    answer, spread, own = fit(sound, rows)
    y = rows.outcome.astype(np.float64)
    labels = Labels(
        y, answer, spread, rows.time, rows.known, as_seen(rows, maps), np.zeros(0),
        independent_rows(own) / len(own), task is Task.BINARY, sound.outcome.astype(np.float64), own,
    )  # fmt: skip
    return replace(labels, base=likelihood(labels, answer))


def probabilities(sound: Records, rows: Records) -> tuple[Floats, Floats, Floats]:
    """Return recalibrated log odds of rows, ones, and the healthy errors (for their dependence)."""
    score, y = sound.score.astype(np.float64), sound.outcome.astype(np.float64)
    cuts = np.unique(np.quantile(score, np.linspace(0, 1, BINS + 1)[1:-1]))
    at = np.searchsorted(cuts, score)
    count = np.bincount(at, minlength=len(cuts) + 1)
    mean = (np.bincount(at, y, len(count)) + y.mean()) / (count + 1)
    odds = special.logit(np.clip(mean, 0.005, 0.995))
    return (
        odds[np.searchsorted(cuts, rows.score.astype(np.float64))],
        np.ones(len(rows)),
        np.asarray(y - mean[at], np.float64),
    )


def errors(sound: Records, rows: Records) -> tuple[Floats, Floats, Floats]:
    """Return bias-free answers of rows, the healthy spread of errors at such answers, and the healthy errors."""
    score = sound.score.astype(np.float64)
    error = sound.outcome.astype(np.float64) - score
    cuts = np.unique(np.quantile(score, (0.2, 0.4, 0.6, 0.8)))
    at = np.searchsorted(cuts, score)
    some = [error[at == k] if (at == k).sum() >= BINS else error for k in range(len(cuts) + 1)]
    bias = np.array([np.median(part) for part in some])
    spread = np.array([float(np.diff(np.quantile(part, MIDDLE))[0]) / 2 for part in some])
    spread = np.maximum(spread, 0.05 * (np.std(error) or 1.0))  # most errors may be none at all
    new = rows.score.astype(np.float64)
    where = np.searchsorted(cuts, new)
    return new + bias[where], spread[where], (error - bias[at]) / spread[at]


def likelihood(labels: Labels, answer: Floats, y: Floats | None = None) -> Floats:
    """Return the log likelihood of each outcome given an answer, shape (n,)."""
    y = labels.y if y is None else y
    if labels.binary:
        found: Floats = y * special.log_expit(answer) + (1 - y) * special.log_expit(-answer)
        return found
    return tailed((y - answer) / labels.spread) - np.log(labels.spread)


def tailed(z: Floats) -> Floats:
    """Return the log density of standardised errors, Student's t up to a constant, shape (n,)."""
    return np.asarray(-0.5 * (TAIL + 1) * np.log1p(np.square(z) / TAIL))


def broken(labels: Labels) -> Iterator[Told]:
    """Yield the accounts of a broken feed: outcomes flipped, constant, or in another unit, in the order they came."""
    order = np.argsort(labels.known, kind="stable")
    for share in SHARES:
        for words, spoiled in spoils(labels):
            gain = mixed(labels.base, spoiled, share) - labels.base
            yield since(
                labels,
                Cause.OUTCOMES,
                gain,
                order,
                1 + (share < 1),
                labels.known,
                f"{words} in about {share:.0%} of those",
            )


def spoiled(labels: Labels, rows: np.ndarray) -> Iterator[float]:
    """Yield how much likelier some rows are under each way of spoiling a share of them (nats, paid for)."""
    for share in SHARES:
        for _, spoiled in spoils(labels):
            gain = (mixed(labels.base, spoiled, share) - labels.base)[rows]
            yield float(gain.sum()) * labels.worth - 0.5 * (1 + (share < 1)) * float(np.log(len(rows)))


def mixed(sound: Floats, spoiled: Floats, share: float) -> Floats:
    """Return the log likelihood of outcomes of which a share is spoiled."""
    return np.asarray(np.logaddexp(sound + np.log1p(-min(share, 1 - 1e-9)), spoiled + np.log(share)))


def spoils(labels: Labels) -> Iterator[tuple[str, Floats]]:
    """Yield ways in which an outcome may be spoiled, with the log likelihood of each outcome if it was."""
    if labels.binary:
        yield "outcomes are the opposite of what is true", likelihood(labels, -labels.answer)
        for level in (0.0, 1.0):
            yield f"outcomes are {level:.0f} whatever is true", np.where(labels.y == level, -1e-3, -20.0)
        return
    for factor in FACTORS:
        words = f"outcomes are {factor:g} times what they were"
        yield words, likelihood(labels, labels.answer, labels.y / factor) - np.log(factor)
    values, count = np.unique(labels.y, return_counts=True)
    most = float(values[np.argmax(count)])
    usual = ((labels.before == most).sum() + 0.5) / (len(labels.before) + 1)  # of healthy outcomes have this very value
    hit = labels.base - np.log(usual)
    yield f"outcomes are {most:g} whatever is true", np.where(labels.y == most, hit, labels.base - 20.0)


def shifted(labels: Labels) -> Iterator[Told]:
    """Yield the account of other shares: one offset of the log odds, or of a number's level, for all requests."""
    order = np.argsort(labels.time, kind="stable")

    def fitted(rows: np.ndarray) -> Floats:
        return likelihood(labels, labels.answer + offset(labels, rows)) - labels.base

    words = "the share of outcomes is another at every answer" if labels.binary else "outcomes lie off by a constant"
    yield refitted(labels, Cause.PRIOR, fitted, order, 1, words)


def related(labels: Labels, schema: Schema) -> Iterator[Told]:
    """Yield the accounts of another relation: for some rows the outcomes are off otherwise than for the rest."""
    order = np.argsort(labels.time, kind="stable")
    for share, times in () if labels.binary else product(SHARES, WIDER):
        gain = wider((labels.y - labels.answer) / labels.spread, times, share)
        said = f"errors are {times:g} times as large in about {share:.0%} of those"
        usual = wider(labels.own, times, share)
        found = since(labels, Cause.CONCEPT, gain, order, 2, labels.time, said, usual)
        yield replace(found, gain=found.gain - np.log(len(SHARES) * len(WIDER)))
    parts = list(splits(labels, schema))
    tried = float(np.log(max(len(parts), 1)))
    for words, part in parts:

        def moved(rows: np.ndarray, part: np.ndarray = part) -> Floats:
            by = np.where(part, offset(labels, rows & part), offset(labels, rows & ~part))
            return likelihood(labels, labels.answer + by) - labels.base

        def void(rows: np.ndarray, part: np.ndarray = part) -> Floats:
            return likelihood(labels, np.where(part, level(labels, rows & part), labels.answer)) - labels.base

        for fitted, said in ((moved, "outcomes are off otherwise where"), (void, "the answer tells nothing where")):
            found = refitted(labels, Cause.CONCEPT, fitted, order, 2, f"{said} {words}")
            yield Told(found.cause, found.gain - tried, found.since, found.words)


def wider(z: Floats, times: float, share: float) -> Floats:
    """Return how much likelier standardised errors are if a share of them is so many times as large, shape (n,)."""
    return mixed(tailed(z), tailed(z / times) - np.log(times), share) - tailed(z)


def means_at_most(healthy: Floats, rows: np.ndarray) -> Floats:
    """Return the highest mean of stretches of so many healthy rows, of each number up to the next power of two."""
    sizes = 2 ** np.floor(np.log2(rows)).astype(np.int64)
    best = {int(n): float(moving_means(healthy, int(n)).max()) for n in np.unique(sizes)}
    return np.array([best[int(n)] for n in sizes])


def splits(labels: Labels, schema: Schema) -> Iterator[tuple[str, np.ndarray]]:
    """Yield parts of the rows: all, by answer, by the quartiles of numbers, by the commonest levels."""
    yield "it was right before", np.ones(len(labels.y), dtype=bool)
    for cut in CUTS:
        yield f"the answer is above its {cut:.0%} quantile", labels.answer > np.quantile(labels.answer, cut)
    for name in [f.name for f in schema.features if f.sensitive is None][:COLUMNS]:
        column = labels.inputs[name]
        if column.dtype == object:
            levels, count = np.unique(column.astype(str), return_counts=True)
            for level in levels[np.argsort(-count, kind="stable")[:LEVELS]]:
                yield f"{name} is {str(level)!r}", column.astype(str) == level
        elif not np.isnan(column).all():
            for cut in np.unique(np.nanquantile(column, CUTS)):
                yield f"{name} > {cut:.4g}", column > cut


def level(labels: Labels, rows: np.ndarray) -> float:
    """Return the one answer that makes the outcomes of some rows likeliest."""
    if not rows.any():
        return 0.0
    if not labels.binary:
        return float(np.median(labels.y[rows]))
    return float(special.logit(np.clip(labels.y[rows].mean(), 0.005, 0.995)))


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


Fitted = Callable[[np.ndarray], Floats]


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

    `usual` is what healthy rows gain by it: no more than the best of as many of them counts.
    """
    total = np.cumsum(gain[order][::-1])[::-1]
    if usual is not None:
        rows = np.arange(len(total), 0, -1)
        total = total - rows * np.maximum(means_at_most(usual, rows), 0.0)
    onset = int(np.argmax(total))
    paid = 0.5 * parameters * np.log(len(order)) + np.log(len(order))
    start = when[order[onset]]
    at = start.astype("datetime64[m]").item()
    return Told(cause, float(total[onset]) * labels.worth - paid, start, f"{words} since {at:%Y-%m-%d %H:%M}")
