import pytest

from setpoint.config import check_setpoint_text, read_setpoint_file
from setpoint.config.metrics import CATALOGUE, GAPS, known
from setpoint.errors import InvalidInput
from setpoint.loop.verbs.stated import objectives

FILE = """
model: m
task: {task}
artifact: m.joblib
reference: r.csv
target: y
segments: [sex]
objectives:
  - {line}
"""
NEEDS = {
    "top": "top: 10%",
    "gain": "gain: {tp: 10, fp: -2, fn: -6, tn: 0}",
    "quantile": "quantile: 0.9",
    "season": "season: 24",
}


def read(tmp_path, line, task="binary"):
    return check_setpoint_text(FILE.format(task=task, line=line), tmp_path / "setpoint.yaml")


@pytest.mark.parametrize("metric", CATALOGUE)
def test_every_metric_can_be_an_objective_on_its_right_side(tmp_path, metric):
    said = known(metric)
    side, other = ("at_least", "at_most") if said.better == "higher" else ("at_most", "at_least")
    rest = "".join(f", {NEEDS[key]}" for key in said.needs)
    (objective,) = objectives(read(tmp_path, f"{{metric: {metric}, {side}: 0.5{rest}}}", said.tasks[0]))
    assert (objective.metric, objective.target) == (metric, 0.5)
    with pytest.raises(InvalidInput, match=f"{metric} is better when .*: write {side}"):
        read(tmp_path, f"{{metric: {metric}, {other}: 0.5{rest}}}", said.tasks[0])


def test_what_a_metric_needs_reaches_the_objective(tmp_path):
    (value,) = objectives(read(tmp_path, f"{{metric: value_per_decision, at_least: 0.8, {NEEDS['gain']}}}"))
    assert (value.gain.tp, value.gain.fp, value.gain.fn, value.gain.tn) == (10, -2, -6, 0)
    (top,) = objectives(read(tmp_path, f"{{metric: lift_at_top, at_least: 3, {NEEDS['top']}}}"))
    assert (top.top, top.name) == (0.1, "lift_at_top 10%")
    (gap,) = objectives(read(tmp_path, "{metric: fairness_gap, of: recall, by: sex, at_most: 0.1}"))
    assert gap.name == "fairness_gap of recall by sex"


def test_a_function_of_ones_own_takes_either_side(tmp_path):
    for side in ("at_least", "at_most"):
        (own,) = objectives(read(tmp_path, f'{{metric: "metrics.py:profit", {side}: 3}}'))
        assert own.function == f"{tmp_path}/metrics.py:profit"


REFUSED = [
    ("{metric: lift_at_top, at_least: 2}", "needs 'top' too, like top: 10%"),
    ("{metric: roc_auc, at_least: 0.7, top: 10%}", "objective 'roc_auc' takes no 'top'"),
    ("{metric: lift_at_top, at_least: 2, top: 200%}", "less than 1"),
    ("{metric: value_per_decision, at_least: 1, gain: {tp: 1, fp: 0, fn: 0}}", "missing key 'objectives.0.gain.tn'"),
    ("{metric: value_per_decision, at_least: 1, gain: {tpr: 1}}", "unknown key 'tpr'; did you mean 'tp'?"),
    ("{metric: recal, at_least: 0.5}", "unknown metric 'recal'; did you mean 'recall'?"),
    ("{metric: mae, at_most: 1}", "mae does not fit task binary; its quality metrics are roc_auc"),
    ("{metric: fairness_gap, of: recall, by: age, at_most: 0.1}", "needs it among `segments:`; they are sex"),
    ("{metric: fairness_gap, by: sex, at_most: 0.1}", "needs 'of' too, like of: recall"),
    ("{metric: recall, at_least: .inf}", "objectives.0.at_least"),
]


@pytest.mark.parametrize(("line", "words"), REFUSED)
def test_what_cannot_be_is_refused_in_words(tmp_path, line, words):
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, line)
    assert words in str(refused.value)


def test_a_gap_of_classes_does_not_fit_a_regression(tmp_path):
    assert GAPS["regression"] == ("mean_error",)
    with pytest.raises(InvalidInput, match="fairness_gap of recall does not fit task regression"):
        read(tmp_path, "{metric: fairness_gap, of: recall, by: sex, at_most: 0.1}", "regression")


def test_the_file_of_a_metric_must_be_there(tmp_path):
    line = '{metric: "metrics.py:profit", at_least: 3}'
    (tmp_path / "setpoint.yaml").write_text(FILE.format(task="binary", line=line))
    with pytest.raises(InvalidInput, match="metric: there is no file"):
        read_setpoint_file(tmp_path)
    (tmp_path / "metrics.py").touch()
    assert read_setpoint_file(tmp_path).objectives[0].metric == "metrics.py:profit"
