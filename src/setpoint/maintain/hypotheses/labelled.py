"""What outcomes tell: their feed is broken, their share is another, or the world answers differently.

The three are judged together, for each takes what the others do not explain. What the update stage mends is only named
here.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from setpoint.domain.finding import Finding
from setpoint.domain.incident import Cause, Incident, Remedy, Repair
from setpoint.maintain.case import Case, Score
from setpoint.maintain.drift import alarms, broken, loss_rise
from setpoint.maintain.explanation import CERTAIN, Explanation
from setpoint.maintain.feed import late
from setpoint.maintain.labels import told
from setpoint.maintain.loss import interval_words
from setpoint.maintain.marks import divergence
from setpoint.maintain.trust import OUTCOMES

MOST = 4.0  # nats: what outcomes alone tell must yield to what is proven of the inputs
RISEN = 3.0  # nats: the same, where only the rise of the loss tells
DATA_FAULT = 4.0
STILL = 20.0  # nats: what chance may do was ruled out at the level of the budget
REMEDIES = {Cause.OUTCOMES: Remedy.HOLD, Cause.PRIOR: Remedy.RECALIBRATE, Cause.CONCEPT: Remedy.RETRAIN}


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain an alarm about quality or outcomes by what labelled rows tell, or by outcomes that stay away."""
    quality, feed = alarms(incident, "quality"), alarms(incident, "feed")
    if not quality and not feed:
        return ()
    found = by_likelihood(incident, case) or (by_rise(incident, case) if quality else ())
    still = by_stillness(incident, case, feed)
    others = [e for e in found if not still or e.cause is not Cause.OUTCOMES]
    return [*others, *still, *by_delay(incident, case, feed)]


def by_likelihood(incident: Incident, case: Case) -> Sequence[Explanation]:
    """Share the evidence among the causes: the best gets at most 4 nats, the others less by how far they fall short."""
    found = told(case.schema, case.healthy, case.suspect, case.maps)
    if not found:
        return ()
    best = max(one.gain for one in found.values())
    faults = broken(incident)[:1]
    return [
        Explanation(
            cause=one.cause,
            subject=subject_of(one.cause, case),
            support=min(best, MOST) - (best - one.gain) - DATA_FAULT * len(faults),
            evidence=(
                f"{one.words}: {one.gain:.1f} nats likelier than as before",
                *(f"but {f.metric} of {f.column} points to a data fault" for f in faults),
            ),
            repair=remedy(incident, one.cause, case, one.words),
        )
        for one in found.values()
    ]


def by_rise(incident: Incident, case: Case) -> Sequence[Explanation]:
    """Explain by a change of the world as far as the loss rose, where outcomes cannot be looked into."""
    rise = loss_rise(case)
    support = RISEN / 2 if rise is None else min(max(rise.support, 0.0), RISEN)
    words = [
        f"{f.metric} {f.value:.4g}, limit {f.limit:.4g}, over {f.rows} records"
        for f in alarms(incident, "quality")[-1:]
    ]
    if rise:
        words.append(f"loss {rise.mean:+.0%} against healthy rows of the same hours ({interval_words(rise, '+.0%')})")
    for f in broken(incident)[:1]:
        support -= DATA_FAULT
        words.append(f"but {f.metric} of {f.column} points to a data fault")
    repair = remedy(incident, Cause.CONCEPT, case, "; ".join(words))
    return (
        Explanation(
            cause=Cause.CONCEPT, subject=case.schema.target, support=support, evidence=tuple(words), repair=repair
        ),
    )


def by_delay(incident: Incident, case: Case, feed: Sequence[Finding]) -> Iterator[Explanation]:
    """Explain by outcomes that are due and do not come."""
    step, seen = late(case.healthy, case.suspect, case.behind_s), [f for f in feed if f.metric == "late"]
    ratio, words = 0.0, []
    if step is not None and step.risen:
        words.append(f"{step.since:.0%} of the outcomes that are due have not come, {step.before:.0%} before")
        ratio = step.ratio
    for f in seen[-1:]:
        words.append(f.detail)
        ratio = max(ratio, f.rows * float(divergence(np.array([f.value]), f.limit)[0]))
    if words:
        repair = remedy(incident, Cause.OUTCOMES, case, "; ".join(words))
        yield Explanation(
            cause=Cause.OUTCOMES, subject="delay", support=min(ratio, CERTAIN), evidence=tuple(words), repair=repair
        )


def by_stillness(incident: Incident, case: Case, feed: Sequence[Finding]) -> Sequence[Explanation]:
    """Explain by outcomes that are all one value, for longer than healthy ones are by chance."""
    for f in [f for f in feed if f.metric == "constant"][-1:]:
        repair = remedy(incident, Cause.OUTCOMES, case, f.detail)
        return [
            Explanation(cause=Cause.OUTCOMES, subject="outcomes", support=STILL, evidence=(f.detail,), repair=repair)
        ]
    return []


def subject_of(cause: Cause, case: Case) -> str:
    """Return what a cause is about."""
    return OUTCOMES if cause is Cause.OUTCOMES else case.schema.target


def remedy(incident: Incident, cause: Cause, case: Case, why: str) -> Repair:
    """Return the remedy of a cause: hold what learns from outcomes, recalibrate, or retrain."""
    kind = REMEDIES[cause]
    return Repair(id=incident.named(f"-{kind}"), remedy=kind, subject=subject_of(cause, case), proof=why)
