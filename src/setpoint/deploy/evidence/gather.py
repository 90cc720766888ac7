"""Adding what a look brings to the evidence: every row is looked at, so how looks fall does not matter."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

from setpoint.deploy.evidence import names
from setpoint.deploy.evidence.bets import Bets
from setpoint.deploy.evidence.placing import placed
from setpoint.deploy.evidence.told import from_answers, from_paired_answers, from_pairs, from_requests
from setpoint.deploy.evidence.tracks import Paths, grown
from setpoint.domain.evidence import Terms
from setpoint.domain.exposure import Answers, Batch, PairedAnswers, Pairs, Requests
from setpoint.domain.records import Column
from setpoint.domain.value import replace
from setpoint.domain.wealth import Evidence, Track
from setpoint.stats.betting import FloatArray

Part = TypeVar("Part", Requests, Answers, Pairs, PairedAnswers)

AT_ONCE = 4_096  # rows that are worked on together
TOGETHER = math.log(4)  # tracks with a quarter of the largest evidence are named with it
COMPARABLE = (names.SHARES, names.OUTCOMES)
UNEVEN = math.log(200)  # the two can surely not be compared; said of 1 % of rollouts where they can, and each side


def gathered(evidence: Evidence, batch: Batch, terms: Terms) -> Evidence:
    """Return the evidence with everything that a batch brings."""
    soon, late = names.soon(terms), names.late(terms)
    evidence = _all(evidence, batch.pairs, from_pairs, soon, terms)
    evidence = _all(evidence, batch.requests, from_requests, soon, terms)
    evidence, batch = placed(evidence, batch)
    evidence = _all(evidence, batch.paired_answers, from_paired_answers, late, terms)
    evidence = _all(evidence, batch.answers, from_answers, late, terms)
    return replace(evidence, mature=evidence.mature + _mature(batch))


def _mature(batch: Batch) -> int:
    """Return how many of the rows that can be compared are old enough for an outcome."""
    pairs, shared = batch.paired_answers, batch.answers
    both = 0 if pairs is None else len(pairs.loss)
    return both + (0 if shared is None else int(((shared.share > 0) & (shared.share < 1)).sum()))


def _all(
    evidence: Evidence,
    part: Part | None,
    bets_on: Callable[[Part, Terms], Iterable[Bets]],
    weights: Mapping[str, float],
    terms: Terms,
) -> Evidence:
    if part is not None:
        for piece in _pieces(part):
            evidence = _more(evidence, list(bets_on(piece, terms)), weights, terms)
    return evidence


def _pieces(part: Part) -> Iterator[Part]:
    """Cut a part into stretches that fit into memory with sixteen gamblers and many tracks."""
    arrays: dict[str, Any] = {f.name: getattr(part, f.name) for f in fields(part)}
    rows = len(next(iter(arrays.values())))
    for start in range(0, rows, AT_ONCE):
        yield replace(part, **{name: _cut(thing, start) for name, thing in arrays.items()})


def _cut(thing: Any, start: int) -> Any:
    if isinstance(thing, Mapping):
        return {name: _cut(array, start) for name, array in thing.items()}
    return None if thing is None else thing[start : start + AT_ONCE]


def _more(evidence: Evidence, bets: list[Bets], weights: Mapping[str, float], terms: Terms) -> Evidence:
    tracks, harm = dict(evidence.tracks), {}
    for bet in bets:
        if len(bet.share):
            before = tracks.get(bet.track, Track())
            after, paths = grown(before, bet, better=bet.track == terms.better)
            tracks[bet.track] = _latched(after, paths, terms, bet.track)
            harm[bet.track] = _spread_out(paths.harm, bet.rows, before.log_harm)
    tracks, back = _harmed(evidence, tracks, harm, weights, terms)
    return replace(evidence, tracks=tracks, back=back, uneven=_uneven(evidence, tracks))


def _latched(track: Track, paths: Paths, terms: Terms, name: str) -> Track:
    enough = math.log(1 / terms.spent)
    return replace(
        track,
        held=track.held or bool(paths.held.max() >= enough),
        harmed=track.harmed or _alarming(name, paths, enough),
        better=track.better or bool(paths.better.max() >= enough),
    )


def _alarming(name: str, paths: Paths, enough: float) -> bool:
    """Whether a track that is not part of the evidence of harm says at some row that a person has to look."""
    if name in COMPARABLE:
        return max(float(paths.harm.max()), float(paths.held.max())) >= UNEVEN
    return name == names.DISAGREEMENT and float(paths.harm.max()) >= enough


def _spread_out(path: FloatArray, rows: Column, before: float) -> FloatArray:
    """Return the evidence after each row of the stretch, where the path has only those of its track."""
    everywhere: FloatArray = np.concatenate([[before], path])[np.cumsum(rows)]
    return everywhere


def _harmed(
    evidence: Evidence,
    tracks: dict[str, Track],
    harm: Mapping[str, FloatArray],
    weights: Mapping[str, float],
    terms: Terms,
) -> tuple[dict[str, Track], tuple[str, ...]]:
    """Mark the tracks that show harm where the weighed mean of all of one kind passes the limit after any row.

    What is known at once and what is known late have half of the budget each: a mean of both would not be safe, for
    whoever stops on one knows of rows whose outcome the other still waits for.
    """
    grew = [track for track in harm if track in weights]
    if not grew:
        return tracks, evidence.back
    still = {track: part + _harm(tracks.get(track)) for track, part in weights.items() if track not in harm}
    moving = np.array([weights[track] + harm[track] for track in grew])
    whole = np.logaddexp.reduce(np.vstack([moving, *(np.full(moving.shape[1], log) for log in still.values())]), axis=0)
    above = whole >= math.log(2 / terms.spent)
    if not above.any():
        return tracks, evidence.back
    at = int(np.argmax(above))
    parts = still | dict(zip(grew, moving[:, at].tolist(), strict=True))
    guilty = [track for track, part in parts.items() if part >= max(parts.values()) - TOGETHER]
    marked = {track: replace(tracks[track], harmed=True) for track in guilty if track in tracks}
    return {**tracks, **marked}, tuple(dict.fromkeys([*evidence.back, *guilty]))


def _harm(track: Track | None) -> float:
    return 0.0 if track is None else track.log_harm


def _uneven(evidence: Evidence, tracks: Mapping[str, Track]) -> tuple[str, ...]:
    found = (name for name in COMPARABLE if tracks.get(name, Track()).harmed)
    return tuple(dict.fromkeys([*evidence.uneven, *found]))
