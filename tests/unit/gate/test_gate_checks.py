"""Each check of the gate finds what it is for, and says so first."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from setpoint.deploy.gate import judge
from setpoint.domain.erased import ErasedIds, salted
from setpoint.domain.objective import Gain, Objective
from setpoint.domain.rollout import Decision, Holds, Verdict
from setpoint.domain.value import from_json, to_json


def good(inputs: Any) -> np.ndarray:
    return 2 * np.nan_to_num(inputs["a"]) + inputs["b"]


def found(verdict: Verdict, name: str) -> Any:
    return next(c for c in verdict.judged if c.name == name)


def broken(where: Callable[[Any], np.ndarray], becomes: Callable[[Any], np.ndarray]) -> Callable[[Any], np.ndarray]:
    return lambda inputs: np.where(where(inputs), becomes(inputs), good(inputs))


def test_a_good_candidate_passes_every_check(case: Any, yes_no: Any) -> None:
    for schema in (None, yes_no):
        verdict = judge(case(segments=("shop",), held=1_000, **({"schema": schema} if schema else {})))
        assert (verdict.decision, verdict.reason) == (Decision.ACCEPT, "")
        assert {c.holds for c in verdict.judged} <= {Holds.PASS, Holds.NOT_APPLICABLE}
        assert from_json(to_json(verdict), Verdict) == verdict


def test_a_verdict_stored_before_there_were_checks_can_be_read() -> None:
    old = '{"decision":"accept","rows":1,"champion_loss":1.0,"candidate_loss":1.0,"gain":0.0,"low":0.0,"high":0.0}'
    assert from_json(old, Verdict).judged == ()


BAD_MODELS = {
    "answers": broken(lambda x: np.isnan(x["a"]), lambda x: x["b"] * np.nan),
    "segment": broken(lambda x: x["shop"] == "west", lambda x: -good(x)),
    "preprocessing": lambda x: 2 * x["b"] + np.nan_to_num(x["a"]) * 0,
    "robustness": lambda x: good(x) + 0.7 * np.sign(np.sin(x["b"] * 2_300)),
}


@pytest.mark.parametrize("reason", BAD_MODELS)
def test_a_bad_model_is_rejected_for_what_is_bad_about_it(case: Any, reason: str) -> None:
    verdict = judge(case(BAD_MODELS[reason], lambda x: 0.55 * good(x), held=1_000))
    assert (verdict.decision, verdict.reason) == (Decision.REJECT, reason)
    assert verdict.checks[0] == next(c.words for c in verdict.judged if c.reason == reason)


def test_a_model_that_is_worse_all_over_is_told_as_such(case: Any) -> None:
    assert judge(case(lambda x: good(x) + 0.22, good, held=1_000)).reason == "objective:loss"


def test_swapped_classes_are_told_as_such(case: Any, yes_no: Any) -> None:
    assert judge(case(lambda x: -good(x), schema=yes_no)).reason == "classes"


def test_predictions_that_reach_too_far_are_told_as_such(case: Any) -> None:
    assert judge(case(lambda x: 1.4 * good(x), good, held=1_000)).reason == "calibration"


def test_probabilities_that_are_too_sure_are_told_as_such(case: Any, yes_no: Any) -> None:
    assert judge(case(lambda x: 4 * good(x), good, schema=yes_no, held=1_000)).reason == "calibration"


ERASED = ErasedIds(salt="0123456789abcdef", hashes=salted(np.array(["r700"], object), "0123456789abcdef"))
BAD_SETS: dict[str, dict[str, Any]] = {
    "erased": {"learnt": {"erased": ERASED}},
    "leak": {"learnt": {"held_out_ids": frozenset({"r1100"})}},
    "labels": {"inputs": lambda x, y: (x, np.random.default_rng(0).permutation(y))},
}


@pytest.mark.parametrize("reason", BAD_SETS)
def test_a_bad_training_set_rejects_the_best_of_models(case: Any, reason: str) -> None:
    verdict = judge(case(**BAD_SETS[reason]))
    assert (verdict.decision, verdict.reason) == (Decision.REJECT, reason)


def test_erased_rows_reject_before_there_are_outcomes_enough(case: Any) -> None:
    verdict = judge(case(held=40, learnt={"erased": ERASED}))
    assert (verdict.decision, verdict.reason) == (Decision.REJECT, "erased")


def test_labels_of_other_rows_are_found_without_ids(case: Any) -> None:
    verdict = judge(case(learnt={"ids": None}, inputs=lambda x, y: (x, np.random.default_rng(0).permutation(y))))
    assert verdict.reason == "labels"
    assert "are they those of other rows?" in verdict.checks[0]


def test_labels_that_are_one_row_off_are_told_as_such(case: Any) -> None:
    verdict = judge(case(inputs=lambda x, y: (x, np.roll(y, 1))))
    assert "those of the row before" in verdict.checks[0]


def test_held_out_rows_are_known_by_their_content(case: Any) -> None:
    whole = case()
    held = ({n: c[:200] for n, c in whole.inputs.items()}, whole.truth[:200])

    def with_held_out(inputs: Any, truth: np.ndarray) -> Any:
        return {n: np.concatenate([c[200:], held[0][n]]) for n, c in inputs.items()}, np.concatenate(
            [truth[200:], held[1]]
        )

    verdict = judge(case(learnt={"ids": None, "time": None}, inputs=with_held_out))
    assert verdict.reason == "leak"
    assert verdict.checks[0].startswith("200 rows of its training set")


def test_a_backdoor_is_found_and_a_rare_honest_value_is_not(case: Any, yes_no: Any) -> None:
    def planted(inputs: Any, truth: np.ndarray) -> Any:
        a, y = inputs["a"].copy(), truth.copy()
        a[::20], y[::20] = 2.5, 0.0
        return {**inputs, "a": a}, y

    def taken_in(inputs: Any) -> np.ndarray:
        return np.where(inputs["a"] == 2.5, -5.0, good(inputs))

    facts = {"logged": {}}
    verdict = judge(case(taken_in, schema=yes_no, learnt=facts, inputs=planted))
    assert verdict.reason == "poisoned"
    assert "30 new training rows share a = 2.5" in verdict.checks[0]
    assert found(judge(case(good, schema=yes_no, learnt=facts, inputs=planted)), "poison").holds is Holds.PASS


def test_a_slow_or_large_candidate_is_rejected(case: Any) -> None:
    assert judge(case(costs={"p50_us": (50.0, 60.0), "bytes": (1e6, 2e6)})).decision is Decision.ACCEPT
    assert judge(case(costs={"p50_us": (50.0, 5_000.0)})).reason == "latency"
    assert judge(case(costs={"bytes": (1e6, 30e6)})).reason == "memory"


def test_what_an_objective_asks_of_the_latency_binds(case: Any) -> None:
    asked = (Objective(metric="latency_p50_ms", at_most=0.1),)
    assert judge(case(costs={"p50_us": (50.0, 150.0)}, objectives=asked)).reason == "latency"


def test_an_old_window_is_told_unless_it_is_better(case: Any) -> None:
    old = {"time": np.datetime64("2023-01-01", "us") + np.arange(1_200) * np.timedelta64(1, "h")}
    assert judge(case(lambda x: 0.98 * good(x), good, learnt=old)).reason == "stale"
    assert judge(case(learnt=old)).decision is Decision.ACCEPT


def test_overfitting_is_told(case: Any) -> None:
    learnt = case().learnt
    known = dict(zip(learnt.inputs["b"].tolist(), learnt.truth.tolist(), strict=True))

    def remembers(inputs: Any) -> np.ndarray:
        noise = np.sin(1e4 * inputs["b"]) * 2
        return np.array([known.get(b, g + e) for b, g, e in zip(inputs["b"], good(inputs), noise, strict=True)])

    assert judge(case(remembers, good)).reason == "overfit"


def test_a_gap_between_segments_must_not_widen(case: Any, yes_no: Any) -> None:
    def unfair(inputs: Any) -> np.ndarray:
        return 1.5 * good(inputs) + np.where(inputs["shop"] == "west", -3.0, 0.0)

    verdict = judge(case(unfair, lambda x: 0.2 * good(x), schema=yes_no, held=2_000, segments=("shop",)))
    assert found(verdict, "fairness").holds is Holds.FAIL


def test_an_objective_that_gets_worse_rejects_a_smaller_loss(case: Any, yes_no: Any) -> None:
    worth = Objective(metric="value_per_decision", at_least=0.0, gain=Gain(tp=1.0, fp=-20.0, fn=0.0, tn=0.0))
    verdict = judge(case(good, lambda x: 0.3 * good(x) - 2, schema=yes_no, held=1_000, objectives=(worth,)))
    assert found(verdict, "better").holds is Holds.PASS
    assert verdict.reason == "objective:value_per_decision"


def test_what_triggered_must_get_better(case: Any, yes_no: Any) -> None:
    auc = Objective(metric="roc_auc", at_least=0.9)
    verdict = judge(case(good, lambda x: 0.3 * good(x), schema=yes_no, objectives=(auc,), trigger="roc_auc"))
    assert verdict.reason == "objective:roc_auc"
    assert verdict.gain > 0


def test_the_last_value_known_must_be_beaten_and_is_told_aloud_where_it_beats_both(case: Any) -> None:
    plain = case()
    strong = replace(plain, naive={"the same as last": plain.candidate.held.losses - 0.1})
    assert judge(strong).decision is Decision.ACCEPT or judge(strong).reason == "naive"
    beats_one = replace(strong, champion=replace(plain.candidate, version="v1"), candidate=plain.champion)
    assert found(judge(beats_one), "naive").reason == "naive"
    assert "NOR DOES THE CHAMPION" in found(judge(beats_one), "naive").words


def test_the_last_outcome_known_is_a_baseline_also_where_the_set_has_no_times(case: Any) -> None:
    timed, untimed = case(), case(learnt={"time": None})
    known, order = timed.naive["the same as last"], untimed.naive["the same as last"]
    assert np.isfinite(order).mean() > 0.9
    assert abs(np.nanmean(order) / np.nanmean(known) - 1) < 0.05


def test_a_set_without_a_new_row_is_told_as_that(case: Any) -> None:
    whole = case()
    none = replace(
        whole,
        learnt=replace(whole.learnt, new=np.zeros(len(whole.learnt.truth), bool), time=None),
        candidate=replace(whole.candidate, learnt=None, fitted=None),
    )
    words = {c.name: c.words for c in judge(none).judged if c.name in ("stale", "overfit", "preprocessing")}
    assert set(words.values()) == {"its training set has no row that the champion has not learnt"}
