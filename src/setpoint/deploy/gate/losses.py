"""One look at two models' losses: what a comparison needs where there is nothing but losses."""

import numpy as np

from setpoint.deploy.gate.procedure import pooled
from setpoint.deploy.verdict import ALPHA, answered, compared, in_words, short
from setpoint.domain.records import Column
from setpoint.domain.rollout import Decision, Verdict


def judge_gate(
    champion: Column,
    candidate: Column,
    dummy: Column | None,
    *,
    min_rows: int,
    earlier: tuple[Verdict, ...] = (),
    candidates: int = 1,
) -> Verdict:
    """Judge a candidate by its losses on held-out rows that came later than anything it learnt from.

    Accepted when the lower bound of the mean gain (one-sided 5 %) lies above zero, rejected when not; better on average
    is enough where candidates of its kind are surely better, by the `earlier` verdicts and this one. A candidate that
    the naive answer beats passes only where it beats the champion, too, and the candidate surely does. WAIT below
    `min_rows`. One look a candidate: this interval must not be watched; `judge` may. The best of several `candidates`,
    compared on the same rows, has that share of the 5 %.

    Parameters
    ----------
    champion, candidate, dummy : ndarray of shape (n,), float64
        Losses on the same rows in time order. `dummy` are those of a naive answer (last known value, training mean).
    """
    rows = answered(champion, dummy)
    failed = int(np.isnan(candidate[rows]).sum())
    rows &= ~np.isnan(candidate)
    if failed:
        return compared(Decision.REJECT, champion[rows], candidate[rows], (f"no answer on {failed} held-out rows",))
    count = int(rows.sum())
    if count < min_rows:
        words = f"{count} held-out rows with an outcome; {min_rows} are needed"
        return compared(Decision.WAIT, champion[rows], candidate[rows], (words,))
    seen = compared(Decision.ACCEPT, champion[rows], candidate[rows], (), alpha=ALPHA / candidates)
    better, words = seen.low > 0, f"{in_words(seen)} on {count} held-out rows"
    kind = pooled((*earlier, seen))
    kin = not better and seen.gain > 0 and kind.proven
    checks = [words if better or seen.high < 0 else f"{words}: not surely better{f', but {kind.in_words}' * kin}"]
    better |= kin
    if dummy is not None:
        naive = float(dummy[rows].mean())
        beaten, neither = seen.candidate_loss < naive, naive <= min(seen.champion_loss, seen.candidate_loss)
        verb = "beats" if beaten else "does not beat"
        checks.append(
            f"{verb} the naive answer: {short(seen.candidate_loss)} against {short(naive)}"
            + f"; nor does the champion ({short(seen.champion_loss)})" * neither
        )
        better &= beaten or (neither and seen.low > 0)
    return compared(Decision.ACCEPT if better else Decision.REJECT, champion[rows], candidate[rows], tuple(checks))
