"""Which metrics fit a table of answers, each as a function of some of its rows."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpoint.config.metrics import CATALOGUE, DECISIONS, QUALITY
from setpoint.config.units import nearest
from setpoint.errors import InvalidInput
from setpoint.monitor.answers import Answers
from setpoint.stats.quality import Measured, Terms, classes, mean, measure, ranking, undefined
from setpoint.stats.quality.measured import FloatArray
from setpoint.stats.resampling import moving_blocks, resampled

TOP, FIRST = 0.1, 10
FEWEST = 8  # rows for an interval

Rows = NDArray[np.int64]
On = Callable[[Rows], Measured]  # measures some of the rows
Own = Callable[[FloatArray, FloatArray], Any]


def metrics_of(answers: Answers, gain: tuple[float, float, float, float] | None) -> dict[str, On]:
    """Return the metrics that fit the task and what the table holds."""
    match answers.task:
        case "regression":
            return {
                name: _on(partial(measure, name), answers.y, answers.decided)
                for name in QUALITY["regression"]
                if not CATALOGUE[name].needs
            }
        case "ranking":
            return _of_lists(answers)
        case "multiclass":
            return _of_several(answers)
        case _:
            return _of_two(answers, gain)


def _of_two(answers: Answers, gain: tuple[float, float, float, float] | None) -> dict[str, On]:
    """Return metrics of a binary task; decisions are those the table holds, so 0 and 1 are cut at one half."""
    terms = Terms(top=TOP) if gain is None else Terms(top=TOP, gain=gain)
    scored = [n for n in QUALITY["binary"] if n not in (*DECISIONS, "value_per_decision")]
    decided = [*DECISIONS, *(["value_per_decision"] if gain else [])]
    said = {} if answers.score is None else dict.fromkeys(scored, answers.score)
    return {
        name: _on(partial(measure, name, terms=terms), answers.y, column)
        for name, column in {**said, **dict.fromkeys(decided, answers.decided)}.items()
    }


def _of_several(answers: Answers) -> dict[str, On]:
    y, decided, p = answers.y.astype(np.int64), answers.decided.astype(np.int64), answers.probabilities
    found = {
        name: _on(metric, y, decided)
        for name, metric in (
            ("accuracy", classes.accuracy),
            ("balanced_accuracy", classes.balanced_accuracy),
            ("macro_f1", classes.macro_f1),
            ("weighted_f1", classes.weighted_f1),
            ("kappa", classes.kappa),
        )
    }
    if p is None:
        return found
    k = min(3, len(answers.classes) - 1)
    return {
        **found,
        "log_loss": _on(classes.log_loss, y, p),
        "ovr_auc": _on(classes.ovr_auc, y, p),
        f"top_{k}_accuracy": _on(partial(classes.top_k_accuracy, k=k), y, p),
    }


def _of_lists(answers: Answers) -> dict[str, On]:
    y, score, query = answers.y, answers.decided, answers.query
    return {
        f"ndcg_at_{FIRST}": _on(partial(ranking.ndcg, k=FIRST), y, score, query),
        f"map_at_{FIRST}": _on(partial(ranking.average_precision_at, k=FIRST), y, score, query),
        "mrr": _on(ranking.reciprocal_rank, y, score, query),
        f"precision_at_{FIRST}": _on(partial(ranking.precision_at, k=FIRST), y, score, query),
    }


def _on(metric: Callable[..., Measured], *columns: Any) -> On:
    return lambda rows: metric(*(column[rows] for column in columns))


def own_of(answers: Answers, metrics: Sequence[str | Own] | None) -> dict[str, On]:
    """Return the functions of the user's own among the metrics that are wanted."""
    said = answers.score if answers.score is not None else answers.decided
    own = [m for m in metrics or () if callable(m)]
    return {getattr(f, "__name__", repr(f)): _on(partial(_of_function, f), answers.y, said) for f in own}


def _of_function(function: Own, y: FloatArray, score: FloatArray) -> Measured:
    """Measure with a user's function: a value for each row, or a number that resampling bounds."""
    found = np.asarray(function(y, score), np.float64)
    if found.shape == y.shape:
        return mean(found) if np.isfinite(found).all() else undefined(len(y), "it is no finite number on some rows")
    if found.shape:
        raise InvalidInput(f"a metric must return a number, or {len(y)} values; it returned shape {found.shape}")
    many = len(y) >= FEWEST
    replicates = moving_blocks(lambda rows: float(function(y[rows], score[rows])), len(y)) if many else np.zeros(0)
    return resampled(float(found), replicates, len(y))


def chosen(found: dict[str, On], metrics: Sequence[str | Own] | None, task: str) -> dict[str, On]:
    """Return the metrics that are wanted: all, or those named.

    Raises
    ------
    InvalidInput
        If one is not among those found, naming the nearest.
    """
    if metrics is None:
        return found
    names = [m if isinstance(m, str) else getattr(m, "__name__", repr(m)) for m in metrics]
    for name in names:
        if name not in found:
            hint = nearest(name, tuple(found))
            raise InvalidInput(f"no metric {name!r} of task {task} on this table{hint}; there are {', '.join(found)}")
    return {name: found[name] for name in names}
