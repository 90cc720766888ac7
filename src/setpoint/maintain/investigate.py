"""From an incident to ranked causes and, where one stands out, its proven repair."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from traceback import extract_tb

from setpoint.domain.incident import Hypothesis, Incident, Remedy, Repair
from setpoint.domain.silent import without
from setpoint.domain.value import replace
from setpoint.maintain.case import Case, Score
from setpoint.maintain.explanation import SURE_ENOUGH, Explain, Explanation, odds, weighed
from setpoint.maintain.hypotheses import (
    attack,
    covariate,
    crash,
    disk,
    exception,
    frozen,
    labelled,
    nulls,
    overload,
    release,
    renamed,
    season,
    skew,
    swapped,
    unit,
    unknown,
    way_back,
)
from setpoint.maintain.rivals import told_apart
from setpoint.maintain.tried import known_of

HYPOTHESES: tuple[Explain, ...] = (
    crash.explain,
    disk.explain,
    attack.explain,
    exception.explain,
    overload.explain,
    way_back.explain,
    nulls.explain,
    renamed.explain,
    frozen.explain,
    swapped.explain,
    unit.explain,
    skew.explain,
    release.explain,
    labelled.explain,
    covariate.explain,
    season.explain,
    unknown.explain,
)
UNWEIGHED = "could not be weighed"

# those that look into values, or ask versions again
ASKING = (exception.explain, renamed.explain, frozen.explain, swapped.explain, unit.explain, release.explain)


def investigate(incident: Incident, case: Case, score: Score) -> tuple[tuple[Hypothesis, ...], Repair | None]:
    """Rank the causes of an incident and propose the repair of the likeliest.

    Parameters
    ----------
    incident : Incident
        What was seen.
    case : Case
        The records around it, the releases, the repairs in force. Rows of a burst are weighed by the hypothesis about
        it alone.
    score : callable
        `score(version, inputs)` gives the outputs of a version by name; asked a few times for at most 2,000 rows.

    Returns
    -------
    causes : tuple of Hypothesis
        Likeliest first; the weights, `unknown` among them, sum to 1. They are the softmax of each hypothesis'
        support (log likelihood ratio against `unknown`) plus its log prior.
    repair : Repair or None
        That of the likeliest cause with a weight of at least 0.7 among those which it excludes (two columns may be
        broken at once) whose remedy passed the counterfactual check. Where one was tried and did not help, the next
        one, however sure; none that was tried is proposed again.
        To retrain and to recalibrate are only named here: the update stage does it and proves it.
    """
    asked = [explain for explain in HYPOTHESES if not (case.unreadable and explain in ASKING)]
    explanations, notes = _explanations(incident, case, score, asked)
    if case.unreadable:
        notes.append(f"no remedy was tried: {case.unreadable}")
    top, *rest = weighed(explanations)
    causes = (replace(top, evidence=(*top.evidence, *notes)), *rest)
    repairs = list(_repairs(causes, explanations))
    refused = {(no.remedy, no.subject) for no in incident.refused}
    # a person may think better of it; what is put in the place of a column may need another that is broken, too
    repairs = sorted(repairs, key=lambda r: ((r.remedy, r.subject) in refused, _is_made(r)))
    repair = next((r for r in repairs if r.weight >= SURE_ENOUGH), None)
    if repair is None and incident.tried:  # the likeliest is out: the next one is for a person to allow
        repair = next((r for r in repairs if not r.remedy.is_advice), None)
    if repair is not None:  # of two that are as likely, and both there, the one that is mended comes first
        causes = tuple(
            sorted(
                causes,
                key=lambda c: (-round(c.weight, 3), (c.cause, c.subject) != (repair.cause, repair.subject), -c.weight),
            )
        )
    return causes, None if case.unreadable and repair and repair.remedy is Remedy.RETRAIN else repair


def _explanations(
    incident: Incident, case: Case, score: Score, asked: Sequence[Explain]
) -> tuple[list[Explanation], list[str]]:
    """Return what each hypothesis says, and in words which could not be weighed: one that fails silences no other."""
    others, found, failed = _beside_bursts(case), list[Explanation](), list[str]()
    for explain in asked:
        try:
            said = explain(incident, case if explain is attack.explain else others, score)
            found += [known_of(e, incident) for e in said]
        except Exception as e:  # whatever it is; the words of an error may hold values of rows, and are left out
            last = extract_tb(e.__traceback__)[-1]
            name = explain.__module__.rpartition(".")[2]
            where = f"{type(e).__name__} in {Path(last.filename).name}, line {last.lineno}"
            failed.append(f"{name} {UNWEIGHED}: {where}; the others were; please report it")
    return told_apart(found), failed


def _beside_bursts(case: Case) -> Case:
    """Return a case without the rows of callers whose burst is an incident of its own, if other rows are left."""
    rest = without(case.suspect, case.bursting)
    return case if len(rest) < attack.FEWEST else replace(case, suspect=rest)


def _is_made(repair: Repair) -> bool:
    return repair.map is not None and repair.map.instead is not None


def _repairs(causes: Sequence[Hypothesis], explanations: Sequence[Explanation]) -> Iterator[Repair]:
    """Yield the proven repairs of causes, likeliest first, each with how sure its cause is."""
    for cause in causes:
        for e in explanations:
            if (e.cause, e.subject) == (cause.cause, cause.subject) and e.repair is not None:
                yield replace(e.repair, cause=cause.cause, weight=odds(causes, cause))
