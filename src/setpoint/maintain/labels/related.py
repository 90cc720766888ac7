"""Outcomes that are off otherwise than before: by as much for all requests, or for some of them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from setpoint.domain.incident import Cause
from setpoint.domain.schema import Schema
from setpoint.maintain.labels.account import Told, gained_at_most, level, offset, refitted, since
from setpoint.maintain.labels.rows import Labels, likelihood, mixed, tailed
from setpoint.maintain.loss import Floats

SHARES = (0.1, 0.25, 0.5, 0.9, 1.0)  # of the rows whose errors may be larger
WIDER = (1.5, 2.0, 3.0, 5.0, 10.0, 20.0)  # times the healthy spread of errors
CUTS = (0.25, 0.5, 0.75)
LEVELS = 3  # the commonest of a column that may stand apart
OFF = (-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)  # healthy deviations of outcomes
COLUMNS = 24  # among which a relation is sought that changed for some rows only


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
        usual = gained_at_most(wider(labels.own, times, share), len(gain))
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


def partly(labels: Labels, schema: Schema) -> Iterator[Told]:
    """Yield the accounts of another relation in a part of the rows that inputs tell, for a share of the rows there.

    Of two classes the outcome is the opposite of what was foretold, of a number it lies off by some healthy deviations.
    What spoils outcomes on their way asks nobody what the inputs are.
    """
    order = np.argsort(labels.time, kind="stable")
    words, gains, usual = zip(*turned(labels), strict=True)
    gain, natural = np.array(gains), np.array(usual)
    parts = list(either_way(splits(labels, schema)))
    tried = float(np.log(max(len(parts) * len(gain), 1)))
    for part_words, part in parts:
        inside = order[part[order]]
        if len(inside):
            total = np.cumsum(gain[:, inside[::-1]], axis=1) - natural[:, : len(inside)]
            at = int(total.max(axis=1).argmax())
            said = f"{words[at]} of the rows where {part_words}"
            found = since(labels, Cause.CONCEPT, gain[at], inside, 2, labels.time, said, natural[at])
            yield replace(found, gain=found.gain - tried)


def turned(labels: Labels) -> Iterator[tuple[str, Floats, Floats]]:
    """Yield ways in which the relation may have changed for a share of rows: what each gains, and healthy rows by it.

    The first is of shape (n,), the other what 1, 2, … n healthy rows gain at most.
    """
    if labels.binary:
        for share in SHARES:
            gain = mixed(labels.base, likelihood(labels, -labels.answer), share) - labels.base
            yield f"the opposite of what was foretold comes in about {share:.0%}", gain, np.zeros(len(gain))
        return
    unit, sound, base = float(labels.before.std()), tailed(labels.own), labels.base
    for by in unit * np.array(OFF):
        then, own = likelihood(labels, labels.answer + by), tailed(labels.own - by / labels.own_spread)
        for share in SHARES:
            usual = gained_at_most(mixed(sound, own, share) - sound, len(base))
            yield f"outcomes lie off by {by:+.4g} in about {share:.0%}", mixed(base, then, share) - base, usual


def wider(z: Floats, times: float, share: float) -> Floats:
    """Return how much likelier standardised errors are if a share of them is so many times as large, shape (n,)."""
    return mixed(tailed(z), tailed(z / times) - np.log(times), share) - tailed(z)


def either_way(parts: Iterable[tuple[str, np.ndarray]]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield parts and what is left without each."""
    for words, part in parts:
        yield words, part
        if not part.all():
            yield f"not {words}", ~part


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
