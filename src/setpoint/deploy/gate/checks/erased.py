"""Records that somebody had erased must not live on in a model."""

from setpoint.deploy.gate.case import Case
from setpoint.deploy.gate.paired import failed, not_applicable, passed
from setpoint.domain.rollout import GateCheck


def erased(case: Case) -> GateCheck:
    """Fail where one of the rows learnt from has been erased from the log."""
    if case.learnt is None:
        return not_applicable("erased", "it is not on record which rows the candidate learnt from")
    count = case.learnt.erased
    if count:
        rows = "row that has" if count == 1 else "rows that have"
        return failed("erased", "erased", f"learnt from {count} {rows} been erased from the log since", rows=count)
    return passed("erased", "no row of its training set has been erased")
