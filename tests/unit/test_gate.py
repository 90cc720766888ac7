"""Verdicts on candidates: the decisions, their words, and how often they are wrong."""

import numpy as np
import pytest

from setpoint.deploy.gate import judge_gate
from setpoint.deploy.shadow import judge_shadow, loss_bound
from setpoint.domain.rollout import Decision, Verdict
from setpoint.domain.schema import Task
from setpoint.domain.value import from_json, to_json
from setpoint.stats.losses import losses

RNG = np.random.default_rng


def champion_and(gain: float, rows: int = 336, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Losses of a champion (mean 60) and of a candidate that is better by `gain` on average."""
    rng = RNG(seed)
    common = rng.gamma(4.0, 10.0, rows)
    return common + rng.gamma(2.0, 10.0, rows), common + rng.gamma(2.0, 10.0, rows) - gain


def test_losses_by_task() -> None:
    assert losses(Task.REGRESSION, np.array([1.0, np.nan]), np.array([3.0, 1.0])).tolist()[0] == 2.0
    sure = losses(Task.BINARY, np.array([0.5, 1.0, 1.0]), np.array([1.0, 1.0, 0.0]))
    assert sure == pytest.approx([0.693147, 0.0, 13.8155], abs=1e-4)


def test_a_clearly_better_candidate_is_accepted_in_words_worth_reading() -> None:
    champion, candidate = champion_and(12.3)
    verdict = judge_gate(champion, candidate, champion + 50, min_rows=100)
    assert verdict.decision is Decision.ACCEPT
    assert verdict.checks[0] == (
        f"the candidate is better by {verdict.gain:.3g} ({verdict.low:.3g} to {verdict.high:.3g}) on 336 held-out rows"
    )
    assert verdict.checks[1].startswith("beats the naive answer: ")


@pytest.mark.parametrize(("gain", "said"), [(0.0, "not surely better"), (-12.0, "is worse by")])
def test_a_candidate_that_is_not_surely_better_is_rejected(gain: float, said: str) -> None:
    verdict = judge_gate(*champion_and(gain), None, min_rows=100)
    assert verdict.decision is Decision.REJECT
    assert said in verdict.checks[0]


def test_a_candidate_that_a_naive_answer_beats_is_rejected_unless_it_surely_beats_a_champion_that_is_beaten_too() -> (
    None
):
    champion, candidate = champion_and(20.0)
    surely = judge_gate(champion, candidate, candidate - 1, min_rows=100)
    assert surely.decision is Decision.ACCEPT
    assert surely.checks[-1].startswith("does not beat the naive answer")
    assert "; nor does the champion (" in surely.checks[-1]
    assert judge_gate(*champion_and(0.0), champion - 30, min_rows=100).decision is Decision.REJECT
    champion, candidate = champion_and(-12.0)
    beaten = judge_gate(champion, candidate, champion + 1, min_rows=100)
    assert beaten.decision is Decision.REJECT
    assert "nor does" not in beaten.checks[-1]


def test_too_few_rows_wait_and_the_verdict_can_be_stored() -> None:
    verdict = judge_gate(*champion_and(20.0, rows=5), None, min_rows=100)
    assert verdict.decision is Decision.WAIT
    assert verdict.checks == ("5 held-out rows with an outcome; 100 are needed",)
    assert from_json(to_json(verdict), Verdict) == verdict


def test_a_candidate_without_an_answer_is_rejected() -> None:
    champion, candidate = champion_and(20.0)
    candidate[3] = np.nan
    assert judge_gate(champion, candidate, None, min_rows=100).checks == ("no answer on 1 held-out rows",)


def test_the_gate_seldom_accepts_an_equal_model() -> None:
    """Nominal 5 %; a gate that asks for a positive mean accepts half."""
    verdicts = [judge_gate(*champion_and(0.0, seed=s), None, min_rows=100) for s in range(300)]
    assert np.mean([v.decision is Decision.ACCEPT for v in verdicts]) <= 0.07
    assert 0.35 < np.mean([v.gain > 0 for v in verdicts]) < 0.65


def watched(gain: float, seed: int, expected: int = 336) -> tuple[Verdict, int]:
    """A shadow judged after every 12 outcomes until it is decided."""
    champion, candidate = champion_and(gain, rows=expected, seed=seed)
    bound = loss_bound(champion_and(0.0, rows=2_000, seed=99)[0])
    for rows in range(12, expected + 1, 12):
        verdict = judge_shadow(champion[:rows], candidate[:rows], 0, expected, answers=rows, bound=bound)
        if verdict.decision is not Decision.WAIT:
            return verdict, rows
    raise AssertionError("never decided")


def test_a_shadow_watched_all_the_time_keeps_out_what_is_worse_and_lets_in_what_is_better() -> None:
    """Of equal ones half are let in, which is no damage; the gate, which every candidate passed before, lets in 5 %."""
    worse = [watched(-6.0, seed)[0].decision for seed in range(40)]
    equal = [watched(0.0, seed)[0].decision for seed in range(40)]
    better = [watched(6.0, seed)[0].decision for seed in range(40)]
    assert worse.count(Decision.ACCEPT) <= 1  # a tenth of the loss
    assert 12 <= equal.count(Decision.ACCEPT) <= 28
    assert better.count(Decision.ACCEPT) >= 39


def test_large_differences_end_a_shadow_early() -> None:
    verdict, rows = watched(-15.0, 1)
    assert (verdict.decision, rows < 200) == (Decision.REJECT, True)
    assert verdict.checks[0].endswith("surely worse")
    verdict, rows = watched(15.0, 1)
    assert (verdict.decision, rows < 200) == (Decision.ACCEPT, True)
    assert verdict.checks[0].endswith("surely better")


def test_a_shadow_that_fails_to_answer_is_rejected() -> None:
    champion, candidate = champion_and(15.0, rows=40)
    verdict = judge_shadow(champion, candidate, 3, 336, answers=40, bound=100.0)
    assert verdict.decision is Decision.REJECT
    assert verdict.checks == ("failed to answer 3 of 43 requests",)


def test_a_shadow_waits_and_says_until_when() -> None:
    verdict = judge_shadow(*champion_and(0.0, rows=24), 0, 336, answers=24, bound=100.0)
    assert verdict.decision is Decision.WAIT
    assert verdict.checks[0].endswith("on 24 shadowed rows; decided at 336")


def test_a_shadow_without_outcomes_waits() -> None:
    assert judge_shadow(np.zeros(0), np.zeros(0), 0, 168, answers=0, bound=10.0).decision is Decision.WAIT


def test_where_outcomes_are_late_the_gates_proof_stands_unless_what_is_known_speaks_against_it() -> None:
    few = judge_shadow(*champion_and(6.0, rows=20), 0, 168, answers=336, bound=100.0)
    assert few.decision is Decision.ACCEPT
    assert few.checks == ("336 requests answered, 20 of them with an outcome yet: the gate's proof stands",)
    assert judge_shadow(*champion_and(6.0, rows=20), 0, 168, answers=335, bound=100.0).decision is Decision.WAIT
    assert judge_shadow(*champion_and(-6.0, rows=60), 0, 168, answers=336, bound=100.0).decision is Decision.WAIT


def test_the_bound_ignores_what_was_not_answered() -> None:
    assert loss_bound(np.array([np.nan, 1.0, 1.0])) == 1.0
