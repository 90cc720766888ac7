"""Signs of poisoning, as far as one value shows them."""

from setpoint.deploy.gate.case import Case, Pattern
from setpoint.deploy.gate.paired import failed, not_applicable, passed
from setpoint.deploy.verdict import short
from setpoint.domain.rollout import GateCheck
from setpoint.domain.schema import Task

MASSIVE = 0.3  # of a probability, or of the truth's standard deviation
OWN = 0.5  # of the candidate's move that the champion may make too


def poison(case: Case) -> GateCheck:
    """Fail where a rare value with one label, against the champion, moves the candidate and not the champion.

    Patterns of several values, and poison that contradicts nobody, are not found.
    """
    if case.learnt is None or case.schema.task is Task.MULTICLASS:
        return not_applicable("poison", "not looked for: of several classes, or where the training set is not known")
    found = next((p for p in case.patterns if _acts(p, case)), None)
    if found is None:
        return passed("poison", "no rare value of its training set moves its answers alone")
    words = (
        f"{found.rows} new training rows share {found.feature} = {found.written} and one label, against what the "
        f"champion expects of them by {short(abs(found.gap))}; put into other rows it moves the candidate by "
        f"{short(found.moved)}, the champion by {short(found.champion_moved)}"
    )
    return failed(
        "poison", "poisoned", words, rows=found.rows, gap=found.gap, moved=found.moved, champion=found.champion_moved
    )


def _acts(pattern: Pattern, case: Case) -> bool:
    """Whether it moves the candidate the way the labels go, and the champion not half as far."""
    way = 1.0 if pattern.gap > 0 else -1.0
    moved, champion = way * pattern.moved, way * pattern.champion_moved
    return moved > MASSIVE * case.spread and champion < OWN * moved
