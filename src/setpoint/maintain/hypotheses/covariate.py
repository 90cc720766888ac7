"""The inputs moved and the model is still right: nothing to mend."""

from collections.abc import Sequence

from setpoint.domain.finding import Finding
from setpoint.domain.incident import Cause, Incident
from setpoint.maintain.carried import carried
from setpoint.maintain.case import Case, Score
from setpoint.maintain.drift import broken, loss_rise, moved
from setpoint.maintain.explanation import Explanation
from setpoint.maintain.waiting import wait

HOLDS = 0.25  # rise of the loss that still counts as right, as a share of the healthy loss
HELD = 0.5  # nats: a loss that holds says little of its own, for many a small fault leaves it as it is
NOT_HELD = -2.5


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain drift alarms while the realised loss holds, and other columns moved along as they do on healthy rows.

    Where other requests come, what a column foretells of the others is still true; where one column alone is sent
    otherwise, it is not.
    """
    inputs, rise = moved(incident, case.schema), loss_rise(case)
    if not inputs or rise is None:
        return ()
    holds = rise.mean < HOLDS and not broken(incident)
    words = [
        f"{', '.join(sorted({str(f.column) for f in inputs}))} moved; loss {rise.mean:+.0%} against healthy rows "
        f"of the same hours, {'within' if rise.mean < HOLDS else 'beyond'} {HOLDS:.0%}"
    ]
    along = carried(case, subject_of(incident, inputs)) if holds else None
    if along is not None:
        words.append(along.words)
    return (
        Explanation(
            cause=Cause.COVARIATE,
            subject=incident.subject,
            support=HELD + (along.support if along is not None else 0.0) if holds else NOT_HELD,
            evidence=tuple(words),
            repair=wait(incident, words[0]) if holds else None,
        ),
    )


def subject_of(incident: Incident, inputs: Sequence[Finding]) -> str:
    """Return the column that an incident is named after, if that moved; else one that did."""
    columns = [str(f.column) for f in inputs]
    return incident.subject if incident.subject in columns else columns[0]
