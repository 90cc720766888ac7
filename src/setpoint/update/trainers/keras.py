"""Continue the training of a Keras model, a little, on old and new rows together."""

from pathlib import Path
from typing import Any

import keras
import pyarrow as pa
import tensorflow as tf

from setpoint.domain.records import Columns
from setpoint.domain.schema import Schema, Task
from setpoint.runtime.columns import matrix, tensors
from setpoint.runtime.keras import read
from setpoint.runtime.networks import of_model
from setpoint.update.trainers.rows import columns_of, target_of

EPOCHS = 20
PATIENCE = 3
BATCH_ROWS = 256
LEARNING_RATE = 3e-4
WATCHED = 0.1  # of the rows, the latest: training stops when it no longer helps there


def fit(
    artifact: Path, table: pa.Table, schema: Schema, seed: int, workdir: Path, *, trusted: tuple[str, ...] = ()
) -> Path:
    """Continue from the artefact's weights with a small learning rate, and return the new artefact (`.keras`).

    Old rows are rehearsed because the training set holds them; the weights of the epoch that was best on the latest
    rows are kept. The same rows and seed give the same weights on the same machine.

    Parameters
    ----------
    artifact : Path
        A bundle's own file: scanned when it was imported, and checked against its digest since.
    table : pa.Table
        Features and target, in time order.
    """
    target = target_of(table, schema)
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    model = read(artifact, trusted)
    learner = _answering(model, schema)
    learner.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss=_loss(artifact, learner, schema, trusted))
    inputs = _inputs(columns_of(table, schema), schema)
    cut = len(target) - max(1, round(WATCHED * len(target)))
    early, late = (_packed(learner, [x[part] for x in inputs]) for part in (slice(cut), slice(cut, None)))
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=PATIENCE, restore_best_weights=True)
    history = learner.fit(
        early,
        target[:cut],
        validation_data=(late, target[cut:]),
        batch_size=BATCH_ROWS,
        epochs=EPOCHS,
        callbacks=[stop],
        verbose=0,
    )
    print(f"{len(history.epoch)} epochs, best loss on the latest rows {min(history.history['val_loss']):.4g}")  # noqa: T201
    made = workdir / f"{artifact.stem}.keras"
    model.save(made)
    return made


def _answering(model: Any, schema: Schema) -> Any:
    """Return the part of a model of several outputs that answers: it shares the layers, which are then trained."""
    names = [output.name for output in of_model(model).outputs]
    return model if len(names) == 1 else keras.Model(model.input, model.outputs[names.index(str(schema.own_output))])


def _inputs(columns: Columns, schema: Schema) -> list[Any]:
    """Return what the model takes: one matrix, or its tensors in their order."""
    if not schema.tensors:
        return [matrix(columns, schema.names)]
    made = tensors(columns, schema.tensors).values()
    return [tf.constant(tensor) if tensor.dtype == object else tensor for tensor in made]


def _packed(model: Any, inputs: list[Any]) -> Any:
    return inputs[0] if len(inputs) == 1 else keras.tree.pack_sequence_as(model.input, inputs)


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
