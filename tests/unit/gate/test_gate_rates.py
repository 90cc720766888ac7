"""How often the whole gate is wrong, with all its looks: beside a gate that asks for a smaller mean loss."""

from typing import Any

import numpy as np

from setpoint.deploy.gate import LOOKS, Turn, judge
from setpoint.deploy.gate.spending import SPENT, outcomes_needed
from setpoint.domain.rollout import Decision
from setpoint.stats.quality import mean

FIRST, MOST = 200, 3_000


def says(size: float, of: float) -> Any:
    """Right but for an error that depends on the row and on nothing that the other version's does."""
    return lambda x: 2 * np.nan_to_num(x["a"]) + x["b"] + size * np.sin(of * x["b"] + np.nan_to_num(x["a"]))


def watched(case: Any, candidate: Any, champion: Any, seed: int) -> tuple[Decision, int, bool]:
    """Look as often as the gate does, with the outcomes that it waits for; whether the first mean loss was smaller."""
    held, smaller = FIRST, False
    for number in range(1, LOOKS + 1):
        verdict = judge(case(candidate, champion, seed=seed, held=min(held, MOST), turn=Turn(number=number)))
        smaller = verdict.gain > 0 if number == 1 else smaller
        if verdict.decision is not Decision.WAIT:
            return verdict.decision, number, smaller
        held += verdict.needs
    return Decision.WAIT, LOOKS, smaller


def rates(case: Any, candidate: Any, champion: Any, times: int) -> tuple[float, float, float]:
    """Shares accepted, and accepted by the mean loss of the first look; and the mean number of looks."""
    ended = [watched(case, candidate, champion, seed) for seed in range(times)]
    accepted = float(np.mean([d is Decision.ACCEPT for d, _, _ in ended]))
    return accepted, float(np.mean([smaller for _, _, smaller in ended])), float(np.mean([n for _, n, _ in ended]))


def test_an_equal_candidate_seldom_passes_however_often_it_is_looked_at(case: Any) -> None:
    """Nominal 5 %; of the mean loss half."""
    accepted, dummy, looks = rates(case, says(0.8, 2.0), says(0.8, 3.0), 40)
    assert accepted <= 0.09
    assert 0.3 < dummy < 0.7
    assert looks > 1.1


def test_a_worse_candidate_never_passes(case: Any) -> None:
    accepted, dummy, _ = rates(case, says(1.0, 2.0), says(0.8, 3.0), 20)
    assert accepted == 0
    assert dummy > 0


def test_a_better_candidate_passes_nine_times_in_ten(case: Any) -> None:
    accepted, _, _ = rates(case, says(0.4, 2.0), says(1.1, 3.0), 40)
    assert accepted >= 0.9


def test_the_looks_spend_five_percent_together_and_later_ones_less() -> None:
    assert sum(SPENT) == 0.05
    assert list(SPENT) == sorted(SPENT, reverse=True)
    assert [Turn(number=n).last for n in range(1, LOOKS + 1)] == [False] * (LOOKS - 1) + [True]


def test_the_outcomes_asked_for_show_a_gain_of_that_size_in_four_of_five_cases() -> None:
    """Normal gains whose mean and spread are as measured; the next look at its own level."""
    rng, rows, gain, sd = np.random.default_rng(1), 400, 0.1, 1.0
    needs = outcomes_needed(gain, sd / np.sqrt(rows), rows, Turn())
    assert needs is not None
    found = [mean(rng.normal(gain, sd, rows + needs)).bounds(Turn(number=2).alpha)[0] > 0 for _ in range(300)]
    assert 0.72 < np.mean(found) < 0.9


def test_what_would_take_too_long_is_not_waited_for() -> None:
    assert outcomes_needed(0.001, 0.05, 400, Turn()) is None
    assert outcomes_needed(0.0, 0.05, 400, Turn()) is None


def test_the_better_of_two_equal_candidates_seldom_passes_a_look() -> None:
    """Nominal 2.5 % whichever of the two a contest chose on these rows; undivided 5 %, by the mean loss 75 %."""
    rng, alone, best = np.random.default_rng(2), Turn(), Turn(candidates=2)
    assert best.alpha == alone.alpha / 2
    passed = []
    for _ in range(2_000):
        gains = max(rng.normal(0, 1, (2, 200)), key=np.mean)
        found = mean(gains)
        passed.append([found.bounds(best.alpha)[0] > 0, found.bounds(alone.alpha)[0] > 0, found.value > 0])
    halved, undivided, dummy = np.mean(passed, axis=0)
    assert halved <= 0.025
    assert undivided > 0.028
    assert dummy > 0.7
