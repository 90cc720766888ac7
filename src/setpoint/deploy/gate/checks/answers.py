"""Whatever the champion answers, the candidate must answer."""

import numpy as np

from setpoint.deploy.gate.case import Case, Odd
from setpoint.deploy.gate.paired import failed, passed
from setpoint.domain.rollout import GateCheck


def answers(case: Case) -> GateCheck:
    """Fail where the candidate has no finite answer: to held-out rows, to nulls, extremes, unseen or empty texts."""
    silent = np.isfinite(case.champion.held.losses) & ~np.isfinite(case.candidate.held.losses)
    if silent.any():
        words = f"no answer on {int(silent.sum())} held-out rows"
        return failed("answers", "answers", words, rows=int(silent.sum()))
    for odd in case.odd:
        lost = np.flatnonzero(np.isfinite(odd.champion) & ~np.isfinite(odd.candidate))
        if len(lost):
            return failed("answers", "answers", _in_words(odd, lost), rows=len(lost))
    asked = len(case) + sum(len(odd.candidate) for odd in case.odd)
    return passed("answers", f"answers every one of {asked} rows, odd ones among them")


def _in_words(odd: Odd, lost: np.ndarray[tuple[int], np.dtype[np.int64]]) -> str:
    names = list(dict.fromkeys(odd.names[at] for at in lost.tolist()))
    shown = ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
    return (
        f"no answer on {len(lost)} of {len(odd.candidate)} rows with {odd.kind} ({shown}), which the champion answers"
    )
