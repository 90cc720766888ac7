"""How a new version may be made from the champion."""

from enum import StrEnum


class Method(StrEnum):
    """What a training does. Which rows it learns from is a matter of the training set."""

    REFIT = "refit"  # an unfitted copy, fitted to the whole set
    CONTINUE = "continue"  # from the champion's own state: more epochs, more trees
    PARTIAL_FIT = "partial_fit"  # one pass over the new rows
    RESIDUAL = "residual"  # a small model on top of the champion, which stays as it is
    RECALIBRATE = "recalibrate"  # the champion's answers, shifted and stretched
    THRESHOLD = "threshold"  # the champion's scores, decided elsewhere
    OWN = "own"  # the user's `train:`
