"""What every hypothesis about an incident answers."""

from collections.abc import Callable, Sequence
from math import exp

from setpoint.domain.incident import Cause, Hypothesis, Incident, Repair
from setpoint.domain.value import value
from setpoint.maintain.case import Case, Score

CERTAIN = 30.0  # nats, at which what rows say is capped: more would only be trust in a model of them
SURE_ENOUGH = 0.7  # posterior weight from which a cause may be acted on
# Log prior weights against `unknown`: how often a cause is met before any evidence. Assumed, not measured.
PRIOR = {
    Cause.CRASH: 0.0,
    Cause.EXCEPTION: 0.0,
    Cause.OVERLOAD: 0.0,
    Cause.DISK: 0.0,
    Cause.ATTACK: 0.0,
    Cause.ARTEFACT: 0.0,
    Cause.UNIT: -1.0,
    Cause.NULL: -1.0,
    Cause.RENAMED: -1.0,
    Cause.FROZEN: -1.0,
    Cause.SWAPPED: -2.0,
    Cause.SKEW: -1.0,
    Cause.RELEASE: -1.0,
    Cause.OUTCOMES: -1.0,
    Cause.PRIOR: 0.0,
    Cause.CONCEPT: 0.0,
    Cause.COVARIATE: -0.5,
    Cause.SEASON: -0.5,
    Cause.UNKNOWN: 0.0,
}


@value
class Explanation:
    """How well one cause explains an incident.

    `support` is a log likelihood ratio against "none of the causes known here" (nats, deflated for autocorrelation and
    capped by its hypothesis, so that no model error turns into certainty). `repair` is set when the remedy is proven.
    `nats` is the same ratio uncapped, of causes that say how likely the rows are as a whole, and `whole` whether it
    makes them as likely as healthy ones: by those, causes of the same rows are told apart, see `rivals`.
    """

    cause: Cause
    subject: str
    support: float
    evidence: tuple[str, ...]
    repair: Repair | None = None
    nats: float | None = None
    whole: bool = False


Explain = Callable[[Incident, Case, Score], Sequence[Explanation]]


COLUMNS = (Cause.NULL, Cause.UNIT, Cause.RENAMED, Cause.FROZEN, Cause.SWAPPED)


def odds(causes: Sequence[Hypothesis], one: Hypothesis) -> float:
    """Return the weight of a cause among those that it excludes: faults of other columns may be there beside it."""
    others = sum(c.weight for c in causes if c is not one and beside(c, one))
    return one.weight / max(1 - others, one.weight)


def beside(a: Hypothesis, b: Hypothesis) -> bool:
    """Whether two causes may both be there: faults of different columns."""
    apart = set(a.subject.split(", ")).isdisjoint(b.subject.split(", "))
    return a.cause in COLUMNS and b.cause in COLUMNS and apart


def weighed(explanations: Sequence[Explanation]) -> tuple[Hypothesis, ...]:
    """Return the posterior over the explanations, likeliest first: softmax of support + log prior."""
    scores = [e.support + PRIOR[e.cause] for e in explanations]
    top = max(scores)
    total = sum(exp(s - top) for s in scores)
    ranked = sorted(zip(scores, explanations, strict=True), key=lambda pair: (-pair[0], pair[1].cause, pair[1].subject))
    return tuple(
        Hypothesis(cause=e.cause, weight=exp(s - top) / total, subject=e.subject, evidence=e.evidence)
        for s, e in ranked
    )
