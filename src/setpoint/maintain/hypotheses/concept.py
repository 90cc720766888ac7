"""The world answers differently: quality fell, and no fault explains it. Retraining is the update stage's."""

from collections.abc import Sequence

from setpoint.domain.incident import Cause, Incident, Remedy, Repair
from setpoint.maintain.case import Case, Score
from setpoint.maintain.drift import alarms, broken, loss_rise
from setpoint.maintain.explanation import Explanation

MOST = 3.0  # nats: what is only not explained otherwise must yield to what is proven
DATA_FAULT = 4.0


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain a quality alarm by the rise of the realised loss, less where the data are broken."""
    quality = alarms(incident, "quality")
    if not quality:
        return ()
    rise = loss_rise(case)
    support = MOST / 2 if rise is None else min(max(rise.support, 0.0), MOST)
    words = [f"{f.metric} {f.value:.4g}, limit {f.limit:.4g}, over {f.rows} records" for f in quality[-1:]]
    if rise:
        words.append(
            f"loss {rise.mean:+.0%} against healthy rows of the same hours "
            f"(95 % interval {rise.low:+.0%} to {rise.high:+.0%})"
        )
    for f in broken(incident)[:1]:
        support -= DATA_FAULT
        words.append(f"but {f.metric} of {f.column} points to a data fault")
    repair = Repair(
        id=f"{incident.id}-retrain", remedy=Remedy.RETRAIN, subject=case.schema.target, proof="; ".join(words)
    )
    return (
        Explanation(
            cause=Cause.CONCEPT, subject=case.schema.target, support=support, evidence=tuple(words), repair=repair
        ),
    )
