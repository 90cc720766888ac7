"""Candidates of one kind judged together: how often that lets through what is no better, and what it is good for."""

import numpy as np
import pytest

from setpoint.deploy.gate import judge_gate
from setpoint.deploy.gate.procedure import LATEST, Pooled, pooled
from setpoint.domain.rollout import Decision, Verdict

GATES, ROWS = 16, 200


def verdict(gain: float, half: float, *, loss: float = 1.0, rows: int = 100) -> Verdict:
    return Verdict(
        decision=Decision.REJECT, rows=rows, champion_loss=loss, candidate_loss=loss - gain, gain=gain,
        low=gain - half, high=gain + half,
    )  # fmt: skip


def a_year(rng: np.random.Generator, wins: float, *, together: bool) -> tuple[float, float]:
    """Sixteen refits in turn, better by `wins` of the loss and 3 % around that: what is accepted, and what it wins."""
    seen: list[Verdict] = []
    won = np.zeros(GATES)
    for gate in range(GATES):
        true = wins + rng.normal(0, 0.03)
        champion = rng.gamma(4.0, 0.25, ROWS)
        candidate = champion - true + rng.normal(0, 0.35, ROWS)
        seen.append(judge_gate(champion, candidate, None, min_rows=100, earlier=tuple(seen) if together else ()))
        won[gate] = true * (seen[-1].decision is Decision.ACCEPT)
    return float(np.mean([v.decision is Decision.ACCEPT for v in seen])), float(won.mean())


@pytest.mark.parametrize(
    ("wins", "alone", "joined", "gained"),
    [(-0.02, 0.05, 0.07, 0.0), (0.0, 0.13, 0.175, 0.0005), (0.02, 0.22, 0.43, 0.005)],
)
def test_small_gains_pass_together_and_nothing_is_lost_where_there_is_none(
    wins: float, alone: float, joined: float, gained: float
) -> None:
    years = [[a_year(np.random.default_rng(seed), wins, together=t) for seed in range(30)] for t in (False, True)]
    (passed, won), (passed_together, won_together) = (np.mean(y, axis=0) for y in years)
    assert passed == pytest.approx(alone, abs=0.02)
    assert passed_together == pytest.approx(joined, abs=0.02)
    assert won_together - won >= gained - 0.0001


def test_one_candidate_alone_proves_no_kind() -> None:
    assert pooled([verdict(0.3, 0.1)]).low > 0
    assert not pooled([verdict(0.3, 0.1)]).proven
    assert pooled([verdict(0.05, 0.06), verdict(0.05, 0.06)]).proven


def test_old_candidates_and_such_as_say_nothing_do_not_count() -> None:
    old, new = [verdict(-0.5, 0.1)] * 3, [verdict(0.02, 0.03)] * LATEST
    silent = [verdict(0.0, np.inf), verdict(0.1, 0.1, loss=0.0), verdict(0.1, 0.1, rows=0)]
    assert pooled([*old, *new, *silent]) == pooled(new)
    assert pooled(silent) == Pooled(gain=0.0, low=-np.inf, candidates=0)


def test_a_candidate_that_is_worse_on_average_does_not_pass_with_its_kind() -> None:
    rng = np.random.default_rng(0)
    champion = rng.gamma(4.0, 0.25, 300)
    again = judge_gate(champion, champion * 1.001, None, min_rows=100, earlier=(verdict(0.2, 0.01),) * 3)
    assert again.decision is Decision.REJECT
    close = judge_gate(champion, champion * 0.999 + rng.normal(0, 0.05, 300), None, min_rows=100,
                       earlier=(verdict(0.2, 0.01),) * 3)  # fmt: skip
    assert close.decision is Decision.ACCEPT
    assert "the last 4 of its kind won" in close.checks[0]
