"""The budget of false actions: who may open incidents spends it once, all together."""

import re
from collections import Counter
from pathlib import Path

import setpoint.monitor
from setpoint.monitor.loss_step import WINDOWS
from setpoint.monitor.newest import RULES
from setpoint.monitor.seen import FAMILIES, PARTS, SOURCES, STEPS

# by the call of `level`: the part of a family's share that its tests spend together
SPENT = {
    "data_quality.py": 2 / PARTS,  # of columns, and of requests refused
    "stuck.py": 1 / PARTS / RULES,
    "newest.py": 2 / PARTS / RULES,  # of values that come back, and that lie between steps
    "rules.py": 1 / PARTS,
    "repeats.py": 1 / PARTS,
    "freshness.py": 1 / PARTS,
    "drift.py": 1,
    "quality.py": 1,  # of objectives, segments and estimates through `alpha_of`
    "loss_step.py": 2 / WINDOWS / STEPS,
    "part_step.py": 1 / WINDOWS / STEPS,
    "estimate.py": 1,
    "release.py": 1 / STEPS,
    "service.py": 1,
    "turned_away.py": 1 / SOURCES,
    "sensor.py": 1 / SOURCES,  # of audits of the inputs
    "family.py": 1 / SOURCES,  # of the feed of outcomes
    "slow.py": 0,  # these two open no incident
    "outcomes.py": 0,
}


def test_all_monitors_together_spend_the_budget_once():
    assert abs(sum(SPENT.values()) - FAMILIES) < 1e-9


def test_each_monitor_that_spends_is_counted():
    folder = Path(setpoint.monitor.__file__).parent
    calls = Counter(
        path.name for path in folder.rglob("*.py") for _ in re.findall(r"seen\.level\(|= alpha_of\(", path.read_text())
    )
    assert set(calls) <= {*SPENT, "segments.py", "fairness.py"}  # these two share with the objectives: SHARES
