import numpy as np
import pytest

from setpoint.domain.objective import Objective
from setpoint.domain.schema import Task
from setpoint.domain.value import replace
from setpoint.monitor.quality import in_window, quality
from setpoint.monitor.standing import standings
from setpoint.stats.quality import mean, undefined

AT = 24 * 300


def by_metric(seen):
    return {f.metric: f for f in quality(seen)}


def test_a_model_at_its_set_point_is_no_alarm(stream, look):
    found = by_metric(look(stream, AT))
    assert not any(f.alarm for f in found.values())
    assert found["mae"].low < 4.0 < found["mae"].high  # 5 × √(2/π)


def test_a_model_surely_beyond_its_set_point_alarms(stream, look):
    found = by_metric(look(stream, AT, objectives=(Objective(metric="mae", at_most=3.0),)))
    assert found["mae"].alarm
    assert found["mae"].low > found["mae"].limit


def test_a_little_beyond_is_not_sure(stream, look):
    value = by_metric(look(stream, AT))["mae"].value
    seen = look(stream, AT, objectives=(Objective(metric="mae", at_most=value * 0.98),))
    assert not by_metric(seen)["mae"].alarm
    assert [s.at_set_point for s in standings(seen)] == [False]


def test_a_bad_release_steps_the_loss_within_a_day(stream, look, damaged):
    broken = damaged(stream, AT, prediction=lambda x: 0.7 * x)
    step = by_metric(look(broken, AT))["mae_step"]
    assert step.alarm
    assert step.value > 4


def test_a_quiet_year_holds_no_step(stream, look):
    assert not any(by_metric(look(stream, at))["mae_step"].alarm for at in range(24 * 120, 24 * 485, 24))


def test_without_outcomes_there_is_nothing_to_say(stream, look):
    seen = look(stream, AT)
    bare = replace(seen, labelled=seen.labelled.take(np.arange(0)))
    assert not list(quality(bare))
    mae = standings(bare)[0]
    assert (mae.value, mae.rows, mae.at_set_point) == (None, 0, None)


def test_binary_objectives_take_outcomes_as_they_are_coded(stream, look):
    """Whatever the classes are called, `Records` hold 1.0 for the second and 0.0 for the first."""
    seen = look(stream, AT)
    rng = np.random.default_rng(0)
    p = rng.uniform(size=len(seen.labelled))
    label = (rng.uniform(size=len(p)) < p).astype(np.float64)
    seen = replace(
        seen,
        schema=replace(seen.schema, task=Task.BINARY, classes=("no", "yes")),
        labelled=replace(seen.labelled, score=p, outcome=label),
        objectives=tuple(Objective(metric=m, at_least=0.6, window_s=28 * 86_400.0) for m in ("roc_auc", "accuracy")),
    )
    found = by_metric(seen)
    assert found["roc_auc"].value == pytest.approx(0.83, abs=0.04)
    assert found["accuracy"].value == pytest.approx(0.75, abs=0.04)
    assert not found["roc_auc"].alarm


def test_a_decision_metric_uses_the_threshold_of_the_version(stream, look):
    seen = binary(look(stream, AT), Objective(metric="recall", at_least=0.5), threshold=0.2)
    expected = np.mean(seen.labelled.score[seen.labelled.outcome > 0.5] >= 0.2)
    assert by_metric(seen)["recall"].value == pytest.approx(expected, abs=0.03)


def test_a_metric_near_a_value_is_bounded_by_its_distance(stream, look):
    seen = look(stream, AT, objectives=(Objective(metric="bias", at_most=1.0),))
    seen = replace(seen, labelled=replace(seen.labelled, score=seen.labelled.score - 5.0))
    assert by_metric(seen)["bias"].alarm
    assert by_metric(seen)["bias"].value == pytest.approx(5.0, abs=1.0)


def test_a_metric_without_a_value_is_a_note_with_its_reason(stream, look):
    seen = binary(look(stream, AT), Objective(metric="recall", at_least=0.5))
    seen = replace(seen, labelled=replace(seen.labelled, outcome=np.zeros(len(seen.labelled))))
    (found,) = (f for f in quality(seen) if f.monitor == "objective")
    assert not found.alarm
    assert found.detail == "recall has no value: no row is positive"
    (standing,) = standings(seen)
    assert (standing.value, standing.at_set_point, standing.why) == (None, None, "no row is positive")


def binary(seen, objective, threshold=0.5):
    rng = np.random.default_rng(0)
    p = rng.uniform(size=len(seen.labelled))
    label = (rng.uniform(size=len(p)) < p).astype(np.float64)
    return replace(
        seen,
        schema=replace(seen.schema, task=Task.BINARY, classes=("no", "yes")),
        labelled=replace(seen.labelled, score=p, outcome=label),
        objectives=(replace(objective, window_s=28 * 86_400.0),),
        threshold=threshold,
    )


def test_a_metric_of_ones_own_is_judged_like_any_other(stream, look):
    own = Objective(metric="metrics.py:profit", at_least=1.0, function="/metrics.py:profit")
    seen = look(stream, AT, objectives=(own,))
    rows = len(in_window(seen, own))
    bad = replace(seen, own={own: mean(np.random.default_rng(0).normal(-1.0, 1.0, size=rows))})
    assert by_metric(bad)["metrics.py:profit"].alarm
    failed = replace(seen, own={own: undefined(rows, "it raised")})
    assert [f.detail for f in quality(failed) if f.monitor == "objective"] == [
        "metrics.py:profit has no value: it raised"
    ]
    assert standings(failed)[0].why == "it raised"
