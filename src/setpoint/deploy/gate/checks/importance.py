"""Which features it listens to, against those of the champion: told always."""

from setpoint.deploy.gate.case import Case
from setpoint.deploy.gate.checks.leak import shares
from setpoint.deploy.gate.paired import failed, no_better, not_applicable, passed
from setpoint.domain.rollout import GateCheck

EXTREME = 0.6  # of the importance that moves to other features


def importance(case: Case) -> GateCheck:
    """Fail only where most of the importance moves to other features and nothing gets better.

    A feature's importance is what the loss grows by when its values are exchanged between rows (L. Breiman, "Random
    forests", 2001), as a share of all.
    """
    old, new = shares(case.champion), shares(case.candidate)
    if not old or not new:
        return not_applicable("importance", "exchanging the values of no feature makes one of them worse")
    moved = sum(abs(new[name] - old.get(name, 0.0)) for name in new) / 2
    name = max(new, key=lambda n: abs(new[n] - old.get(n, 0.0)))
    words = f"{moved:.0%} of the importance moves, most of all {name}: {new[name]:.0%}, {old.get(name, 0.0):.0%} before"
    if moved > EXTREME and no_better(case):
        return failed("importance", "importance", f"{words}; nothing gets better", moved=moved)
    return passed("importance", words, moved=moved)
