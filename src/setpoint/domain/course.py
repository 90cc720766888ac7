"""The course of a rollout: the steps that traffic takes to a version, and what setpoint.yaml says of them."""

from setpoint.domain.evidence import Margins
from setpoint.domain.freeze import Freeze
from setpoint.domain.slice import Only
from setpoint.domain.value import field, value

HOUR_S = 3_600.0


@value
class Step:
    """A stretch of a rollout: the share of the requests that the version answers, and how long that lasts at least.

    A share of 0 is the shadow: it is asked what the champion answers, and answers nobody. Both the time and the
    requests that it answered must have come before the next step is taken.
    """

    share: float
    least_s: float = HOUR_S
    least_requests: int = 500


USUAL = (Step(share=0.0), Step(share=0.05), Step(share=0.25), Step(share=0.5))


@value
class Course:
    """The steps in their order, each share larger than the one before, and the requests that it is confined to.

    Beyond the last step the version is champion.
    """

    steps: tuple[Step, ...]
    only: Only | None = None


@value
class Rolling:
    """What setpoint.yaml says of rollouts.

    Without steps a person's rollout takes the usual ones, and a candidate of the loop goes from its shadow to all of
    the traffic at once. `alpha`, `margins`, `better` and `most_s` are the terms of the evidence.
    """

    steps: tuple[Step, ...] = ()
    only: Only | None = None
    freezes: tuple[Freeze, ...] = ()
    alpha: float = 0.05
    margins: Margins = field(default_factory=Margins)
    better: str = ""
    most_s: float = 14 * 24 * HOUR_S

    def course(self) -> Course:
        """Return the course of a rollout that begins now."""
        return Course(steps=self.steps or USUAL, only=self.only)
