"""Train a Keras model: on from its weights, old rows rehearsed among new ones, or anew from fresh ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from setpoint.domain.records import Columns
from setpoint.domain.schema import Schema, Task
from setpoint.domain.update import Method
from setpoint.errors import InvalidInput
from setpoint.runtime.columns import matrix, tensors
from setpoint.runtime.keras import read
from setpoint.runtime.networks import of_model
from setpoint.update.trainers.boosters import check_method
from setpoint.update.trainers.epochs import Pace, best_of, mean_loss
from setpoint.update.trainers.fresh import made_fresh
from setpoint.update.trainers.rehearsal import Parts, parted
from setpoint.update.trainers.request import FitRequest
from setpoint.update.trainers.rows import Rows, rows_of

GOING_ON = Pace(epochs=60, patience=5, batch_rows=256)
ANEW = Pace(epochs=200, patience=10, batch_rows=256)
SMALL_STEP, STEP = 3e-4, 1e-3  # of Adam


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """The part of a model that answers, ready to be trained, and what it takes of rows."""

    model: Any
    schema: Schema

    def inputs(self, columns: Columns) -> Any:
        """Return rows as the model takes them: one matrix, or its tensors in their order."""
        if not self.schema.tensors:
            return matrix(columns, self.schema.names)
        made = tensors(columns, self.schema.tensors).values()
        given = [tf.constant(tensor) if tensor.dtype == object else tensor for tensor in made]
        return given[0] if len(given) == 1 else keras.tree.pack_sequence_as(self.model.input, given)

    def loss(self, rows: Rows) -> float:
        """Return the mean loss of rows, each weighed alike."""
        return mean_loss(self.model, (self.inputs(rows.columns), rows.codes, None))


def fit(request: FitRequest) -> Path:
    """Train the artefact's model and return the new artefact (`.keras`).

    `CONTINUE` goes on from its weights with a small step. As many old rows as there are new ones are rehearsed among
    them, and others are kept aside: the loss on those, before and after, is measured as `old_loss_before` and
    `old_loss_after`, beside `new_loss_before` and `new_loss_after` on the latest new rows, by which training stops.
    `REFIT` begins from fresh weights and learns all rows; layers that were adapted or frozen stay as they are. The loss
    is the one in the file. The same rows and seed give the same weights on the same machine, whether or not the
    training was killed and begun again in between.

    Raises
    ------
    InvalidInput
        If the training set does not do, or training led to no number.
    """
    check_method(request, (Method.CONTINUE, Method.REFIT))
    rows, anew = rows_of(request.table, request.schema), request.method is Method.REFIT
    keras.utils.set_random_seed(request.seed)
    tf.config.experimental.enable_op_determinism()
    model = read(request.artifact, request.trusted)
    learner = Learner(model=_answering(model, request.schema), schema=request.schema)
    loss = _loss(request.artifact, learner.model, request.schema, request.trusted)
    step = STEP if anew else SMALL_STEP
    learner.model.compile(optimizer=keras.optimizers.Adam(step), loss=loss)
    parts = parted(len(rows), request.fresh, request.seed, rehearsed=None if anew else 1.0)
    before = _losses(learner, rows, parts)
    if anew:
        made_fresh(model)
    pace = ANEW if anew else GOING_ON
    learnt, watched = ((learner.inputs(r.columns), r.codes, r.weights) for r in map(rows.take, parts.used))
    best_of(learner.model, learnt, watched, pace, request)
    _compare(before, _losses(learner, rows, parts), request)
    made = request.workdir / f"{request.artifact.stem}.keras"
    model.save(made)
    return made


def _losses(learner: Learner, rows: Rows, parts: Parts) -> dict[str, float]:
    asked = {"new": parts.watched, "old": parts.kept_aside}
    return {name: learner.loss(rows.take(places)) for name, places in asked.items() if len(places)}


def _compare(before: dict[str, float], after: dict[str, float], request: FitRequest) -> None:
    """Tell and keep what training did to the loss on new and on old rows."""
    if not np.isfinite(list(after.values())).all():
        raise InvalidInput(f"training {request.artifact.name} led to a loss that is no number; are its inputs scaled?")
    for name, loss in after.items():
        request.report.say(f"loss on {name} rows it did not learn: {before[name]:.4g} before, {loss:.4g} after")
        request.report.measure(f"{name}_loss_before", before[name])
        request.report.measure(f"{name}_loss_after", loss)


def _answering(model: Any, schema: Schema) -> Any:
    """Return the part of a model of several outputs that answers: it shares the layers, which are then trained."""
    names: Sequence[str] = [output.name for output in of_model(model).outputs]
    return model if len(names) == 1 else keras.Model(model.input, model.outputs[names.index(str(schema.own_output))])


def _loss(artifact: Path, model: Any, schema: Schema, trusted: tuple[str, ...]) -> Any:
    """Return the loss the model was trained with, or the usual one where the file does not say it in a known way."""
    if model.output_shape[-1] > 1:
        return "sparse_categorical_crossentropy"
    try:
        saved = keras.saving.load_model(artifact, compile=True, safe_mode="Lambda" not in trusted)
    except (TypeError, ValueError):  # a loss of the user's own
        saved = model
    usual = "mean_squared_error" if schema.task is Task.REGRESSION else "binary_crossentropy"
    loss = getattr(saved, "loss", None)
    return usual if not loss or isinstance(loss, list | tuple | dict) else loss  # one for each output says not which
