"""Fresh weights for a network that keeps all else."""

from typing import Any

import keras


def made_fresh(model: Any) -> None:
    """Give every layer the weights it would begin with, in place.

    Layers that were adapted to data (normalisation, vocabularies) keep what they know, and frozen ones what they were
    given: both are no part of what is trained.
    """
    new = keras.models.clone_model(model)
    for old, fresh in zip(_layers(model), _layers(new), strict=True):
        if old.trainable and not hasattr(old, "adapt") and old.weights:
            old.set_weights(fresh.get_weights())


def _layers(model: Any) -> list[Any]:
    """Return the layers of a model, and of the models within it."""
    return [inner for layer in model.layers for inner in (_layers(layer) if hasattr(layer, "layers") else [layer])]
