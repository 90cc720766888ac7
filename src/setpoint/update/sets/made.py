"""A training set, step by step: which rows, their columns, and the recipe of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa

from setpoint.domain.erased import NOBODY, ErasedIds
from setpoint.domain.records import Records
from setpoint.domain.schema import Schema
from setpoint.domain.training_set import Recipe, SetSpec, Source, Step
from setpoint.update.sets.choose import Window, choose
from setpoint.update.sets.digest import digest
from setpoint.update.sets.fill import filled
from setpoint.update.sets.origin import known_of, provenance


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
        exclude=[(span.since, span.until) for span in source.left_out],
        erased=erased,
        window=_window(spec, source, ground.table.num_rows),
    )
    maps = [(m.map, m.since, m.until) for m in source.mended]
    table, done = filled(ground.table, records, schema, chosen, maps)
    origin = provenance(chosen, known, records, source.reference, ground.provenance)
    return _sealed(table, origin, (*chosen.steps, *done), source, spec, setpoint)


def _window(spec: SetSpec, source: Source, reference_rows: int) -> Window:
    rows = reference_rows if spec.rows is None else spec.rows or None
    since = None if spec.window_s is None else source.until - timedelta(seconds=spec.window_s)
    return Window(rows=rows, since=since, reference=spec.reference)


def _sealed(
    table: pa.Table, origin: pa.Table, steps: Sequence[Step], source: Source, spec: SetSpec, setpoint: str
) -> TrainingSet:
    recipe = Recipe(
        source=source,
        spec=spec,
        steps=tuple(steps),
        rows=table.num_rows,
        digest=digest(table),
        provenance=digest(origin),
        setpoint=setpoint,
    )
    return TrainingSet(table=table, provenance=origin, recipe=recipe)
