"""An answer that needs no model must be beaten."""

import numpy as np

from setpoint.deploy.gate.case import Case
from setpoint.deploy.gate.paired import failed, not_applicable, passed, surely_better
from setpoint.deploy.verdict import short
from setpoint.domain.rollout import GateCheck


def naive(case: Case) -> GateCheck:
    """Fail where the last outcome known, a constant, or the constant of a segment is as good as the candidate.

    Where it is as good as the champion too, that is said aloud; a candidate that is surely better than the champion may
    then pass, for to keep the worse of the two would help nobody.
    """
    rows = case.both
    found = {}
    for name, losses in case.naive.items():
        known = rows & np.isfinite(losses)
        if int(known.sum()) >= case.min_rows:
            sides = (side.held.losses[known] for side in (case.champion, case.candidate))
            found[name] = (float(losses[known].mean()), *(float(side.mean()) for side in sides))
    if not found:
        return not_applicable("naive", "nothing is known of earlier rows")
    name = min(found, key=lambda n: found[n][0] - found[n][2])
    dull, champion, candidate = found[name]
    numbers = {"naive": dull, "candidate": candidate, "champion": champion}
    if candidate < dull:
        words = f"beats the naive answer ({name}): {short(candidate)} against {short(dull)}"
        return passed("naive", words, **numbers)
    words = f"does not beat the naive answer ({name}): {short(candidate)} against {short(dull)}"
    if champion < dull:
        return failed("naive", "naive", words, **numbers)
    words += (
        f"; NOR DOES THE CHAMPION ({short(champion)}): {name} would serve better than both, or features are missing"
    )
    return passed("naive", words, **numbers) if surely_better(case) else failed("naive", "naive", words, **numbers)
