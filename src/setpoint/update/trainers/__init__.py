"""One file a framework: each fits what an artefact holds to a table, and returns a new artefact."""

from pathlib import Path
from types import ModuleType

from setpoint.errors import InvalidInput

SKLEARN = (".joblib", ".pkl", ".pickle", ".skops")
KERAS = (".keras", ".h5", ".hdf5")


def trainer_for(artifact: Path) -> ModuleType:
    """Return the trainer of a model file; it is imported only now, for it imports the framework.

    Raises
    ------
    InvalidInput
        If a model of this kind does not hold what it takes to train it anew.
    """
    if artifact.suffix.lower() in KERAS:
        from setpoint.update.trainers import keras

        return keras
    if artifact.suffix.lower() not in SKLEARN:
        raise InvalidInput(
            f"{artifact.name} does not say how it was trained, so it cannot be trained anew by itself; write your own "
            "training and name it: `train: train.py:fit`"
        )
    from setpoint.update.trainers import sklearn

    return sklearn
