"""What a replay came to."""

from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any

from setpoint.domain.fleet import Decided, Deployment
from setpoint.domain.value import field, value
from setpoint.loop.replay.verdict import Verdict
from setpoint.stats.paired import Interval


@value
class Step:
    """One stretch between two looks, under one policy.

    `loss` and `value` are means over its rows whose outcome is on record: of the loss, and of what the decisions
    brought where an objective states the gain of each kind. `at_set_point` says whether every quality objective held
    over its window, known or not at that time; None where that cannot be told. `thought` is what was thought best about
    the answers, if that was thought over at this look.
    """

    until: datetime
    rows: int
    loss: float | None
    value: float | None = None
    at_set_point: bool | None = None
    champion: str = ""
    thought: str = ""


@value
class Existing:
    """Which outcomes there are, where answers decide that, in rows.

    `recorded` have an outcome on record. Of the rows on which this policy's own answers would have had one, `missing`
    have none on record; `hidden` have one that it would not have seen, and did not see. `weighed` says whether the
    recorded ones stand for those that are not, by their propensities; `effective` is how many rows they are worth then,
    and `out_of_reach` how many of the missing could never have been recorded.
    """

    condition: str
    rows: int
    recorded: int
    hidden: int = 0
    missing: int = 0
    out_of_reach: int = 0
    weighed: bool = False
    effective: float | None = None


@value
class Course:
    """What one policy did over the traffic, step by step.

    `settings` is the setpoint file that it ran under, `loss` what the loss is called.
    """

    policy: str
    means: str
    settings: dict[str, Any]
    steps: tuple[Step, ...]
    deployment: Deployment
    loss: str = ""
    training_s: float = 0.0
    existing: Existing | None = None

    @property
    def starts(self) -> tuple[int, ...]:
        """Rows of the traffic at which another version began to serve."""
        ends = accumulate(step.rows for step in self.steps)
        pairs = zip(pairwise(self.steps), ends, strict=False)
        return tuple(end for (before, after), end in pairs if before.champion != after.champion)


@value
class Window:
    """One stretch between two looks: when it ended, its rows, and each policy's mean loss."""

    until: datetime
    rows: int
    loss: dict[str, float | None]
    value: dict[str, float] = field(default_factory=dict)
    at_set_point: dict[str, bool] = field(default_factory=dict)


@value
class PolicyResult:
    """What one policy came to.

    `quality` is the mean loss a row, `gain` what it lost less than `never`, with the interval of that; `value` is what
    a decision brought, where an objective says. `at_set_point` is the fraction of looks at which the objectives held,
    of those at which that can be told. `recalibrations` are those of the `retrains` that fitted
    nothing but a line. `cost` is seconds of training; `money` what the trainings cost, in the currency
    of `update: cost`.
    """

    quality: float | None
    retrains: int
    promotions: int
    actions: tuple[str, ...]
    cost: float
    means: str = ""
    gain: Interval | None = None
    value: float | None = None
    at_set_point: float | None = None
    recalibrations: int = 0
    rejections: int = 0
    incidents: int = 0
    money: float | None = None
    outcomes: Existing | None = None


@value
class Decision:
    """One decision of one policy."""

    at: datetime
    policy: str
    cause: str
    subject: str
    action: str
    why: str
    by: str


@value
class Replayed:
    """The race, window by window, every decision, and the answer to whether the loop is worth switching on.

    `loss` says what the loss is called. `courses` hold everything, by policy.
    """

    policies: dict[str, PolicyResult]
    windows: tuple[Window, ...]
    decisions: tuple[Decision, ...]
    verdict: Verdict | None
    loss: str
    courses: dict[str, Course]

    @property
    def deployment(self) -> Deployment:
        """How the deployment of the first policy that has a loop ended."""
        return next(iter(self.courses.values())).deployment


def decisions_of(policy: str, decisions: tuple[Decided, ...]) -> tuple[Decision, ...]:
    """Return a deployment's decisions as those of a policy."""
    return tuple(
        Decision(at=d.at, policy=policy, cause=d.cause, subject=d.subject, action=d.action, why=d.why, by=d.by)
        for d in decisions
    )
