"""A table of answers and outcomes as arrays: what was true, what was said, and how sure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from setpoint.config.units import nearest
from setpoint.domain.records import Column, Columns
from setpoint.errors import InvalidInput
from setpoint.stats.quality.measured import FloatArray

TASKS = ("binary", "multiclass", "regression", "ranking")
MOST_CLASSES = 100
Label = str | int | float | bool
Scores = str | Mapping[Any, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Rows in time order, arrays of shape (n,).

    Parameters
    ----------
    y : ndarray of float64
        Outcomes: numbers, or the place in `classes` of each.
    decided : ndarray of float64
        What was said: numbers, or the place in `classes` of each.
    score : ndarray of float64, optional
        Probability (or other score) of the second class.
    probabilities : ndarray of shape (n, n_classes), optional
    query : ndarray, optional
        Which list a row of a ranking belongs to.
    columns : dict
        The other columns, float64 or object, for segments and slices.
    left_out : int
        Rows that lack the outcome or the answer.
    """

    task: str
    y: FloatArray
    decided: FloatArray
    columns: Columns
    left_out: int
    classes: tuple[Label, ...] = ()
    score: FloatArray | None = None
    probabilities: FloatArray | None = None
    query: NDArray[Any] | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.y)


def read_answers(
    table: pa.Table, *, target: str, prediction: str, score: Scores, task: str | None, time: str | None,
    query: str | None, columns: Sequence[str] = (),
) -> Answers:  # fmt: skip
    """Read the columns of a table; the parameters are those of `evaluate`, `columns` are named besides.

    Raises
    ------
    InvalidInput
        If a column is missing, holds what it cannot, or no row has both an outcome and an answer.
    """
    scores = [] if score is None else [score] if isinstance(score, str) else list(score.values())
    named = [target, prediction, *scores, *(c for c in (time, query) if c)]
    _there(table, [*named, *columns])
    if not table.num_rows:
        raise InvalidInput("the table has no rows")
    if task not in (None, *TASKS):
        raise InvalidInput(f"unknown task {task!r}{nearest(task, TASKS)}; known: {', '.join(TASKS)}")
    ordered = table.sort_by(time) if time else table
    kept = ordered.filter(_complete(ordered, [target, prediction, *scores, *([query] if query else [])]))
    if not kept.num_rows:
        raise InvalidInput(f"no row has both an outcome in {target!r} and an answer in {prediction!r}")
    found = task or ("ranking" if query else _task_of(kept, target, prediction))
    if found == "ranking" and query is None:
        raise InvalidInput("a ranking needs to know which rows are of one list: name the column, like query='session'")
    rest = _columns(kept, set(named))
    common = {"task": found, "columns": rest, "left_out": table.num_rows - kept.num_rows}
    if found in ("regression", "ranking"):
        said = _numbers(kept, target), _numbers(kept, prediction)
        lists = None if query is None else np.asarray(kept[query].to_pandas())
        return Answers(y=said[0], decided=said[1], query=lists, **common)
    return _of_classes(kept, target, prediction, score, common)


def _of_classes(table: pa.Table, target: str, prediction: str, score: Scores, common: dict[str, Any]) -> Answers:
    truth, said = _coded(table, target), _coded(table, prediction)
    binary = common["task"] == "binary"
    if binary and score is None and _are_scores(said[0], truth[0]):
        classes, p = _ordered(truth[0]), _numbers(table, prediction)
        decided = (p >= 0.5).astype(np.float64)
    else:
        classes, p = _ordered([*truth[0], *said[0]]), None
        decided = _places(said, classes)
    most = 2 if binary else MOST_CLASSES
    if len(classes) > most:
        raise InvalidInput(
            f"task {common['task']} takes at most {most} classes; {target!r} and {prediction!r} hold {len(classes)}"
        )
    if binary and len(classes) == 1 and p is not None:
        classes = _with_other(classes)
    probabilities = _probabilities(table, score, classes) if isinstance(score, Mapping) else None
    if isinstance(score, str):
        p = _numbers(table, score)
    elif binary and probabilities is not None:
        p = probabilities[:, -1]
    return Answers(
        y=_places(truth, classes),
        decided=decided,
        classes=tuple(classes),
        score=p if binary else None,
        probabilities=None if binary else probabilities,
        **common,
    )


def _there(table: pa.Table, names: Sequence[str]) -> None:
    for name in names:
        if table.column_names.count(name) > 1:
            raise InvalidInput(f"the table has {table.column_names.count(name)} columns called {name!r}")
        if name not in table.column_names:
            hint = nearest(name, tuple(table.column_names))
            raise InvalidInput(f"the table has no column {name!r}{hint}; it has {', '.join(table.column_names)}")


def _complete(table: pa.Table, names: Sequence[str]) -> pa.Array:
    """Return which rows have a value in all of these columns: no null, no NaN, nothing infinite."""
    kept = pa.scalar(True)
    for name in names:
        column = table[name]
        known = pc.is_finite(column) if pa.types.is_floating(column.type) else pc.is_valid(column)
        kept = pc.and_(kept, pc.fill_null(known, False))
    return kept


def _task_of(table: pa.Table, target: str, prediction: str) -> str:
    truth, said = _coded(table, target)[0], _coded(table, prediction)[0]
    if len(truth) <= 2 and (set(said) <= set(truth) or _are_scores(said, truth)):
        return "binary"
    texts = any(isinstance(v, str) for v in truth)
    few = len(truth) <= MOST_CLASSES and all(isinstance(v, int) for v in truth) and set(said) <= set(truth)
    if len({*truth, *said}) <= 2:
        return "binary"
    return "multiclass" if texts or (few and len(truth) * 10 <= table.num_rows) else "regression"


def _are_scores(said: Sequence[Label], truth: Sequence[Label]) -> bool:
    """Whether these are probabilities rather than the classes themselves."""
    if set(said) <= set(truth) or any(isinstance(v, str) for v in said):
        return False
    return all(0 <= float(v) <= 1 for v in said) and any(float(v) not in (0.0, 1.0) for v in said)


def _coded(table: pa.Table, name: str) -> tuple[list[Label], NDArray[np.int64]]:
    """Return the different values of a column, whole floats as int, and which of them each row has."""
    column = table[name]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    encoded = column.combine_chunks().dictionary_encode()
    values = [int(v) if isinstance(v, float) and v.is_integer() else v for v in encoded.dictionary.to_pylist()]
    return values, encoded.indices.to_numpy().astype(np.int64)


def _ordered(values: Sequence[Label]) -> list[Label]:
    different = list(dict.fromkeys(values))
    try:
        return sorted(different)
    except TypeError:
        return sorted(different, key=str)


def _with_other(classes: list[Label]) -> list[Label]:
    """Name the class that does not occur, so that the one that does has its usual place."""
    return [0, 1] if classes[0] in (0, 1) else [f"not {classes[0]}", classes[0]]


def _places(coded: tuple[list[Label], NDArray[np.int64]], classes: Sequence[Label]) -> FloatArray:
    place = {label: float(at) for at, label in enumerate(classes)}
    return np.array([place[v] for v in coded[0]], np.float64)[coded[1]]


def _probabilities(table: pa.Table, score: Mapping[Any, str], classes: Sequence[Label]) -> FloatArray:
    lacking = [label for label in classes if label not in score]
    if lacking:
        raise InvalidInput(
            f"score names no column for class {lacking[0]!r}; classes are {', '.join(map(str, classes))}"
        )
    return np.stack([_numbers(table, score[label]) for label in classes], axis=1)


def _numbers(table: pa.Table, name: str) -> Column:
    column = table[name]
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    try:
        numbers: Column = pc.cast(column, pa.float64(), safe=False).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as e:
        raise InvalidInput(f"column {name!r} must hold numbers; it holds {column.type}") from e
    return numbers


def _columns(table: pa.Table, without: set[str]) -> dict[str, Column]:
    """Return the columns that rows can be told apart by: numbers, flags and texts."""
    found: dict[str, Column] = {}
    for name in table.column_names:
        kind = table[name].type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if name in without:
            continue
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            found[name] = np.asarray(table[name].cast(kind).to_numpy(zero_copy_only=False), object)
        elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
            found[name] = _numbers(table, name)
    return found
