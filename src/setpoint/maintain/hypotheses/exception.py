"""The model fails on some inputs: it raises, or answers no number, and does so again when it is asked again."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from setpoint.domain.baseline import BASELINE, Baseline
from setpoint.domain.incident import Cause, Incident, Remedy, Repair
from setpoint.domain.record import Role
from setpoint.domain.repaired import repaired
from setpoint.domain.requested import Requested
from setpoint.domain.value import replace
from setpoint.domain.within import Fallback
from setpoint.maintain.asked_again import MOST, failing, failures
from setpoint.maintain.case import Case, Score
from setpoint.maintain.explanation import Explanation
from setpoint.maintain.failing import Cluster, cluster
from setpoint.maintain.marks import Bools
from setpoint.maintain.stated import stated_for

FEWEST = 6  # rows that failed
CAUGHT = 0.5  # share of those asked again that must fail by themselves
ANSWERS = 0.95  # share of them that an earlier version must answer
SURE = 20.0
NOT_AGAIN = -5.0
SHORTLY = timedelta(hours=1)  # after a release
EXAMPLES = 3


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain failures of the model: where they cluster, an earlier version may answer, or the baseline.

    Where they cluster nowhere, and came with a release whose predecessor answers the same rows, it is the release.
    """
    rows = _of_champion(case)
    if rows is None:
        return ()
    failed, words = failures(rows), _words(case, rows)
    again = rows.take(np.flatnonzero(failed)[-MOST:])
    by_itself = failing(score, case.champion.version, repaired(again.inputs, case.maps))
    words.append(f"asked again, {case.champion.version} fails on {by_itself.sum()} of {len(again)} of these rows")
    if by_itself.mean() < CAUGHT:
        cause = Explanation(
            cause=Cause.EXCEPTION, subject=case.champion.version, support=NOT_AGAIN, evidence=tuple(words)
        )
        return (cause,)
    culprits = again.take(by_itself)
    where = _cluster(case, rows, failed, culprits)
    earlier = _earlier(case, score, culprits, words)
    if where is not None:
        before = Baseline(version=case.previous.version) if earlier and case.previous else None
        return (_clustered(incident, case, where, before or stated_for(case, score, culprits, words), words),)
    words.append("they cluster in no part of the rows")
    came_with_it = _since(rows, failed) - case.champion.at <= SHORTLY
    return (_everywhere(incident, case, words, released=earlier and came_with_it),)


def _of_champion(case: Case) -> Requested | None:
    """Return the rows that the champion was asked, if it failed on enough of them."""
    if case.asked is None:
        return None
    mine = (case.asked.version == case.champion.version) & (case.asked.role == Role.CHAMPION.value)
    rows = case.asked.take(np.asarray(mine & (case.asked.id != None), bool))  # noqa: E711  # elementwise
    return rows if failures(rows).sum() >= FEWEST else None


def _words(case: Case, rows: Requested) -> list[str]:
    failed = failures(rows)
    examples = ", ".join(str(i) for i in rows.id[failed][-EXAMPLES:])
    return [
        f"{case.champion.version} failed to answer {failed.sum()} of {len(rows)} rows since "
        f"{_since(rows, failed):%Y-%m-%d %H:%M}, such as {examples}"
    ]


def _since(rows: Requested, failed: Bools) -> datetime:
    return datetime.fromtimestamp(int(rows.arrived[failed].min()) / 1e6, UTC)


def _cluster(case: Case, rows: Requested, failed: Bools, culprits: Requested) -> Cluster | None:
    """Return where the culprits lie among the rows that were answered; rows of failed requests may be bystanders."""
    answered = rows.take(~failed)
    if not len(answered):
        return None
    inputs = {name: np.concatenate([c, culprits.inputs[name]]) for name, c in answered.inputs.items()}
    marks = np.concatenate([np.zeros(len(answered), bool), np.ones(len(culprits), bool)])
    found = cluster(inputs, marks, case.schema)
    return found if found is not None and found.stands_out else None


def _earlier(case: Case, score: Score, culprits: Requested, words: list[str]) -> bool:
    """Return whether the version before answers these rows, and say so."""
    if case.previous is None:
        words.append("no earlier version has these columns")
        return False
    lost = failing(score, case.previous.version, repaired(culprits.inputs, case.maps))
    words.append(f"{case.previous.version} answers {(~lost).sum()} of {len(lost)} of them")
    return bool((~lost).mean() >= ANSWERS)


def _clustered(incident: Incident, case: Case, where: Cluster, who: Baseline | None, words: list[str]) -> Explanation:
    words.insert(1, f"the failures cluster: {where.words}")
    words.append(f"no release is to blame for the other {where.others} rows, and no worker ended")
    repair = None
    if who is not None:
        name = incident.named("-fallback")
        fallback = Fallback(
            id=name,
            version=who.version or BASELINE,
            instead_of=case.champion.version,
            within=where.within,
            baseline=None if who.version else who,
        )
        repair = Repair(
            id=name,
            remedy=Remedy.FALLBACK,
            subject=where.within.feature,
            fallback=fallback,
            proof=f"{where.words}; {words[-2]}: it answers requests with {where.within.words} instead",
        )
    return Explanation(
        cause=Cause.EXCEPTION,
        subject=where.within.words,
        support=min(where.gain, SURE),
        evidence=tuple(words),
        repair=repair,
    )


def _everywhere(incident: Incident, case: Case, words: list[str], *, released: bool) -> Explanation:
    champion, previous = case.champion.version, case.previous
    found = Explanation(cause=Cause.EXCEPTION, subject=champion, support=SURE, evidence=tuple(words))
    if not released or previous is None:
        return found
    repair = Repair(
        id=incident.named("-rollback"),
        remedy=Remedy.ROLLBACK,
        subject=champion,
        to_version=previous.version,
        proof="; ".join(words),
    )
    words.append(f"the failures began with the release of {champion} at {case.champion.at:%Y-%m-%d %H:%M}")
    return replace(found, cause=Cause.RELEASE, evidence=tuple(words), repair=repair)
