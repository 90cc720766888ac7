"""Rules between columns: found where planted, not in chance, and watched."""

import numpy as np
import pytest
from scipy.signal import lfilter

from setpoint.domain.data_contract import DataContract, Rule
from setpoint.monitor.micro import micro
from setpoint.monitor.rule_search import found_rules
from setpoint.monitor.rules import broken_rules
from setpoint.stats.relations import lines, products, sums

AT = 24 * 200


def independent(seed: int, rows: int = 3_000, columns: int = 50) -> dict[str, np.ndarray]:
    """Columns of five kinds that know nothing of each other."""
    rng = np.random.default_rng(seed)
    kinds = [
        lambda: rng.normal(size=rows),
        lambda: rng.integers(0, 10, rows).astype(float),
        lambda: np.array(list("abcdefg"), object)[rng.choice(7, rows, p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05])],
        lambda: np.where(rng.random(rows) < 0.1, np.nan, rng.exponential(size=rows)),
        lambda: (rng.random(rows) < 0.02).astype(float),
    ]
    return {f"f{at}": kinds[at % 5]() for at in range(columns)}


def test_independent_columns_have_no_rules():
    """The error is bounded at 0.01 rules a table; the dummy, that a rule is what holds on all rows, finds many."""
    assert [len(found_rules(independent(seed))) for seed in range(4)] == [0] * 4
    rare = independent(0, rows=250)
    dummy = sum((rare[a] == 1).astype(int)[rare[b] == 1].sum() == 0 for a in rare for b in rare if a[1:] > b[1:])
    assert dummy > 20


@pytest.mark.parametrize("phi", [0.9, 0.99, 1.0])
def test_independent_columns_that_wander_have_no_rules(phi):
    rng = np.random.default_rng(7)
    walks = lfilter([1.0], [1.0, -phi], rng.normal(size=(3_000, 20)), axis=0)
    steps = np.round(walks[:, :5] / walks[:, :5].std() * 2)  # codes that stay for long
    columns = {f"w{at}": walks[:, at] for at in range(20)} | {f"s{at}": steps[:, at] for at in range(5)}
    assert not [r for r in found_rules(columns) if len(set(r.columns) & {"s0", "s1", "s2", "s3", "s4"}) != 1]


@pytest.mark.parametrize("seed", range(4))
def test_a_rule_in_a_tenth_of_a_percent_of_noise_is_found(seed):
    rng = np.random.default_rng(seed + 1_000)
    columns = independent(seed)
    rows = len(columns["f0"])
    columns["start"] = rng.normal(size=rows)
    columns["end"] = columns["start"] + rng.exponential(size=rows)
    columns["end"][[rows // 3, rows - 9]] -= 9
    columns["hour"] = rng.integers(0, 24, rows).astype(float)
    columns["part"] = np.array(["night", "day", "late"], object)[(columns["hour"] // 8).astype(int)]
    assert {r.text for r in found_rules(columns)} == {"start <= end", "hour determines part"}


def test_what_follows_from_other_rules_is_left_out():
    rng = np.random.default_rng(0)
    a = rng.normal(size=2_000)
    b, c = a + rng.exponential(size=2_000), a + 9
    columns = {"a": a, "b": b, "d": b + rng.exponential(size=2_000), "copy": a.copy(), "moved": c}
    assert [r.text for r in found_rules(columns)] == ["a == copy", "moved == a + 9", "a <= b", "b <= d"]


def test_an_equation_may_be_rounded():
    rng = np.random.default_rng(1)
    price, count = rng.gamma(2, 10, 2_000), rng.integers(1, 9, 2_000).astype(float)
    (rule,) = found_rules({"price": price, "count": count, "amount": (price * count).round(2)})
    assert rule.text == "abs(amount - (price * count)) <= 0.02"


def test_few_rows_teach_no_rules():
    a = np.arange(100.0)
    assert found_rules({"a": a, "b": a + 1}) == ()
    assert found_rules({}) == ()


def test_relations_are_quiet_on_nothing():
    x = np.empty((0, 3))
    assert list(products(np.ones((5, 1)))) == list(sums(np.ones((5, 1)))) == []
    assert list(lines(np.full((50, 2), np.nan))) == list(lines(x)) == []


RULE = Rule(kind="order", text="temp_c <= load", columns=("temp_c", "load"), rows=3_000, broken=0.0)
CONTRACT = DataContract(rows=3_000, rules=(RULE,))


def watched(seen):
    return list(broken_rules(seen, micro(seen)))


def test_a_rule_that_comes_to_be_broken_alarms_with_examples(stream, look, damaged):
    assert not any(f.alarm for f in watched(look(stream, AT, contract=CONTRACT)))
    (finding,) = watched(look(damaged(stream, AT, temp_c=lambda x: x + 200), AT, contract=CONTRACT))
    assert finding.alarm
    assert (finding.metric, finding.column, finding.value) == ("rule", "load", 1.0)
    assert finding.examples == tuple(str(AT + at) for at in range(5))
    assert "break 'temp_c <= load'" in finding.detail


def test_what_the_last_weeks_break_too_is_natural(stream, look, damaged):
    long = damaged(stream, AT - 672, temp_c=lambda x: x + 200)
    assert not any(f.alarm for f in watched(look(long, AT, contract=CONTRACT)))


def test_a_rule_about_columns_that_are_gone_is_not_judged(stream, look):
    gone = DataContract(rules=(Rule(kind="order", text="gone <= load", columns=("gone", "load")),))
    assert watched(look(stream, AT, contract=gone)) == []


def test_a_year_of_looks_breaks_a_rule_that_holds_on_98_percent_within_the_budget(stream, look):
    share = float((stream["temp_c"] > stream["load"] - 23).mean())
    rule = Rule(kind="given", text="temp_c <= load - 23", columns=("temp_c", "load"), broken=share)
    contract = DataContract(rules=(rule,))
    days = range(24 * 200, 24 * 565, 48)
    alarms = sum(f.alarm for at in days for f in watched(look(stream, at, contract=contract)))
    assert alarms == 0
