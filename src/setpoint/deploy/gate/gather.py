"""Ask both versions all that a case holds. Nothing here decides."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from setpoint.deploy.gate import learnt as learning
from setpoint.deploy.gate.case import FEWEST_HELD_OUT, Answers, Case, FloatArray, IntArray, Learnt, Odd, Side
from setpoint.deploy.gate.patterns import patterns
from setpoint.deploy.gate.spending import Turn
from setpoint.deploy.stress import stresses
from setpoint.domain.classes import classes_of
from setpoint.domain.objective import Objective, asked_latency_us
from setpoint.domain.records import Column, Columns
from setpoint.domain.rollout import Verdict
from setpoint.domain.schema import Kind, Schema, Task
from setpoint.domain.segments import Split
from setpoint.stats.losses import answer_losses, constant_losses
from setpoint.stats.naive import last_known, same_as_last, segment_means

SAMPLE = 400  # held-out rows that are asked again in changed form
MOST_FEATURES = 40  # whose values are exchanged
NUDGE = 0.01  # of a feature's spread

Ask = Callable[[Columns], Columns]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A version that can be asked, with what its manifest says."""

    version: str
    ask: Ask
    threshold: float = 0.5
    p50_us: float | None = None
    bytes: int | None = None

    def tried(self, inputs: Columns, schema: Schema) -> Columns:
        """Return its answers; nothing in every row where it raises: what a version cannot answer is found out here."""
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")  # odd values are meant to be odd
                return self.ask(inputs)
        except Exception:  # a model is not our code
            rows = len(next(iter(inputs.values())))
            return {name: np.full(rows, np.nan) for name in schema.outputs}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Labelled rows in time order that came later than all the candidate learnt from, inputs repaired."""

    inputs: Columns
    truth: FloatArray
    time: Column
    known: Column


def gather(
    champion: Asked,
    candidate: Asked,
    rows: HeldOut,
    schema: Schema,
    *,
    learnt: Learnt | None = None,
    splits: Mapping[str, Split] | None = None,
    objectives: tuple[Objective, ...] = (),
    trigger: str = "",
    turn: Turn | None = None,
    earlier: tuple[Verdict, ...] = (),
    min_rows: int = FEWEST_HELD_OUT,
) -> Case:
    """Ask both versions the same rows, plain and changed, and put their answers side by side.

    Parameters
    ----------
    learnt : Learnt, optional
        What the candidate learnt, see `learnt.learnt_from`; without it nothing is said of its training set.
    splits : mapping of str to Split, optional
        The stated segments.
    trigger : str
        Name of the objective that has to get better; empty: the loss.
    """
    held = {
        champion.version: answers_of(champion.ask(rows.inputs), rows.truth, schema),
        candidate.version: answers_of(candidate.tried(rows.inputs, schema), rows.truth, schema),
    }
    count = len(rows.truth)
    sample = (
        np.unique(np.linspace(0, count - 1, min(SAMPLE, count)).astype(np.int64)) if count else np.zeros(0, np.int64)
    )
    sides = [_side(s, held[s.version], rows, sample, schema, learnt) for s in (champion, candidate)]
    sides[0] = replace(sides[0], fitted=_before(champion, learnt, schema))
    some = _taken(rows.inputs, sample)
    return Case(
        schema=schema,
        inputs=rows.inputs,
        truth=rows.truth,
        time=rows.time,
        known=rows.known,
        champion=sides[0],
        candidate=sides[1],
        objectives=objectives,
        trigger=trigger,
        splits=splits or {},
        learnt=learnt,
        naive=naive_losses(rows, schema, learnt, splits or {}),
        sample=sample,
        odd=_odd(champion, candidate, some, schema),
        patterns=patterns(
            sides[0], champion.ask, partial(candidate.tried, schema=schema), some, learnt, rows.inputs, schema
        ),
        latency_us=asked_latency_us(objectives),
        turn=turn or Turn(),
        earlier=earlier,
        min_rows=min_rows,
    )


def answers_of(outputs: Columns, truth: Column, schema: Schema) -> Answers:
    """Return a version's outputs beside what was true."""
    classes = classes_of(outputs, truth, schema) if schema.task is Task.MULTICLASS else None
    score = np.asarray(outputs[schema.score], np.float64)
    score = np.where(np.isfinite(score), score, np.nan)
    return Answers(score=score, losses=answer_losses({**outputs, schema.score: score}, truth, schema), classes=classes)


def naive_losses(
    rows: HeldOut, schema: Schema, learnt: Learnt | None, splits: Mapping[str, Split]
) -> dict[str, FloatArray]:
    """Return the losses of the answers that need no model; none where nothing is known of earlier rows."""
    if learnt is None or not len(rows.truth):
        return {}
    fine = np.isfinite(learnt.truth)
    if not fine.any():
        return {}
    found = {"a constant": constant_losses(learnt.truth[fine], rows.truth, schema)}
    for by, split in splits.items():
        own = split.codes(learnt.inputs[by])[fine], learnt.truth[fine]
        found[f"the constant of {by}"] = segment_means(split.codes(rows.inputs[by]), rows.truth, own, schema)
    return {**found, "the same as last": _same_as_last(rows, schema, learnt)}


def _same_as_last(rows: HeldOut, schema: Schema, learnt: Learnt) -> FloatArray:
    """Return the losses of 'the same as the last outcome known'."""
    delay, when = np.median(rows.known - rows.time), _times(rows, learnt)
    order = np.argsort(when, kind="stable")
    before, y = when[order], learnt.truth[order]
    time = np.concatenate([before, rows.time])
    known = np.concatenate([before + delay, rows.known])
    truth = np.concatenate([y, rows.truth])
    at = last_known(time, known, time)
    last = np.where(at >= 0, truth[at], np.nan)
    return same_as_last(last[len(y) :], rows.truth, (last[: len(y)], y), schema)


def _times(rows: HeldOut, learnt: Learnt) -> Column:
    """Return when the rows of the set came; where that is not known in their order, just before the held-out ones."""
    if learnt.time is not None:
        return learnt.time
    apart = (rows.time.max() - rows.time.min()) // max(len(rows.time) - 1, 1)
    when: Column = rows.time.min() - max(apart, np.timedelta64(1, "us")) * np.arange(len(learnt.truth), 0, -1)
    return when


def _side(s: Asked, held: Answers, rows: HeldOut, sample: IntArray, schema: Schema, learnt: Learnt | None) -> Side:
    some, truth = _taken(rows.inputs, sample), rows.truth[sample]
    own = learning.answered(partial(s.tried, schema=schema), learnt, schema, answers_of)
    return Side(
        version=s.version,
        held=held,
        threshold=s.threshold,
        learnt=own,
        fitted=None if own is None else _mean(own.losses),
        nudged=_scores(s, nudged(some, schema), schema) if len(sample) else np.zeros(0),
        plain=_mean(held.losses[sample]),
        without=_without(s, some, truth, schema) if len(sample) else {},
        p50_us=s.p50_us,
        bytes=s.bytes,
    )


def _before(champion: Asked, learnt: Learnt | None, schema: Schema) -> float | None:
    """Return the champion's mean loss on rows that it has learnt from."""
    if learnt is None or learnt.before is None:
        return None
    inputs, truth = learnt.before
    known = np.isfinite(truth)
    rows = np.flatnonzero(known)
    return _mean(answers_of(champion.tried(_taken(inputs, rows), schema), truth[known], schema).losses)


def nudged(inputs: Columns, schema: Schema) -> dict[str, Column]:
    """Return the rows with every fraction moved by a hundredth of its spread, up and down in turns."""
    moved = dict(inputs)
    for place, feature in enumerate(schema.features):
        column = inputs[feature.name]
        if feature.kind is Kind.NUMERIC and np.any(column != np.round(column), where=np.isfinite(column)):
            sign = np.where((np.arange(len(column)) + place) % 2, 1.0, -1.0)
            moved[feature.name] = column + sign * NUDGE * _spread(column)
    return moved


def _spread(column: Column) -> float:
    """Return the standard deviation, or what the quartiles say of it where single values are far out."""
    low, high = np.nanquantile(column, (0.25, 0.75))
    wide = float(np.nanstd(column))
    return min(wide, float(high - low) / 1.35) if high > low else wide


def _without(s: Asked, inputs: Columns, truth: FloatArray, schema: Schema) -> dict[str, float]:
    """Return the mean loss with one feature's values exchanged, by feature: the same exchange for every version."""
    exchange = np.random.default_rng(0).permutation(len(truth))
    names = schema.names[:MOST_FEATURES]
    return {
        name: _mean(answers_of(s.tried({**inputs, name: inputs[name][exchange]}, schema), truth, schema).losses)
        for name in names
    }


def _odd(champion: Asked, candidate: Asked, some: Columns, schema: Schema) -> tuple[Odd, ...]:
    return tuple(
        Odd(
            kind=stress.kind,
            names=tuple(f"{name} = {value}" for name, value in stress.odd),
            champion=_scores(champion, stress.columns, schema),
            candidate=_scores(candidate, stress.columns, schema),
            spared=stress.spared,
        )
        for stress in stresses(some, schema)
        if not stress.spared
    )


def _scores(s: Asked, inputs: Columns, schema: Schema) -> FloatArray:
    return np.asarray(s.tried(inputs, schema)[schema.score], np.float64)


def _taken(inputs: Columns, rows: IntArray) -> dict[str, Column]:
    return {name: column[rows] for name, column in inputs.items()}


def _mean(losses: FloatArray) -> float:
    return float(np.nanmean(losses)) if np.isfinite(losses).any() else float("nan")
