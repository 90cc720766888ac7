"""What goes into a model and what comes out: features, target, task."""

from collections.abc import Sequence
from enum import StrEnum

from setpoint.domain.value import value

Level = str | int | float | bool
MOST_RECORDED = 20  # classes of which each one's probability is an output, and so a column of every record


class Task(StrEnum):
    """What the model answers."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class Kind(StrEnum):
    """How a column is profiled and compared."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class DType(StrEnum):
    """The type of a column as its users send it."""

    FLOAT = "float64"
    INT = "int64"
    BOOL = "bool"
    STRING = "string"


class OnViolation(StrEnum):
    """What happens to a value that breaks the contract of its feature."""

    REJECT = "reject"
    FLAG = "flag"
    IMPUTE = "impute"


class Handling(StrEnum):
    """What is recorded in place of a sensitive value."""

    HASH = "hash"
    ENCRYPT = "encrypt"
    DROP = "drop"


@value
class Contract:
    """What a person said of the values of one feature, beyond their type; None and empty bind nothing.

    `low` and `high` bound numbers, both included; `levels` are the values allowed. `instead` is what the model sees
    in place of a value that breaks a rule, where `on_violation` is `impute`.
    """

    on_violation: OnViolation = OnViolation.REJECT
    low: float | None = None
    high: float | None = None
    levels: tuple[Level, ...] = ()
    instead: Level | None = None


@value
class Feature:
    """One input column.

    `low` and `high` are the smallest and largest value of the reference (numeric columns);
    `levels` are the values of the reference (categorical columns), as the user sends them. A `sensitive` feature has
    neither: they would be somebody's values.
    """

    name: str
    kind: Kind
    dtype: DType
    nullable: bool = False
    low: float | None = None
    high: float | None = None
    levels: tuple[str, ...] = ()
    contract: Contract | None = None
    sensitive: Handling | None = None


@value
class Tensor:
    """One input tensor of a model, made of features.

    `shape` is that of one row, without the axis of rows: () a number, (28, 28, 1) an image. `features` fill it in C
    order; they are numeric unless `dtype` is `string`. `dtype` is what the model asks for: `float32`, `int64`, `string`
    and the like.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    features: tuple[str, ...] = ()

    @property
    def column(self) -> str:
        """The column of lists whose values the features are: `image` of `image_0`, `image_1`, …; else its own name."""
        stem = self.features[0].removesuffix("_0") if self.features else self.name
        spread = self.features == tuple(f"{stem}_{i}" for i in range(len(self.features)))
        return stem if spread else self.name


@value
class Schema:
    """Inputs in the model's own order, and the target.

    `classes` are the labels of a classifier as the training data spells them: of a binary task the negative first, of
    a task of several classes all of them in the model's own order.
    `time` and `id` are columns that requests may carry beside the features; the model never sees them.
    `sensitive_id` and `sensitive_caller` say what is recorded of ids and of callers' addresses.
    `tensors` say how features become the model's inputs, where that is not one matrix of shape (n, n_features).
    `own_output` is what the model itself calls the output that is served, where it has several.
    """

    features: tuple[Feature, ...]
    target: str
    task: Task
    classes: tuple[str | int | bool, ...] = ()
    time: str | None = None
    id: str | None = None
    sensitive_id: Handling | None = None
    sensitive_caller: Handling | None = None
    tensors: tuple[Tensor, ...] = ()
    own_output: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in the model's order."""
        return tuple(f.name for f in self.features)

    @property
    def numeric_only(self) -> bool:
        """Whether a row can be sent as one list of numbers."""
        return all(f.kind is Kind.NUMERIC for f in self.features)

    @property
    def score(self) -> str:
        """Name of the output that is compared with the outcome: of several classes, the probability of the label."""
        return "prediction" if self.task is Task.REGRESSION else "probability"

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs: `prediction`, or `label` and `probability`, and of few classes that of each.

        The probability is that of the second class, or where there are several classes that of the label.
        """
        return ("prediction",) if self.task is Task.REGRESSION else ("label", "probability", *self.probabilities)

    @property
    def probabilities(self) -> tuple[str, ...]:
        """Names of the outputs that hold the probability of each class, in the order of the classes.

        There are some only where there are several classes, no more than `MOST_RECORDED`, whose names a table can hold.
        """
        names = tuple(f"probability_{label}" for label in self.classes)
        few = self.task is Task.MULTICLASS and len(names) <= MOST_RECORDED
        return names if few and not same_but_for_case(names) and "\0" not in "".join(names) else ()

    @property
    def label(self) -> str | None:
        """Name under which labels are counted beside the score, where there are several classes.

        The score of two tells the label. None as well where a feature has that name.
        """
        return "label" if self.task is Task.MULTICLASS and "label" not in self.names else None


def same_but_for_case(names: Sequence[str]) -> tuple[str, str] | None:
    """Return the first two names that a table takes for one: they differ at most in case."""
    first: dict[str, str] = {}
    for name in names:
        if name.lower() in first:
            return first[name.lower()], name
        first[name.lower()] = name
    return None
