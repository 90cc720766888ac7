"""What an update was expected to win, what it won, and what else could have been done."""

from datetime import datetime

from setpoint.domain.value import field, value


@value
class Gain:
    """What one version wins over another per row, in the loss's unit: a mean with its two-sided 90 % interval."""

    mean: float
    low: float
    high: float
    rows: int = 0


@value
class Receipt:
    """The account of one update, on rows that came after it was decided.

    `realised` is the gain of the candidate over the champion that it met, whether it was promoted or rejected; `loss`
    is the mean loss per row of what was chosen, `alternatives` that of what could have been done instead, by name.
    `seconds` is what the training took.
    """

    at: datetime
    realised: Gain
    expected: Gain | None = None
    seconds: float = 0.0
    loss: float = 0.0
    alternatives: dict[str, float] = field(default_factory=dict)

    @property
    def regret(self) -> float:
        """What the best alternative would have won per row over what was chosen; 0 where none would."""
        return max([0.0, *(self.loss - other for other in self.alternatives.values())])
