"""What to watch, from a table alone; quality where it holds the answers of a model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from setpoint.domain.classes import Classes
from setpoint.domain.cuts import Binning, counted_as, cuts_of
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.errors import InvalidInput
from setpoint.monitor.answers import Answers, read_answers
from setpoint.monitor.limits import Limits, learn
from setpoint.monitor.proposed import Proposal
from setpoint.monitor.proposing import BUDGET, Subject, proposal_of
from setpoint.monitor.tables.reading import Holds, holds

if TYPE_CHECKING:
    import pandas as pd

FEATURES = (Holds.NUMBERS, Holds.BOOLEANS, Holds.TEXTS, Holds.NOTHING)
REGULAR = 0.9  # share of the steps between rows that are the same

FloatArray = NDArray[np.float64]


def propose(
    table: "pa.Table | pd.DataFrame",
    *,
    target: str | None = None,
    prediction: str | None = None,
    task: str | None = None,
    time: str | None = None,
    false_actions_per_year: float = BUDGET,
) -> Proposal:
    """Propose what to watch a model by, and say what each monitor can see, from its reference.

    Parameters
    ----------
    table : pyarrow.Table, pandas or Polars DataFrame
        Rows like those the model was trained or validated on.
    target, prediction : str, optional
        Columns of what was true and of what was answered (a number, or the probability of the second class). Quality
        metrics are proposed where both are there. Answers to rows that the model was trained on flatter it.
    task : str, optional
        `binary`, `multiclass` or `regression`; by default what the target looks like.
    time : str, optional
        Column of times; by default the first. It gives the records a day that windows are sized for.
    false_actions_per_year : float
        Budget of needless actions, of all monitors.

    Raises
    ------
    InvalidInput
        If the table has no rows, or a column is not there or cannot be what it is said to be.
    """
    arrow = _arrow(table)
    _check(arrow, [n for n in (target, prediction, time) if n])
    time = time or next((f.name for f in arrow.schema if holds(f.type) is Holds.TIMES), None)
    ordered = arrow.sort_by(time) if time else arrow
    answers, found = _answers(ordered, target, prediction, task)
    names = [f.name for f in arrow.schema if f.name not in {target, prediction, time} and holds(f.type) in FEATURES]
    if not names:
        raise InvalidInput("the table has no column of numbers, flags or texts beside the target and the time")
    columns = {name: _column(ordered[name]) for name in names}
    schema = Schema(
        features=tuple(_feature(name, holds(ordered[name].type)) for name in names),
        target=target or "",
        task=Task.BINARY if found == Task.BINARY else Task.REGRESSION,
    )
    binning, limits = learnt(columns, schema, None if prediction is None else _column(ordered[prediction]))
    seconds, every_s = span_of(ordered, time)
    return proposal_of(
        Subject(
            task=found,
            columns=columns,
            binning=binning,
            limits=limits,
            **_judged(answers),
            how=""
            if answers is None
            else f"the answers in {prediction!r}, which flatter the model if it was trained on these rows",
            seconds=seconds,
            rate_s=arrow.num_rows / seconds if seconds else 0.0,
            every_s=every_s,
            false_actions_per_year=false_actions_per_year,
        )
    )


def learnt(columns: Columns, schema: Schema, score: Column | None) -> tuple[Binning, Limits]:
    """Return the cuts of columns in time order, and what is natural for them; of the score too where there is one."""
    cuts = {f.name: cuts_of(columns[f.name], counted_as(f, columns[f.name])) for f in schema.features}
    rows = len(next(iter(columns.values())))
    if score is None or score.dtype == object:
        binning = Binning(columns=cuts)
        return binning, learn(columns, schema, binning, np.zeros(rows))
    binning = Binning(columns={**cuts, schema.score: cuts_of(score, Kind.NUMERIC)})
    return binning, learn(columns, schema, binning, score)


def span_of(ordered: pa.Table, time: str | None) -> tuple[float, float]:
    """Return the seconds that rows in time order span, and those between two rows where these are regular; 0 if not."""
    if time is None:
        return 0.0, 0.0
    stamps = np.array(ordered[time].cast(pa.timestamp("us")).drop_null(), dtype="datetime64[us]").astype(np.int64) / 1e6
    if len(stamps) < 2:
        return 0.0, 0.0
    steps = np.diff(stamps)
    usual = float(np.median(steps))
    return float(stamps[-1] - stamps[0]), usual if (steps == usual).mean() >= REGULAR else 0.0


def _arrow(table: Any) -> pa.Table:
    if not isinstance(table, pa.Table):
        table = table.to_arrow() if hasattr(table, "to_arrow") else pa.Table.from_pandas(table, preserve_index=False)
    if not table.num_rows:
        raise InvalidInput("the table has no rows: there is nothing to learn from")
    return table


def _check(table: pa.Table, named: Sequence[str]) -> None:
    for name in named:
        if name not in table.column_names:
            raise InvalidInput(f"the table has no column {name!r}; it has {', '.join(table.column_names)}")


def _answers(
    table: pa.Table, target: str | None, prediction: str | None, task: str | None
) -> tuple[Answers | None, str]:
    if target is None or prediction is None:
        return None, task or _task_of(table, target)
    found = read_answers(table, target=target, prediction=prediction, score=None, task=task, time=None, query=None)
    return found, found.task


def _judged(answers: Answers | None) -> dict[str, Any]:
    """Return what a subject has of answers; a table of several classes holds labels, and no probability of them."""
    if answers is None:
        return {}
    classes = tuple(map(str, answers.classes))
    if answers.task != Task.MULTICLASS:
        said = answers.decided if answers.score is None else answers.score
        return {"y": answers.y, "score": said, "classes": classes}
    several = Classes(decided=answers.decided, truth=answers.y, probabilities=np.empty((len(answers), 0)))
    return {"y": several.right, "score": np.full(len(answers), np.nan), "several": several, "classes": classes}


def _task_of(table: pa.Table, target: str | None) -> str:
    if target is None:
        return "task not known"
    if len(pc.unique(table[target]).drop_null()) <= 2:
        return Task.BINARY
    return Task.MULTICLASS if holds(table[target].type) is Holds.TEXTS else Task.REGRESSION


def _feature(name: str, kind: Holds) -> Feature:
    dtype = {Holds.BOOLEANS: DType.BOOL, Holds.TEXTS: DType.STRING}.get(kind, DType.FLOAT)
    return Feature(name=name, kind=Kind.CATEGORICAL if dtype is DType.STRING else Kind.NUMERIC, dtype=dtype)


def _column(values: pa.ChunkedArray) -> Column:
    """Return a column as float64 with NaN for null, or texts with None."""
    if holds(values.type) is Holds.TEXTS:
        return np.array(values.cast(pa.string()).to_pylist(), dtype=object)
    if holds(values.type) is Holds.NOTHING:
        return np.full(len(values), np.nan)
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    numbers: Column = pc.cast(values, pa.float64(), safe=False).to_numpy()
    return numbers
