"""The set point: what a deployed model must hold."""

from setpoint.domain.value import value


@value
class Objective:
    """A metric and the bound it must hold over a window; exactly one of `at_least`, `at_most` is set."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    window_s: float = 7 * 86_400.0

    @property
    def target(self) -> float:
        """The bound, whichever side it is on."""
        bound = self.at_most if self.at_least is None else self.at_least
        assert bound is not None
        return bound

    @property
    def higher_is_better(self) -> bool:
        """Whether more of the metric is better."""
        return self.at_least is not None

    def met_by(self, value: float) -> bool:
        """Whether a value stands on the right side of the bound."""
        return value >= self.target if self.higher_is_better else value <= self.target
