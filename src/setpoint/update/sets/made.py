"""A training set, step by step: which rows, their columns, and the recipe of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa

from setpoint.domain.erased import NOBODY, ErasedIds
from setpoint.domain.records import Records
from setpoint.domain.schema import Schema
from setpoint.domain.segments import Split
from setpoint.domain.training_set import WEIGHT, Balance, LabelIssues, Recipe, Repeats, SetSpec, Source, Step
from setpoint.domain.value import replace
from setpoint.update.sets.choose import DOUBTFUL, Window, choose
from setpoint.update.sets.digest import digest
from setpoint.update.sets.draft import (
    Draft,
    balance_weighed,
    final_weights,
    importance_weighed,
    issues_handled,
    repeats_handled,
)
from setpoint.update.sets.fill import as_inputs, filled
from setpoint.update.sets.origin import known_of, provenance

NO_SEGMENTS: Mapping[str, Split] = {}
MOST_RECENT = 20_000  # rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The reference of a version, that a set stands on, and where its rows came from if Setpoint made it."""

    table: pa.Table
    provenance: pa.Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """Features, target, time and id (and weights), where each row comes from, and how it was made."""

    table: pa.Table
    provenance: pa.Table
    recipe: Recipe
    issues: pa.Table | None = None  # outcomes that are likely wrong, if they were looked for

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.table.num_rows)


def make_set(
    ground: Ground,
    records: Records,
    schema: Schema,
    source: Source,
    spec: SetSpec,
    *,
    erased: ErasedIds = NOBODY,
    segments: Mapping[str, Split] = NO_SEGMENTS,
    recent: Records | None = None,
    setpoint: str = "",
) -> TrainingSet:
    """Return the training set that a spec asks for. Pure: the same arguments give the same bytes.

    Parameters
    ----------
    records : Records
        Rows of the log in time order, inputs as they came; what lies after `source.until` is not used.
    source : Source
        Where rows come from, with the repairs and the spans that are left out.
    erased : ErasedIds
        Of which no row is taken, also where it came with the reference.
    segments : mapping of str to Split
        By which rows are balanced, if asked.
    recent : Records, optional
        The latest requests, labelled or not: what rows are held against if they are weighed by importance. By default
        the latest of `records`.
    setpoint : str
        The version of this program, for the recipe.

    Raises
    ------
    InvalidInput
        If the reference and the log do not fit together.
    """
    known = known_of(ground.table, schema.time, schema.id, ground.provenance)
    chosen = choose(
        known,
        records,
        until=source.until,
        as_of=source.as_of,
        exclude=source.left_out,
        erased=erased,
        window=_window(spec, source, ground.table.num_rows),
    )
    maps = [(m.map, m.since, m.until) for m in source.mended]
    table, done = filled(ground.table, records, schema, chosen, maps)
    origin = provenance(chosen, known, records, source.reference, ground.provenance)
    draft = Draft(table=table, origin=origin, steps=(*(_explained(s, source) for s in chosen.steps), *done))
    if spec.duplicates is not Repeats.KEEP:
        draft = repeats_handled(draft, ground.table, schema, spec.duplicates)
    if spec.label_issues is not LabelIssues.KEEP:
        draft = issues_handled(draft, schema, spec.label_issues)
    if spec.balance is not Balance.NONE:
        draft = balance_weighed(draft, schema, segments, spec.balance)
    if spec.importance:
        latest = recent or records
        today = as_inputs(latest.take(np.arange(len(latest))[-MOST_RECENT:]), schema, maps)
        draft = importance_weighed(draft, schema, today)
    return _sealed(draft, source, spec, setpoint)


def _explained(step: Step, source: Source) -> Step:
    """Return the step that leaves out stretches with the reasons."""
    whys = dict.fromkeys(span.why for span in source.left_out if span.why)
    return replace(step, said="; ".join(whys)) if step.name == DOUBTFUL else step


def _window(spec: SetSpec, source: Source, reference_rows: int) -> Window:
    rows = reference_rows if spec.rows is None else spec.rows or None
    since = None if spec.window_s is None else source.until - timedelta(seconds=spec.window_s)
    return Window(rows=rows, since=since, reference=spec.reference)


def _sealed(draft: Draft, source: Source, spec: SetSpec, setpoint: str) -> TrainingSet:
    weights, table = final_weights(draft), draft.table
    if weights is not None:
        table = table.append_column(WEIGHT, pa.array(weights))
    recipe = Recipe(
        source=source,
        spec=spec,
        steps=draft.steps,
        rows=table.num_rows,
        digest=digest(table),
        provenance=digest(draft.origin),
        setpoint=setpoint,
    )
    return TrainingSet(table=table, provenance=draft.origin, recipe=recipe, issues=draft.issues)
