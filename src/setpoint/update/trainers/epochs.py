"""Train a Keras model epoch by epoch, so that one that was killed goes on where it was, to the same end."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from setpoint.domain.records import Column
from setpoint.update.trainers.request import FitRequest

WEIGHTS = "weights.npz"
ASKED_ROWS = 4_096  # at once, to measure a loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long to train: at most so many epochs, and so many that bring nothing in a row."""

    epochs: int
    patience: int
    batch_rows: int


@dataclass(slots=True, kw_only=True)
class State:
    """Where a training is: epochs done, the best loss on the rows watched, and the epoch it was reached in."""

    done: int = 0
    best: float = float("inf")
    best_at: int = 0


Given = tuple[Any, Column, Column | None]  # inputs, target, weights


def best_of(model: Any, learnt: Given, watched: Given, pace: Pace, request: FitRequest) -> None:
    """Train a compiled model and leave it with the weights of the epoch that was best on the rows watched.

    The order of rows in an epoch hangs on the seed and its number alone. So it is the same whether the epochs before it
    were run in this process or read from the checkpoint: weights, the optimiser's memory, and the best weights so far.
    """
    model.optimizer.build(model.trainable_variables)
    best = [np.array(v) for v in model.variables]
    state, best = _resumed(model, request.checkpoints, best)
    while state.done < pace.epochs and state.done - state.best_at < pace.patience:
        _epoch(model, learnt, pace.batch_rows, request.seed + state.done)
        loss, state.done = mean_loss(model, watched), state.done + 1
        if loss < state.best:
            state.best, state.best_at, best = loss, state.done, [np.array(v) for v in model.variables]
        _keep(model, request.checkpoints, state, best)
        request.report.say(f"epoch {state.done}: loss {loss:.4g} on the latest rows", state.done / pace.epochs)
    for variable, value in zip(model.variables, best, strict=True):
        variable.assign(value)
    request.report.measure("epochs", state.done)


def mean_loss(model: Any, given: Given) -> float:
    """Return the mean loss of rows."""
    model.reset_metrics()
    loss = float("nan")
    for batch in _batches(given, np.arange(len(given[1])), ASKED_ROWS):
        loss = float(np.squeeze(model.test_on_batch(*batch)))  # of all batches since the reset
    return loss


def _epoch(model: Any, learnt: Given, batch_rows: int, seed: int) -> None:
    """Learn each row once, in an order drawn by the seed.

    `fit` would take a quarter of a second to begin, and to seed TensorFlow anew longer; layers that draw have seeds of
    their own among their variables.
    """
    for batch in _batches(learnt, np.random.default_rng(seed).permutation(len(learnt[1])), batch_rows):
        model.train_on_batch(*batch)


def _batches(given: Given, order: Column, rows: int) -> Iterator[Given]:
    inputs, target, weights = given
    for chosen in np.split(order, range(rows, len(order), rows)):
        taken = keras.tree.map_structure(lambda t, at=chosen: tf.gather(t, at) if tf.is_tensor(t) else t[at], inputs)
        yield taken, target[chosen], None if weights is None else weights[chosen]


def _keep(model: Any, folder: Path | None, state: State, best: list[Any]) -> None:
    """Write a checkpoint beside the one before it, and then in its place."""
    if folder is None:
        return
    arrays = [np.array(v) for v in (*model.variables, *model.optimizer.variables)]
    partial = folder / f"{WEIGHTS}.partial"
    with partial.open("wb") as file:
        told = np.array(json.dumps(asdict(state)))
        np.savez(file, told, *arrays, *best)
    partial.rename(folder / WEIGHTS)


def _resumed(model: Any, folder: Path | None, best: list[Any]) -> tuple[State, list[Any]]:
    """Return where a checkpoint is, the model as it was then, and the best weights; the beginning without one."""
    if folder is None or not (folder / WEIGHTS).is_file():
        return State(), best
    with np.load(folder / WEIGHTS) as kept:
        told, *arrays = (kept[f"arr_{place}"] for place in range(len(kept.files)))
    now = [*model.variables, *model.optimizer.variables]
    for variable, value in zip(now, arrays, strict=False):
        variable.assign(value)
    return State(**json.loads(str(told))), arrays[len(now) :]
