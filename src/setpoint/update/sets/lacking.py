"""A set of which one column tells nothing: a version that learns from it does without."""

import pyarrow as pa

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.training_set import Step
from setpoint.domain.value import replace
from setpoint.update.sets.digest import digest
from setpoint.update.sets.made import TrainingSet


def lacking(made: TrainingSet, repair: FeatureMap) -> TrainingSet:
    """Return a set in which a column holds throughout what a repair puts in the place of a lost value."""
    assert repair.instead is not None
    table, name, rows = made.table, repair.feature, made.table.num_rows
    kind = table.schema.field(name).type
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    column = pa.array([repair.instead.constant] * rows).cast(plain)
    changed = column.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else column
    table = table.set_column(table.column_names.index(name), name, changed)
    step = Step(name="without", rows_in=rows, rows_out=rows, counts={name: float(rows)})
    recipe = replace(made.recipe, steps=(*made.recipe.steps, step), digest=digest(table))
    return TrainingSet(table=table, provenance=made.provenance, recipe=recipe, issues=made.issues)
