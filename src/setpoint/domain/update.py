"""When and how new versions are made: what setpoint.yaml states under `update:`."""

from datetime import datetime
from enum import StrEnum

from setpoint.domain.receipt import Gain
from setpoint.domain.training_set import SetSpec
from setpoint.domain.value import value


class Method(StrEnum):
    """What a training does. Which rows it learns from is a matter of the training set."""

    REFIT = "refit"  # an unfitted copy, fitted to the whole set
    CONTINUE = "continue"  # from the champion's own state: more epochs, more trees
    PARTIAL_FIT = "partial_fit"  # one pass over the new rows
    RESIDUAL = "residual"  # a small model on top of the champion, which stays as it is
    RECALIBRATE = "recalibrate"  # the champion's answers, shifted and stretched
    THRESHOLD = "threshold"  # the champion's scores, decided elsewhere
    OWN = "own"  # the user's `train:`


LINED = frozenset({Method.REFIT, Method.CONTINUE, Method.PARTIAL_FIT, Method.OWN})  # that may be born with a line
DERIVED = frozenset({Method.RECALIBRATE, Method.THRESHOLD})  # whose versions run their parent's model, byte for byte


@value
class Cost:
    """What an update costs and what a better answer is worth, in one currency.

    `training` is the cost of one update: machine, review, risk. `loss` is what one unit of loss costs on one row.
    """

    training: float
    loss: float


@value
class Updates:
    """When a model is updated, and how.

    `every_s` is the time between two trainings; None: when it is expected to pay. `method` None: the one that suits.
    `worth` is the least gain that an update must promise, as a fraction of the present loss; with a `cost` it must pay
    for itself as well. `may` is what the user's own training does without of the sandbox, `training_set` what a version
    learns from. `contest`: whether a refit learns better from all rows or from the latest ones is found out.
    """

    every_s: float | None = None
    method: Method | None = None
    worth: float = 0.01
    cost: Cost | None = None
    may: tuple[str, ...] = ()
    training_set: SetSpec = SetSpec()
    contest: bool = False


@value
class Advised:
    """What was best done about a model's answers when it was last thought over: `move` is a word, `why` a sentence.

    `rows` is how many more labelled rows it would wait for, `expected` what a training should win per row.
    """

    at: datetime
    move: str
    why: str
    rows: int = 0
    expected: Gain | None = None
