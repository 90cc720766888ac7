"""One file a framework: each fits what an artefact holds to a table, and returns a new artefact."""

from pathlib import Path
from types import ModuleType

KERAS = (".keras", ".h5", ".hdf5")


def trainer_for(artifact: Path) -> ModuleType:
    """Return the trainer of a model file; it is imported only now, for it imports the framework."""
    if artifact.suffix.lower() in KERAS:
        from setpoint.update.trainers import keras

        return keras
    from setpoint.update.trainers import sklearn

    return sklearn
