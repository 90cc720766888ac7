"""The daily study: relations, outliers and attributions of recent rows, against the reference."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from setpoint.domain.records import Records, stamp
from setpoint.domain.study import Study
from setpoint.errors import ModelFailed
from setpoint.monitor.study import EVERY, Studied, due, lately, noteworthy, study
from setpoint.stats.attribution import effects, ranking_kept, shares
from setpoint.stats.copula import moved
from setpoint.stats.outliers import Usual

NOW = datetime(2024, 5, 1, tzinfo=UTC)


def columns(seed, rows=2_000):
    """Six columns, two of which go together, and one of texts."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 6))
    x[:, 1] = 0.9 * x[:, 0] + np.sqrt(1 - 0.81) * x[:, 1]
    out = {f"x{at}": x[:, at] for at in range(6)}
    out["x2"] = np.exp(out["x2"])
    out["sky"] = np.array(["clear", "mist", "rain", "hail"], object)[rng.choice(4, rows, p=[0.7, 0.2, 0.09, 0.01])]
    return out


def records(inputs):
    n = len(inputs["x0"])
    time = stamp(NOW) - np.arange(n, 0, -1) * np.timedelta64(40, "s")
    plain = np.zeros(n)
    return Records(
        id=np.arange(n).astype(str).astype(object),
        time=time,
        version=np.full(n, "v1", object),
        score=plain,
        outcome=plain,
        known=time,
        latency_us=plain,
        maps=np.full(n, "", object),
        inputs=inputs,
    )


def ask(inputs):
    return 3 * inputs["x0"] + 2 * inputs["x3"] + (inputs["sky"] == "rain")


def studied(current, **changes):
    return study(
        Studied(
            **{"now": NOW, "version": "v1", "reference": columns(0), "recent": records(current), "asked": ask} | changes
        )
    )


def named(found):
    return {(f.metric, f.column) for f in found.findings if f.low is not None and f.value > f.limit}


@pytest.mark.parametrize("seed", range(1, 6))
def test_like_with_like_has_nothing_to_note(seed):
    found = studied(columns(seed))
    assert named(found) == set()
    assert not any(f.alarm for f in found.findings)
    assert found.skipped == {}


def test_a_lost_relation_is_noted_with_its_pair():
    current = columns(1)
    current["x1"] = np.random.default_rng(9).permutation(current["x1"])
    found = studied(current)
    assert ("drift_relation", "x1") in named(found)
    assert any(f.detail.startswith("rank correlation of x0 and x1 0.9") for f in noteworthy(found))
    assert ("outliers", None) in named(found)


def test_what_the_answers_rest_on_is_noted_where_it_changes():
    current = columns(1)
    current["x0"] = 0.1 * current["x0"]
    moved_share = {f.column: f for f in studied(current).findings if f.metric == "attribution_share"}
    assert moved_share["x0"].value > moved_share["x0"].limit
    assert moved_share["x5"].value == 0


def planted(kind, seed):
    """One row in ten is an outlier; return the columns and which."""
    current, rng = columns(seed), np.random.default_rng(seed + 50)
    odd = rng.random(len(current["x0"])) < 0.1
    match kind:
        case "far":
            current["x4"] = np.where(odd, 8.0, current["x4"])
        case "relation":
            current["x1"] = np.where(odd, -current["x1"] - np.sign(current["x0"]), current["x1"])
        case "several":
            for name in ("x0", "x3", "x4", "x5"):
                current[name] = np.where(odd, current[name] * 2.2, current[name])
            current["x1"] = np.where(odd, current["x1"] * 2.2, current["x1"])
    return current, odd


@pytest.mark.parametrize("kind", ["far", "relation", "several"])
def test_planted_outliers_are_told_from_the_rest_at_least_as_well_as_by_an_isolation_forest(kind):
    current, odd = planted(kind, 3)
    distance = Usual.of(columns(0)).distance(current)
    names = [name for name in current if name != "sky"]
    forest = IsolationForest(random_state=0).fit(np.column_stack([columns(0)[n] for n in names]))
    theirs = -forest.score_samples(np.column_stack([current[n] for n in names]))
    assert _auc(odd, distance) > max(_auc(odd, theirs) - 0.03, 0.8)
    (finding,) = [f for f in studied(current).findings if f.metric == "outliers"]
    assert finding.value > finding.limit
    assert odd[[int(i) for i in finding.examples]].all()


def _auc(odd, score):
    rank = np.argsort(np.argsort(score)) + 1
    return (rank[odd].sum() - odd.sum() * (odd.sum() + 1) / 2) / (odd.sum() * (~odd).sum())


def test_shares_of_attribution_are_wrong_less_often_than_their_level():
    rng, wrong = np.random.default_rng(0), 0
    for seed in range(60):
        sides = [effects({n: c[:300] for n, c in columns(s).items()}, ask, rng) for s in (seed, seed + 1_000)]
        wrong += bool((shares(*sides, 0.05 / 7, rng).low > 0).any())
    assert wrong <= 60 * 0.05 + 2 * np.sqrt(60 * 0.05 * 0.95)


def test_a_mean_that_moves_by_itself_is_not_moved():
    """False calls at 5 % on AR(1) rows; the plain t-test calls half of them."""
    rng, false, plain = np.random.default_rng(0), 0, 0
    for _ in range(200):
        x, y = (np.convolve(rng.normal(size=2_100), 0.9 ** np.arange(60))[60:2_060] for _ in range(2))
        false += bool(moved(x, y, 0.05).low > 0)
        plain += abs(x.mean() - y.mean()) > 1.96 * np.sqrt((x.var() + y.var()) / 2_000)
    assert false <= 10 + 2 * np.sqrt(200 * 0.05 * 0.95)
    assert plain > 80


def test_the_ranking_is_kept_when_it_is_the_same():
    assert ranking_kept(np.array([3.0, 2, 1]), np.array([6.0, 5, 4])) == pytest.approx(1.0)
    assert ranking_kept(np.array([9.0, 1, 0]), np.array([0.0, 1, 9])) < 0.9
    assert ranking_kept(np.zeros(3), np.ones(3)) == 1.0


def broken(inputs):
    raise ModelFailed("no")


@pytest.mark.parametrize(
    ("changes", "metric", "said"),
    [
        ({"asked": broken}, "attribution", "the model does not answer shuffled rows: no"),
        ({"asked": None, "why_not": "sensitive"}, "attribution", "sensitive"),
        ({"asked": lambda c: np.zeros(len(c["x0"]))}, "attribution", "answers do not move with any column"),
        ({"asked": lambda c: np.full(len(c["x0"]), np.nan)}, "attribution", "answers do not move with any column"),
        ({"recent": records(columns(1, rows=20))}, "outliers", "20 recent rows and 2000 of the reference; 200"),
        ({"reference": {}}, "drift_joint", "0 of the reference"),
    ],
)
def test_what_cannot_be_judged_says_why(changes, metric, said):
    assert said in studied(columns(1), **changes).skipped[metric]


def test_constant_null_and_infinite_columns_are_no_trouble():
    odd = {
        "x0": np.full(500, 3.0),
        "x1": np.full(500, np.nan),
        "x2": np.r_[np.inf, -np.inf, np.zeros(498)],
        "sky": np.array([None] * 500, object),
    }
    found = studied(odd, reference=odd, asked=lambda c: c["x0"])
    assert not named(found)


def test_a_study_is_due_once_a_day_and_after_a_release():
    last = Study(at=NOW, version="v1")
    assert due(None, "v1", NOW)
    assert due(last, "v2", NOW)
    assert not due(last, "v1", NOW + EVERY - timedelta(seconds=1))
    assert due(last, "v1", NOW + EVERY)


def test_lately_is_the_shortest_span_with_enough_rows():
    rows = records(columns(0, rows=5_000))
    assert len(lately(rows, NOW)) == 2_160
    assert len(lately(rows.take(np.arange(0, 5_000, 10)), NOW)) == 500
