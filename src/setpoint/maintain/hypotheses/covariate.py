"""The inputs moved and the model is still right: nothing to mend."""

from collections.abc import Sequence

from setpoint.domain.incident import Cause, Incident
from setpoint.maintain.case import Case, Score
from setpoint.maintain.drift import broken, loss_rise, moved
from setpoint.maintain.explanation import Explanation
from setpoint.maintain.waiting import wait

HOLDS = 0.25  # rise of the loss that still counts as right, as a share of the healthy loss
SUPPORT = 2.5


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain drift alarms while the realised loss holds."""
    inputs, rise = moved(incident, case.schema), loss_rise(case)
    if not inputs or rise is None:
        return ()
    holds = rise.mean < HOLDS and not broken(incident)
    words = (
        f"{', '.join(sorted({str(f.column) for f in inputs}))} moved; loss {rise.mean:+.0%} against healthy rows "
        f"of the same hours, {'within' if rise.mean < HOLDS else 'beyond'} {HOLDS:.0%}",
    )
    return (
        Explanation(
            cause=Cause.COVARIATE,
            subject=incident.subject,
            support=SUPPORT if holds else -SUPPORT,
            evidence=words,
            repair=wait(incident, words[0]) if holds else None,
        ),
    )
