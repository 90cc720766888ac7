"""From what a look brings to what can be bet on, for each metric and segment."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from setpoint.deploy.evidence.bets import Bets, Source, alone, paired
from setpoint.deploy.evidence.names import (
    DISAGREEMENT,
    ERRORS,
    IN_SEGMENTS,
    LATENCIES,
    OUTCOMES,
    QUALITY,
    SHARES,
    VALUE,
    VIOLATIONS,
    key,
)
from setpoint.deploy.evidence.scales import NOBODY_MINDS, Scale, loss_scale, rate, value_scale
from setpoint.domain.evidence import Terms
from setpoint.domain.exposure import Answers, Masks, PairedAnswers, Pairs, Requests
from setpoint.domain.records import Column
from setpoint.stats.betting import FloatArray

UNLIKE = 0.03  # of the traffic more or less than it should have, or of outcomes than the other has, does no harm
SHOWN_ONLY = 0.999  # stands in for the bound on a rate that nobody judges: one can bet against it, as not against 1


def from_requests(requests: Requests, terms: Terms) -> Iterator[Bets]:
    """Return the bets on what shared requests show at once."""
    shared, margins = (requests.share > 0) & (requests.share < 1), terms.margins
    source = Source(requests.challenger, requests.share, requests.unit)
    yield _alike(source.bets(SHARES, shared, np.ones(len(shared)), rate()))
    failed = source.bets(ERRORS, shared, requests.failed, rate(margins.errors))
    yield failed
    yield from _in_segments(failed, requests.segments, terms)
    yield source.bets(VIOLATIONS, shared, requests.broke, rate(margins.violations))
    timed = shared & np.isfinite(requests.latency_ms)
    for track, quantile in LATENCIES.items():
        if limit := terms.frozen.latency_ms.get(quantile):
            over, margin = requests.latency_ms / limit, (margins.latency or 0.0) * requests.challenger
            slower = [over > 1 + part * margin for part in (0.0, NOBODY_MINDS, 1.0)]
            yield source.bets(track, timed, slower[0], rate(), harm=slower[1], held=slower[2])


def from_answers(answers: Answers, terms: Terms) -> Iterator[Bets]:
    """Return the bets on what shared rows show when their outcome is known."""
    shared = (answers.share > 0) & (answers.share < 1)
    source = Source(answers.challenger, answers.share, answers.unit)
    known = np.isfinite(answers.loss if answers.outcome is None else answers.outcome)
    yield _alike(source.bets(OUTCOMES, shared, known, Scale(top=1.0, middle=terms.frozen.labelled, margin=0.0)))
    if scale := loss_scale(terms):
        known = shared & ~np.isnan(answers.loss)
        bets = source.bets(QUALITY, known, np.minimum(answers.loss, scale.top), scale)
        yield bets
        yield from _in_segments(bets, answers.segments, terms)
    if answers.value is not None and (scale := value_scale(terms)):
        yield source.bets(VALUE, shared & ~np.isnan(answers.value), _short(answers.value, terms), scale)


def from_pairs(pairs: Pairs, terms: Terms) -> Iterator[Bets]:
    """Return the bets on what requests that both were asked show at once."""
    every, margins = np.ones(len(pairs.failed), bool), terms.margins
    failed = paired(ERRORS, every, pairs.failed, pairs.challenger_failed, rate(margins.errors))
    yield failed
    yield from _in_segments(failed, pairs.segments, terms)
    timed = np.isfinite(pairs.latency_ms) & np.isfinite(pairs.challenger_latency_ms)
    for track, quantile in LATENCIES.items():
        if limit := terms.frozen.latency_ms.get(quantile):
            old, new, margin = pairs.latency_ms / limit, pairs.challenger_latency_ms / limit, margins.latency or 0.0
            slower = [new > 1 + part * margin for part in (0.0, NOBODY_MINDS, 1.0)]
            yield paired(track, timed, old > 1, slower[0], rate(), harm=slower[1], held=slower[2])
    known = ~np.isnan(pairs.differs)
    yield alone(DISAGREEMENT, known, pairs.differs, margins.disagreement or SHOWN_ONLY)


def from_paired_answers(answers: PairedAnswers, terms: Terms) -> Iterator[Bets]:
    """Return the bets on what rows that both were asked show when their outcome is known."""
    if scale := loss_scale(terms):
        known = ~np.isnan(answers.loss) & ~np.isnan(answers.challenger_loss)
        old, new = (np.minimum(loss, scale.top) for loss in (answers.loss, answers.challenger_loss))
        bets = paired(QUALITY, known, old, new, scale)
        yield bets
        yield from _in_segments(bets, answers.segments, terms)
    if answers.value is not None and answers.challenger_value is not None and (scale := value_scale(terms)):
        known = ~np.isnan(answers.value) & ~np.isnan(answers.challenger_value)
        yield paired(VALUE, known, _short(answers.value, terms), _short(answers.challenger_value, terms), scale)


def _short(value: Column, terms: Terms) -> FloatArray:
    """Return what decisions fell short of the best there is, in the operator's unit."""
    frozen = terms.frozen
    assert frozen.value_low is not None
    assert frozen.value_high is not None
    return np.asarray(frozen.value_high - np.clip(value, frozen.value_low, frozen.value_high))


def _alike(bets: Bets) -> Bets:
    """Return the bets that two things are not alike: that the challenger has more, and that it has less."""
    return replace(bets, harm_above=UNLIKE, held_below=-UNLIKE)


def _in_segments(bets: Bets, segments: Masks, terms: Terms) -> Iterator[Bets]:
    if bets.track in IN_SEGMENTS:
        for name in terms.segments:
            if name in segments:
                yield bets.within(key(bets.track, name), segments[name])
