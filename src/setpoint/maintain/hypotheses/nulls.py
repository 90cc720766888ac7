"""Values of a column no longer come: they are missing more often than on healthy rows."""

from collections.abc import Sequence

from setpoint.domain.feature_map import Sign
from setpoint.domain.incident import Cause, Incident
from setpoint.maintain.case import Case, Score
from setpoint.maintain.explanation import Explanation
from setpoint.maintain.marks import rate_step
from setpoint.maintain.remedies import Proven, impute_repair
from setpoint.maintain.signs import missing
from setpoint.maintain.stretch import stretch_of
from setpoint.maintain.together import Broken, together


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain by the columns whose share of missing values stepped up; those that did so together are one fault."""
    stretch = stretch_of(case)
    if stretch is None:
        return ()
    found = []

    def mend(broken: Broken) -> Proven | None:
        if case.unreadable:
            return None
        return impute_repair(incident, case, stretch.after(broken.step.onset), broken.column, score, Sign.MISSING)

    for name in case.schema.names:
        step = rate_step(missing(stretch.known[name]), missing(stretch.seen[name]))
        if step.risen:
            words = (
                f"{step.since:.0%} of {name} are missing since {stretch.since(step.onset)}, {step.before:.1%} before"
            )
            found.append(Broken(name, step, words))
    return together(Cause.NULL, found, mend)
