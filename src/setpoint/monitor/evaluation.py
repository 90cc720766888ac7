"""How good a table of answers is: every metric with its interval, by segment, fairness gaps, the worst slices."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from setpoint.config.metrics import CATALOGUE, GAPS, known, span
from setpoint.domain.segments import Split
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput
from setpoint.monitor.answers import Answers, Scores, read_answers
from setpoint.monitor.axes import axes_of, split_of
from setpoint.monitor.evaluated import Evaluation, GapValue, MetricValue, SliceValue
from setpoint.monitor.fitting import FEWEST, FIRST, On, Own, Rows, chosen, metrics_of, own_of
from setpoint.stats.fairness import Gap, floor_of, gap
from setpoint.stats.quality import Measured, row_log_loss
from setpoint.stats.quality.measured import FloatArray
from setpoint.stats.slices import find_slices

if TYPE_CHECKING:
    import pandas as pd

ALPHA = 0.05
GAIN = ("tp", "fp", "fn", "tn")
SPANS = {
    **dict.fromkeys((f"ndcg_at_{FIRST}", f"map_at_{FIRST}", "mrr", f"precision_at_{FIRST}"), (0.0, 1.0)),
    **dict.fromkeys(("macro_f1", "weighted_f1", "ovr_auc", "top_1_accuracy", "top_2_accuracy"), (0.0, 1.0)),
    "top_3_accuracy": (0.0, 1.0),
    "kappa": (-1.0, 1.0),
}
LOWER = {"log_loss"}  # of the metrics of several classes, those that are better when lower


def evaluate(
    table: "pa.Table | pd.DataFrame",
    *,
    target: str,
    prediction: str,
    score: Scores = None,
    task: str | None = None,
    segments: Sequence[str] = (),
    time: str | None = None,
    query: str | None = None,
    gain: Mapping[str, float] | None = None,
    metrics: Sequence[str | Own] | None = None,
) -> Evaluation:
    """Measure answers against what turned out to be true; needs no deployment.

    Parameters
    ----------
    table : pyarrow.Table, pandas or Polars DataFrame
        A row for each answer. Rows without an outcome or an answer are left out, and counted.
    target, prediction : str
        Columns of what was true and what was said: numbers, classes, or the probability of the second class.
    score : str or mapping, optional
        Column with the probability of the second class; for several classes, a column for each class.
    task : str, optional
        `binary`, `multiclass`, `regression` or `ranking`; by default what the columns look like.
    segments : sequence of str
        Columns whose levels or ranges are measured apart, and compared.
    time : str, optional
        Column that orders the rows. Intervals rest on neighbours being alike; without it the table's order counts.
    query : str, optional
        Of a ranking: the column that says which rows are of one list. `target` is then the relevance.
    gain : mapping, optional
        What each kind of decision of a binary task brings: `{"tp": 10, "fp": -2, "fn": -6, "tn": 0}`.
    metrics : sequence of str or callable, optional
        Names of those wanted, and functions of your own: (outcomes, predictions or scores) → a value for each row, or a
        number (then resampling bounds it). Default: all that fit.

    Raises
    ------
    InvalidInput
        If a column is missing or cannot be what it is said to be, or no row has both an outcome and an answer.
    """
    answers = read_answers(
        _arrow(table), target=target, prediction=prediction, score=score, task=task, time=time, query=query,
        columns=segments,
    )  # fmt: skip
    for name in segments:
        if name not in answers.columns:
            raise InvalidInput(f"column {name!r} cannot be a segment: it is no text, flag or number, or is the answer")
    wanted = chosen({**metrics_of(answers, _gain(gain)), **own_of(answers, metrics)}, metrics, answers.task)
    everything = np.arange(len(answers))
    overall = tuple(_value(name, on(everything), len(answers), ALPHA / 2) for name, on in wanted.items())
    splits = {} if answers.task == "ranking" else {name: split_of(answers.columns[name]) for name in segments}
    return Evaluation(
        task=answers.task,
        rows=len(answers),
        left_out=answers.left_out,
        metrics=overall,
        segments=_by_segment(answers, splits, wanted, overall),
        gaps=_gaps(answers, splits),
        **_slices(answers),
        notes=_notes(answers, splits),
    )


def _arrow(table: Any) -> pa.Table:
    if isinstance(table, pa.Table):
        return table
    try:
        return table.to_arrow() if hasattr(table, "to_arrow") else pa.Table.from_pandas(table, preserve_index=False)
    except (ValueError, TypeError, AttributeError) as e:  # Arrow's own errors are of these kinds, too
        raise InvalidInput(
            f"the table must be a pandas or Polars frame, or an Arrow table, of plain columns: {e}"
        ) from e


def _gain(gain: Mapping[str, float] | None) -> tuple[float, float, float, float] | None:
    if gain is None:
        return None
    if set(gain) != set(GAIN):
        raise InvalidInput(f"gain must say tp, fp, fn and tn; it says {', '.join(map(str, gain)) or 'nothing'}")
    return gain["tp"], gain["fp"], gain["fn"], gain["tn"]


def _value(name: str, found: Measured, rows: int, alpha: float, segment: str | None = None) -> MetricValue:
    low, high = found.bounds(alpha)
    least, most = SPANS.get(name, span(name))
    return MetricValue(
        metric=name,
        segment=segment,
        value=found.value if found.known else None,
        low=max(low, least) if math.isfinite(low) else None,
        high=min(high, most) if math.isfinite(high) else None,
        rows=rows,
        why="" if found.known else found.why,
    )


def _by_segment(
    answers: Answers, splits: Mapping[str, Split], wanted: dict[str, On], overall: Sequence[MetricValue]
) -> tuple[MetricValue, ...]:
    """Measure each segment; each metric's intervals hold for all segments at once."""
    parts = [
        (name, rows)
        for column, split in splits.items()
        for name, rows in _rows_of(split, column, answers).items()
        if len(rows)
    ]
    alpha = ALPHA / 2 / max(len(parts), 1)
    found = []
    for (metric, on), whole in zip(wanted.items(), overall, strict=True):
        for name, rows in parts:
            one = _value(metric, on(rows), len(rows), alpha, name)
            found.append(one if not _surely_worse(one, whole) else replace(one, worse=True))
    return tuple(found)


def _rows_of(split: Split, column: str, answers: Answers) -> dict[str, Rows]:
    codes = split.codes(answers.columns[column])
    return {name: np.flatnonzero(codes == at) for at, name in enumerate(split.names(column))}


def _surely_worse(one: MetricValue, whole: MetricValue) -> bool:
    if one.low is None or one.high is None or whole.value is None:
        return False
    if one.metric in CATALOGUE and known(one.metric).better == "near":
        ideal = known(one.metric).ideal
        off = max(one.low - ideal, ideal - one.high)
        return off > abs(whole.value - ideal)
    lower = one.metric in LOWER or (one.metric in CATALOGUE and known(one.metric).better == "lower")
    return one.low > whole.value if lower else one.high < whole.value


def _gaps(answers: Answers, splits: Mapping[str, Split]) -> tuple[GapValue, ...]:
    if answers.task not in GAPS:
        return ()
    rates = _rates(answers)
    y = (answers.y == answers.decided).astype(np.float64) if answers.task == "multiclass" else answers.y
    alpha = ALPHA / max(len(splits) * len(rates), 1)
    floor = floor_of(answers.y, numbers=answers.task == "regression")
    found = []
    for column, split in splits.items():
        codes, names = split.codes(answers.columns[column]), split.names(column)
        for of in rates:
            one = gap(of, y, _said(answers, of), codes, names, threshold=0.5, alpha=alpha)
            if one is not None:
                found.append(GapValue(by=column, of=of, floor=floor, unfair=one.low > floor, **_shown(one)))
    return tuple(found)


def _rates(answers: Answers) -> tuple[str, ...]:
    """Return the rates that a table tells: without a score there is no error of its mean."""
    if answers.task == "multiclass" or (answers.task == "binary" and answers.score is None):
        return tuple(rate for rate in GAPS[answers.task] if rate != "mean_error")
    return GAPS[answers.task]


def _said(answers: Answers, of: str) -> FloatArray:
    if answers.task == "multiclass":
        return np.ones(len(answers))  # every label was decided
    return answers.score if of == "mean_error" and answers.score is not None else answers.decided


def _shown(one: Gap) -> dict[str, Any]:
    return {f: getattr(one, f) for f in ("value", "low", "high", "highest", "lowest", "rows")}


def _slices(answers: Answers) -> dict[str, Any]:
    if answers.task == "ranking":
        return {}
    name, loss = _loss(answers)
    found = find_slices(axes_of(answers.columns), loss, alpha=ALPHA)
    return {
        "loss": name,
        "slices": tuple(SliceValue(**{f: getattr(s, f) for f in SliceValue.__dataclass_fields__}) for s in found),
    }


def _loss(answers: Answers) -> tuple[str, FloatArray]:
    y, score, p = answers.y, answers.score, answers.probabilities
    if answers.task == "regression":
        return "absolute error", np.abs(y - answers.decided)
    if score is not None and score.min() >= 0 and score.max() <= 1:
        return "log loss", row_log_loss(y, score)
    if p is not None:
        return "log loss", np.asarray(-np.log(np.clip(p[np.arange(len(y)), y.astype(int)], 1e-7, 1.0)), np.float64)
    return "share of wrong decisions", (y != answers.decided).astype(np.float64)


def _notes(answers: Answers, splits: Mapping[str, Split]) -> tuple[str, ...]:
    notes = []
    if len(answers) < FEWEST:
        notes.append(f"{len(answers)} rows are too few for an interval: {FEWEST} are needed at least")
    if len(answers.classes) == 1 or (answers.classes and len(np.unique(answers.y)) == 1):
        notes.append(f"all outcomes are {answers.classes[int(answers.y[0])]!r}: nothing can be said of the others")
    if answers.task != "ranking" and len(answers) < 200:
        notes.append("slices are searched from 200 rows on")
    if splits:
        notes.append("intervals of segments hold for all segments at once")
    return tuple(notes)
