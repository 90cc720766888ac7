"""All that the gate looks at, as values: both versions' answers to the same rows, and what the candidate learnt."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpoint.deploy.gate.spending import Turn
from setpoint.domain.classes import Classes
from setpoint.domain.objective import Objective
from setpoint.domain.records import Column, Columns
from setpoint.domain.rollout import Verdict
from setpoint.domain.schema import Schema, Task
from setpoint.domain.segments import Split

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

FEWEST_HELD_OUT = 100  # labelled rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one version said to n rows: its score (NaN: nothing), of several classes all of them, and its losses."""

    score: FloatArray
    losses: FloatArray
    classes: Classes | None = None

    def take(self, rows: NDArray[np.generic]) -> "Answers":
        """Return the rows of a boolean mask or an index array."""
        classes = None if self.classes is None else self.classes.take(rows)
        return Answers(score=self.score[rows], losses=self.losses[rows], classes=classes)

    def decided(self, threshold: float) -> FloatArray:
        """Return what it decides, shape (n,): a class's place, or of a regression the prediction."""
        if self.classes is not None:
            return self.classes.decided
        return np.where(np.isnan(self.score), np.nan, (self.score >= threshold).astype(np.float64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What the candidate learnt from, rows in the order of its training set.

    `truth` is the label it was given; `logged` is what the log says of the row with the same id (NaN: nothing). `new`
    are rows that the champion has not learnt from. `scored` are the places of rows that both versions were asked.
    """

    truth: FloatArray
    inputs: Columns
    new: BoolArray
    scored: IntArray
    logged: FloatArray
    time: Column | None = None
    champion_until: np.datetime64 | None = None  # the newest row that the champion learnt from
    before: tuple[Columns, FloatArray] | None = None  # the latest rows that the champion has learnt from
    held_out: int = 0  # rows of the held-out stretch that are among them and that the champion has not learnt from
    erased: int = 0  # rows that have been erased from the log since


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """Rows with an odd value each, as both answered them. `spared` says why one need not answer."""

    kind: str
    names: tuple[str, ...]
    champion: FloatArray
    candidate: FloatArray
    spared: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A value that few rows of the training set share, whose labels contradict the champion; and what it does.

    `moved` and `champion_moved` are the mean change of the score when the value is put into held-out rows; `gap` is the
    mean label minus the champion's mean score.
    """

    feature: str
    written: str
    rows: int
    gap: float
    moved: float
    champion_moved: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two versions: its answers and what it costs.

    `held` are its answers to the held-out rows, `learnt` to the rows `Learnt.scored`, and `fitted` is its mean loss on
    rows that it has learnt from itself. Of a sample of the held-out rows:
    `nudged` are its scores after every number was moved a little, `without` its mean loss with one feature's values
    exchanged between the rows, by feature, and `plain` its mean loss on them as they are.
    """

    version: str
    held: Answers
    threshold: float = 0.5
    learnt: Answers | None = None
    fitted: float | None = None
    nudged: FloatArray
    plain: float
    without: Mapping[str, float]
    p50_us: float | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A candidate before the gate. Held-out rows are in time order; arrays have shape (n,).

    Parameters
    ----------
    truth : ndarray of shape (n,), float64
        See `Records.truth`.
    time, known : ndarray of shape (n,), datetime64[us]
        When rows came, and when their outcomes were known.
    splits : mapping of str to Split
        The stated segments, by column.
    naive : mapping of str to ndarray of shape (n,)
        Losses of answers that need no model, by what they are called.
    sample : ndarray of int64
        Places of the rows that both were also asked in changed form.
    latency_us : float, optional
        The shortest latency that an objective asks for.
    earlier : tuple of Verdict
        What the gate said of earlier candidates that were made in the same way, in time order.
    """

    schema: Schema
    inputs: Columns
    truth: FloatArray
    time: Column
    known: Column
    champion: Side
    candidate: Side
    objectives: tuple[Objective, ...] = ()
    trigger: str = ""
    splits: Mapping[str, Split]
    learnt: Learnt | None = None
    naive: Mapping[str, FloatArray]
    sample: IntArray
    odd: tuple[Odd, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    latency_us: float | None = None
    turn: Turn
    earlier: tuple[Verdict, ...] = ()
    min_rows: int = FEWEST_HELD_OUT

    def __len__(self) -> int:
        """Return the number of held-out rows."""
        return len(self.truth)

    @property
    def both(self) -> BoolArray:
        """The rows that both answered."""
        return np.isfinite(self.champion.held.losses) & np.isfinite(self.candidate.held.losses)

    @property
    def enough(self) -> bool:
        """Whether there are rows enough to judge quality by."""
        return int(self.both.sum()) >= self.min_rows

    @property
    def gains(self) -> FloatArray:
        """The champion's loss minus the candidate's on the rows that both answered."""
        rows = self.both
        return np.asarray(self.champion.held.losses[rows] - self.candidate.held.losses[rows], np.float64)

    @property
    def spread(self) -> float:
        """The standard deviation of what was true of a regression; 1 where a score is a probability."""
        return float(self.truth.std()) or 1.0 if self.schema.task is Task.REGRESSION else 1.0
