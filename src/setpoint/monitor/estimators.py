"""What a version's reference teaches of its quality, kept beside the bundle, and what is said of a window by it."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.ledger import LAST, REFERENCE, SCORES, TRACKED, Entry, Estimate
from setpoint.domain.objective import Gain, Objective
from setpoint.domain.records import Column
from setpoint.domain.schema import Task
from setpoint.domain.value import field, from_json, to_json, value
from setpoint.errors import Corrupt, InvalidInput
from setpoint.stats.calibration import Cells, cells_of, choose
from setpoint.stats.estimate import CANNOT, Estimator, Promise, class_estimator, error_estimator, spread
from setpoint.stats.estimate_tracked import Mixture, tracked
from setpoint.stats.expected import EXPECTED, value_of
from setpoint.stats.loss_cells import LossCells, loss_cells_of

FILE_NAME = "estimate.json"
ERRORS = ("mae", "rmse")
VALUE = "value_per_decision"
LEVEL = 0.9  # probability that an interval holds the realised value
OLDER = "this version was deployed before estimates were learnt; deploy it again"
OF_CLASSES = (Task.BINARY, Task.MULTICLASS)
BY_BLOCK = {
    **dict.fromkeys(OF_CLASSES, ("rows", "positives")),
    Task.REGRESSION: ("rows", "absolute", "squares", "fourth"),
}
BY_CELL = {**dict.fromkeys(OF_CLASSES, ("score", "log_score", "log_rest", "square")), Task.REGRESSION: ()}
BY_TASK = {Task.BINARY: tuple(EXPECTED), Task.MULTICLASS: ("accuracy",), Task.REGRESSION: ERRORS}

FloatArray = NDArray[np.float64]


@value
class Taught:
    """The labelled reference, counted by stretch of time and cell of the score: `Cells` or `LossCells` as JSON.

    `bins` are the cut points of the score's profile, `map` the calibration that did best on held-out stretches; `why`
    says why nothing was learnt.
    """

    task: Task
    bins: tuple[float, ...] = ()
    edges: tuple[float, ...] = ()
    threshold: float = 0.5
    map: str = ""
    by_block: dict[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    by_cell: dict[str, tuple[float, ...]] = field(default_factory=dict)
    why: str = ""


def teach(task: Task, score: Column, outcome: Column, bins: Sequence[float], threshold: float) -> Taught:
    """Learn from labelled rows of the reference.

    Parameters
    ----------
    score, outcome : ndarray of shape (n,), float64
        In time order; rows without an outcome are left out. Of several classes the outcome says whether the label was
        right: a calibrated probability of the label promises the accuracy.
    bins : sequence of float
        Cut points of the score's profile.
    """
    known = np.isfinite(score) & np.isfinite(outcome)
    cuts = np.asarray(bins, np.float64)
    if not known.any():
        return Taught(task=task, why=f"{CANNOT}no row of the reference has both a score and an outcome")
    cells: Cells | LossCells
    if task in OF_CLASSES:
        cells = cells_of(score[known], outcome[known], cuts, threshold)
    else:
        cells = loss_cells_of(score[known], outcome[known], cuts)
    if not all(np.isfinite(getattr(cells, n)).all() for n in BY_BLOCK[task]):
        return Taught(task=task, why=f"{CANNOT}some errors on the reference are too large to be summed")
    return Taught(
        task=task,
        bins=tuple(bins),
        edges=tuple(cells.edges.tolist()),
        threshold=threshold,
        map=choose(cells) if isinstance(cells, Cells) else "",
        by_block={n: tuple(tuple(row) for row in getattr(cells, n).tolist()) for n in BY_BLOCK[task]},
        by_cell={n: tuple(getattr(cells, n).tolist()) for n in BY_CELL[task]},
    )


def read_taught(folder: Path, task: Task) -> Taught:
    """Read what a bundle holds; an older one holds nothing, and says so.

    Raises
    ------
    Corrupt
        If it cannot be read.
    """
    file = folder / FILE_NAME
    if not file.exists():
        return Taught(task=task, why=f"{CANNOT}{OLDER}")
    try:
        return from_json(file.read_bytes(), Taught)
    except (OSError, ValueError) as e:
        raise Corrupt(f"cannot read what the reference taught {file}: {e}; deploy the model again") from e


def can_be_estimated(task: Task, objective: Objective) -> bool:
    """Whether an objective's metric can be estimated without labels."""
    if objective.metric == VALUE:
        return task is Task.BINARY and objective.gain is not None
    return objective.metric in BY_TASK[task]


def estimator_of(taught: Taught, objective: Objective) -> Estimator:
    """Return the estimator of an objective's metric.

    Raises
    ------
    InvalidInput
        If the reference does not allow it, in words.
    """
    if taught.why:
        raise InvalidInput(taught.why)
    return _estimator(to_json(taught), objective.metric, objective.gain)


@lru_cache(maxsize=16)
def _estimator(raw: bytes, name: str, gain: Gain | None) -> Estimator:
    """Return the estimator of a metric; it is the same at each look, and takes longer to make than to ask."""
    taught = from_json(raw, Taught)
    if taught.task is Task.REGRESSION:
        return error_estimator(_loss_cells(taught), root=name == "rmse")
    metric = EXPECTED[name] if gain is None else value_of((gain.tp, gain.fp, gain.fn, gain.tn))
    return class_estimator(_cells(taught), taught.map, metric)


def counts_of(taught: Taught, bins: NDArray[np.int64]) -> FloatArray:
    """Return the counts by cell of a profile's counts by bin.

    Raises
    ------
    InvalidInput
        If nothing was learnt, or the profile is cut otherwise.
    """
    if taught.why:
        raise InvalidInput(taught.why)
    if len(bins) != len(taught.bins) + 1:
        raise InvalidInput(
            f"{CANNOT}the score is counted in {len(bins)} bins, the reference has {len(taught.bins) + 1}"
        )
    return spread(bins, np.asarray(taught.bins), _cells(taught) if taught.map else _loss_cells(taught))


def _cells(taught: Taught) -> Cells:
    edges = np.asarray(taught.edges)
    return Cells(edges=edges, decided=np.append(edges, np.inf) >= taught.threshold, **_arrays(taught))


def _loss_cells(taught: Taught) -> LossCells:
    return LossCells(edges=np.asarray(taught.edges), **_arrays(taught))


def _arrays(taught: Taught) -> dict[str, FloatArray]:
    return {n: np.asarray(a, np.float64) for n, a in (taught.by_block | taught.by_cell).items()}


def say(estimator: Estimator, counts: FloatArray, past: Sequence[Entry], late: int = 1) -> dict[str, Estimate]:
    """Return what each estimator and each dummy says of a window.

    Parameters
    ----------
    past : sequence of Entry
        The metric's scored windows of this version, oldest first.
    late : int
        How many windows the one asked for lies after the last of these.
    """
    promise = estimator.promise(counts)
    mixture = followed(estimator, promise, past, late)
    last = past[-1].realised.value if past and past[-1].realised else estimator.whole
    low, high = promise.interval(LEVEL)
    return {
        SCORES: Estimate(value=promise.value, low=low, high=high),
        TRACKED: Estimate(
            value=mixture.mean, low=mixture.quantile((1 - LEVEL) / 2), high=mixture.quantile((1 + LEVEL) / 2)
        ),
        REFERENCE: Estimate(value=estimator.whole, low=estimator.whole, high=estimator.whole),
        LAST: Estimate(value=last, low=last, high=last),
    }


def followed(estimator: Estimator, promise: Promise, past: Sequence[Entry], late: int) -> Mixture:
    """Return what the past errors of a promise, and the last realised values, make of it."""
    known = [(e.estimates[SCORES].value, e.realised.value, e.realised.error) for e in past if e.realised]
    estimates, realised, errors = (list(column) for column in zip(*known, strict=True)) if known else ([], [], [])
    return tracked(
        np.array([estimator.whole_estimate, *estimates, promise.value]),
        np.array([estimator.whole, *realised]),
        np.array([estimator.whole_error, *errors, float(np.sqrt(promise.noise))]),
        late,
    )
