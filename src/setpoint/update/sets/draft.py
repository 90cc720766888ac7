"""A training set in the making, and what is done to it when it is asked for: repeats, label issues, weights."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from setpoint.domain.schema import Schema, Task
from setpoint.domain.segments import Split
from setpoint.domain.training_set import Balance, LabelIssues, Repeats, Step
from setpoint.errors import InvalidInput
from setpoint.update.sets.label_issues import FEWEST, Issues, far_numbers, unlikely_classes
from setpoint.update.sets.learner import folds_of, levels_of, matrix, predictions, probabilities
from setpoint.update.sets.origin import LOG
from setpoint.update.sets.repeats import came_again, natural_length, row_codes, shared_weights
from setpoint.update.sets.weights import Weighed, balanced, bounded, effective_share, importance
from setpoint.update.trainers.rows import columns_of, target_of

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Rows, where they come from, the steps so far, and what was found on the way."""

    table: pa.Table
    origin: pa.Table
    steps: tuple[Step, ...]
    weights: FloatArray | None = None
    issues: pa.Table | None = None

    def without(self, gone: NDArray[np.bool_]) -> "Draft":
        """Return what is left when rows go."""
        if not gone.any():
            return self
        kept = pa.array(~gone)
        weights = None if self.weights is None else self.weights[~gone]
        return replace(self, table=self.table.filter(kept), origin=self.origin.filter(kept), weights=weights)

    def weighing(self, weights: FloatArray) -> "Draft":
        """Return it with the weights of one more reason."""
        return replace(self, weights=weights if self.weights is None else self.weights * weights)

    def having(self, name: str, before: "Draft", *, said: str = "", **counts: float) -> "Draft":
        """Return it with one more step written down."""
        rows = before.table.num_rows, self.table.num_rows
        step = Step(name=name, rows_in=rows[0], rows_out=rows[1], counts=counts, said=said)
        return replace(self, steps=(*self.steps, step))


def repeats_handled(draft: Draft, reference: pa.Table, schema: Schema, how: Repeats) -> Draft:
    """Weigh or drop rows of the log that came again, in stretches that do not repeat by chance in the reference."""
    names = [*schema.names, schema.target]
    length = natural_length(row_codes(reference, names))
    if length is None:
        return draft.having("duplicates", draft, said="even long stretches repeat in the reference: nothing is told")
    codes = row_codes(draft.table, names)
    again = came_again(codes, length) & (draft.origin["source"].to_numpy() == LOG)
    done = draft.without(again) if how is Repeats.DROP else draft.weighing(shared_weights(codes, again))
    return done.having("duplicates", draft, found=int(again.sum()), stretch=length)


def issues_handled(draft: Draft, schema: Schema, how: LabelIssues) -> Draft:
    """Look for outcomes that are likely wrong, and drop them if asked."""
    try:
        target = target_of(draft.table, schema)
    except InvalidInput as e:
        return draft.having("label_issues", draft, said=str(e))
    if len(target) < FEWEST:
        return draft.having("label_issues", draft, said=f"{len(target)} rows; {FEWEST} are needed")
    found = _issues(draft.table, schema, target)
    gone = np.zeros(len(target), bool)
    gone[found.row] = how is LabelIssues.DROP
    done = replace(draft.without(gone), issues=_told(draft, schema, found, target))
    dropped, estimated = int(gone.sum()), round(found.estimated)
    return done.having("label_issues", draft, found=len(found), estimated=estimated, dropped=dropped)


def balance_weighed(draft: Draft, schema: Schema, segments: Mapping[str, Split], how: Balance) -> Draft:
    """Weigh rows by their segments; where there are none, that is said, and nothing is done."""
    return _with(draft, "balance", _balance(draft.table, schema, segments, how), segments=len(segments))


def importance_weighed(draft: Draft, schema: Schema, recent: pa.Table) -> Draft:
    """Weigh rows by how much they look like recent ones; weights that too few rows would carry are not used."""
    levels = levels_of(draft.table, schema)
    made = importance(matrix(draft.table, schema, levels), matrix(recent, schema, levels))
    return _with(draft, "importance", made, recent=recent.num_rows)


def final_weights(draft: Draft) -> FloatArray | None:
    """Return the weights of all reasons together, bounded and of mean 1; None where there are none."""
    return None if draft.weights is None or not len(draft.weights) else bounded(draft.weights)


def _with(draft: Draft, name: str, made: Weighed, **counts: float) -> Draft:
    done = draft if made.weights is None else draft.weighing(made.weights)
    if made.weights is not None or made.effective < 1:
        counts["effective"] = round(made.effective, 4)
    return done.having(name, draft, said=made.why, **counts)


def _balance(table: pa.Table, schema: Schema, segments: Mapping[str, Split], how: Balance) -> Weighed:
    if not segments or not table.num_rows:
        return Weighed(weights=None, why="no `segments:` are named in setpoint.yaml")
    features = tuple(f for f in schema.features if f.name in segments)
    columns = columns_of(table, _of(schema, features))
    weights = balanced([split.codes(columns[name]) for name, split in segments.items()], how)
    return Weighed(weights=weights, effective=effective_share(weights))


def _of(schema: Schema, features: tuple[Any, ...]) -> Schema:
    return replace(schema, features=features)


def _issues(table: pa.Table, schema: Schema, target: FloatArray) -> Issues:
    x, folds = matrix(table, schema, levels_of(table, schema)), folds_of(len(target))
    if schema.task is Task.REGRESSION:
        return far_numbers(predictions(x, target, folds), target)
    codes = target.astype(np.int64)
    return unlikely_classes(probabilities(x, codes, len(schema.classes), folds), codes)


def _told(draft: Draft, schema: Schema, found: Issues, target: FloatArray) -> pa.Table:
    """Return what was found, a row each: where it comes from, what was recorded, what is likelier, how sure that is."""
    at = draft.origin.take(pa.array(found.row)).select(["source", "row", "id", "time"])
    given, likely = target[found.row], found.likely
    if schema.task is not Task.REGRESSION:
        names = np.array([str(label) for label in schema.classes], object)
        given, likely = names[given.astype(np.intp)], names[likely.astype(np.intp)]
    kind = pa.float64() if schema.task is Task.REGRESSION else pa.string()
    for name, column in (("given", pa.array(given, kind)), ("likely", pa.array(likely, kind)), ("doubt", found.doubt)):
        at = at.append_column(name, pa.array(column))
    return at
