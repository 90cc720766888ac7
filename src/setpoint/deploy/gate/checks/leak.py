"""The future must not have been learnt: held-out rows in the training set, or a feature that gives the answer away."""

import numpy as np

from setpoint.deploy.gate.case import Case, Side
from setpoint.deploy.gate.paired import failed, not_applicable, passed
from setpoint.deploy.verdict import short
from setpoint.domain.rollout import GateCheck

ALONE = 0.8  # of the candidate's importance that lies in one feature
UNUSED = 0.3  # of the champion's that lies in the same one
FAR_BETTER = 0.3  # of the champion's loss, and of a naive answer's: a champion in a world turned round is no measure


def leak(case: Case) -> GateCheck:
    """Fail where rows of the held-out stretch were learnt, or where one feature suddenly explains nearly everything.

    A leak that leaves no trace in the training set and no feature that stands out cannot be told from a better model
    here; the shadow sees it, whose rows do not exist yet.
    """
    learnt = case.learnt
    if learnt is not None and learnt.held_out:
        words = f"{learnt.held_out} rows of its training set lie in the held-out stretch: it has seen the answers"
        return failed("leak", "leak", words, rows=learnt.held_out)
    found = _giveaway(case) if case.enough else None
    if found is not None:
        name, share, before = found
        words = (
            f"{name} alone makes up {share:.0%} of what it knows ({before:.0%} in the champion), and the loss falls to "
            f"{short(case.candidate.plain)} from {short(case.champion.plain)}: does {name} hold the answer?"
        )
        return failed("leak", "leak", words, share=share, champion_share=before)
    if learnt is None:
        return not_applicable("leak", "it is not on record which rows the candidate learnt from")
    return passed("leak", "no held-out row is in its training set, and no feature gives the answer away")


def _giveaway(case: Case) -> tuple[str, float, float] | None:
    ours, theirs = shares(case.candidate), shares(case.champion)
    dull = [float(np.nanmean(losses)) for losses in case.naive.values() if np.isfinite(losses).any()]
    if not ours or not case.candidate.plain < FAR_BETTER * min([case.champion.plain, *dull]):
        return None
    name = max(ours, key=ours.__getitem__)
    before = theirs.get(name, 0.0)
    return (name, ours[name], before) if ours[name] >= ALONE and before <= UNUSED else None


def shares(side: Side) -> dict[str, float]:
    """Return each feature's share of the loss that is added when its values are exchanged; empty where none adds."""
    added = {name: max(0.0, loss - side.plain) for name, loss in side.without.items()}
    total = sum(added.values())
    return {name: value / total for name, value in added.items()} if total > 0 else {}
