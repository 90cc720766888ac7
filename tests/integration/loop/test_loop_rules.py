"""Rules of setpoint.yaml: refused early, part of each version, watched."""

from typing import Any

import pytest

from setpoint.errors import InvalidInput
from setpoint.loop.verbs import deploying, retraining

RULE = "felt > temp - 15 and wind is not None"


def with_rules(w: Any, *rules: str) -> Any:
    return w.file.model_copy(update={"rules": list(rules)})


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("fellt > temp", r"rules: in 'fellt > temp': fellt is no column \(did you mean 'felt'\?\)"),
        ("felt > demand", "demand is no column"),
        ("felt > 'warm'", "'warm' is compared with a number"),
        ("felt > 1_000", "is broken by 100.0% of the rows of the reference"),
    ],
)
def test_a_rule_that_says_nothing_is_refused_before_the_long_work(world: Any, rule: str, said: str) -> None:
    w = world()
    with pytest.raises(InvalidInput, match=said):
        deploying.deploy(w.operator, with_rules(w, rule), by="ann")
    assert len(w.operator.ports.bundles.versions("demand")) == 1


def test_a_retrained_version_keeps_the_rules_and_a_broken_one_alarms(world: Any, fahrenheit: Any) -> None:
    w = world(fahrenheit)
    deploying.deploy(w.operator, with_rules(w, RULE), by="ann")
    assert w.operator.contract("demand").given == (RULE,)
    w.until(12)
    retraining.update(w.operator, "demand", by="ann")
    w.until(13)
    made = w.operator.ports.bundles.versions("demand")[-1].version
    assert made != "v2"
    w.operator.rollback("demand", to=made, by="ann")
    assert w.operator.contract("demand").given == (RULE,)
    w.until(21)
    broken = [f for f in w.deployment.findings if f.metric == "rule" and f.kind == "given"]
    assert [f.alarm for f in broken] == [True]
    assert broken[0].examples
