"""The model fails on a part of the rows: which part, and who answers it instead."""

from datetime import timedelta

import numpy as np
import pytest

from setpoint.domain.baseline import Baseline
from setpoint.domain.fleet import Release
from setpoint.domain.incident import Cause, Remedy
from setpoint.domain.lying_within import lying
from setpoint.domain.profile import Binning
from setpoint.domain.records import stamp
from setpoint.domain.requested import Requested
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import replace
from setpoint.maintain.asked_again import IN_VAIN, failing
from setpoint.maintain.failing import LEAST, cluster
from setpoint.maintain.hypotheses import release
from setpoint.maintain.investigate import investigate
from tests.unit.maintain.conftest import NOW, START, incident_of

NUMBERS, TEXTS = ("x", "y", "few"), ("town", "sky")
SCHEMA = Schema(
    features=(
        *(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT, nullable=True) for n in NUMBERS),
        *(Feature(name=n, kind=Kind.CATEGORICAL, dtype=DType.STRING, nullable=True) for n in TEXTS),
    ),
    target="t",
    task=Task.REGRESSION,
)
SLICES = {
    "town b": lambda x: x["town"] == "b",
    "town a, c": lambda x: np.isin(x["town"].astype(str), ["a", "c"]),
    "x from 1": lambda x: x["x"] > 1,
    "y 0.2 to 0.6": lambda x: (x["y"] > 0.2) & (x["y"] < 0.6),
    "few 2": lambda x: x["few"] == 2,
    "x missing": lambda x: np.isnan(x["x"]),
    "sky missing": lambda x: np.equal(x["sky"], None),
}


def rows_of(n, seed):
    rng = np.random.default_rng(seed)
    x = {"x": rng.normal(size=n), "y": rng.uniform(size=n), "few": rng.integers(0, 4, n).astype(float)}
    x["x"][rng.uniform(size=n) < 0.1] = np.nan
    x["town"] = rng.choice(["a", "b", "c", "d", "e", "f"], n).astype(object)
    x["sky"] = np.where(rng.uniform(size=n) < 0.1, None, rng.choice(["clear", "rain"], n).astype(object))
    return x


def asked_of(x, status, version="v2"):
    n = len(x["x"])
    time = (stamp(NOW - timedelta(hours=2)) + np.arange(n) * np.timedelta64(1, "s")).view(np.int64)
    return Requested(
        id=np.array([f"r{i}" for i in range(n)], object), time=time, arrived=time, row=np.zeros(n, np.int64),
        version=np.full(n, version, object), role=np.full(n, "champion", object), status=np.where(status, 500, 200),
        latency_us=np.full(n, 100), caller=np.full(n, "", object), broke=np.zeros(n, bool), inputs=x,
    )  # fmt: skip


def case_of(world, failed, **changes):
    x = rows_of(2_000, 3)
    case = replace(
        world(),
        schema=SCHEMA,
        champion=Release(version="v2", at=NOW - timedelta(days=3), by="test"),
        previous=Release(version="v1", at=START, by="test"),
        asked=asked_of(x, failed(x)),
    )
    empty = case.suspect.take(np.zeros(0, int))
    return replace(case, binning=Binning(columns={}), healthy=empty, suspect=empty, **changes)


def scorer(*fragile, failed):
    """Versions, of which the fragile ones raise on a part of the rows."""

    def score(version, x):
        if version in fragile and failed(x).any():
            raise ZeroDivisionError("too hot")
        return {"prediction": np.zeros(len(x["x"]))}

    return score


@pytest.fixture
def service(finding):
    return incident_of(finding("service", "error_rate_fast_burn", None), subject="service")


@pytest.mark.parametrize("words", SLICES)
def test_failures_that_cluster_are_located(words):
    x = rows_of(3_000, 1)
    failed = SLICES[words](x) & (np.random.default_rng(2).uniform(size=3_000) < 0.7)
    found = cluster(x, failed, SCHEMA)
    assert found is not None
    assert found.stands_out
    hit = lying(found.within, x[found.within.feature])
    assert found.within.feature == words.split()[0]
    assert (hit & SLICES[words](x)).sum() >= 0.98 * SLICES[words](x).sum()
    assert (hit & ~SLICES[words](x)).sum() <= 0.02 * hit.sum()


def test_failures_anywhere_are_no_cluster():
    """Of 300 searches where failures lie anywhere none comes half way to the bound."""
    gains = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        n, share = int(rng.integers(50, 2_000)), rng.choice([0.01, 0.1, 0.4])
        found = cluster(rows_of(n, seed), rng.uniform(size=n) < share, SCHEMA)
        gains.append(found.gain if found else 0.0)
    assert max(gains) < LEAST / 2


def test_values_of_sensitive_features_tell_nothing():
    secret = replace(SCHEMA, features=tuple(replace(f, sensitive="hash") for f in SCHEMA.features))
    x = rows_of(500, 1)
    assert cluster(x, x["town"] == "b", secret) is None


@pytest.mark.parametrize("words", ["town b", "x from 1"])
def test_an_earlier_version_answers_the_part_on_which_the_champion_fails(world, service, words):
    failed = SLICES[words]
    causes, repair = investigate(service, case_of(world, failed), scorer("v2", failed=failed))
    assert causes[0].cause is Cause.EXCEPTION
    assert causes[0].subject.startswith(words)
    assert repair is not None
    assert (repair.remedy, repair.fallback.version, repair.fallback.instead_of) == (Remedy.FALLBACK, "v1", "v2")
    said = " ".join(causes[0].evidence)
    assert "such as r1" in said
    assert "asked again, v2 fails on 64 of 64" in said
    assert "v1 answers 64 of 64" in said


@pytest.mark.parametrize(
    ("baseline", "version"),
    [
        (Baseline(constant=3.0), "baseline"),
        (Baseline(column="y"), "baseline"),
        (Baseline(version="v0"), "v0"),
        (Baseline(version="v1"), None),  # which fails as well
        (Baseline(column="x"), None),  # which is missing too often
        (Baseline(column="town"), None),  # no number
        (Baseline(version="v2"), None),  # the champion itself
    ],
    ids=lambda given: given.words if given and not isinstance(given, str) else given,
)
def test_where_no_version_answers_the_stated_baseline_does(world, service, baseline, version):
    failed = SLICES["town b"]
    case = case_of(world, failed, baseline=baseline)
    causes, repair = investigate(service, case, scorer("v1", "v2", failed=failed))
    assert causes[0].cause is Cause.EXCEPTION
    assert (repair.fallback.version if repair else None) == version
    if version:
        assert "the stated baseline" in repair.proof
        assert (repair.fallback.baseline == baseline) is (version == "baseline")


def test_an_earlier_version_goes_before_the_baseline(world, service):
    case = case_of(world, SLICES["town b"], baseline=Baseline(constant=3.0))
    _, repair = investigate(service, case, scorer("v2", failed=SLICES["town b"]))
    assert (repair.fallback.version, repair.fallback.baseline) == ("v1", None)


def test_no_earlier_version_is_asked_that_fails_as_well(world, service):
    failed = SLICES["town b"]
    causes, repair = investigate(service, case_of(world, failed), scorer("v1", "v2", failed=failed))
    assert causes[0].cause is Cause.EXCEPTION
    assert repair is None


def test_failures_that_do_not_come_again_are_not_the_models(world, service):
    failed = SLICES["town b"]
    causes, repair = investigate(service, case_of(world, failed), scorer(failed=failed))
    assert causes[0].cause is Cause.UNKNOWN
    assert repair is None


def test_a_release_that_fails_everywhere_is_rolled_back(world, service):
    def failed(x):
        return np.arange(len(x["x"])) % 3 == 0

    def always(x):
        return np.ones(len(x["x"]), bool)

    case = case_of(world, failed)
    fresh = replace(case, champion=replace(case.champion, at=NOW - timedelta(hours=2, minutes=1)))
    causes, repair = investigate(service, fresh, scorer("v2", failed=always))
    assert (causes[0].cause, causes[0].subject) == (Cause.RELEASE, "v2")
    assert (repair.remedy, repair.to_version) == (Remedy.ROLLBACK, "v1")
    causes, repair = investigate(service, case, scorer("v2", failed=always))
    assert causes[0].cause is Cause.EXCEPTION  # it had answered for days
    assert repair is None


def test_rows_that_failed_beside_a_culprit_are_not_taken_for_one(world, service):
    """Of requests of two rows both fail, for one of them."""

    def failed(x):
        hot = SLICES["town b"](x)
        return hot | np.roll(hot, 1)

    causes, repair = investigate(service, case_of(world, failed), scorer("v2", failed=SLICES["town b"]))
    assert causes[0].subject == "town b"
    assert repair is not None


@pytest.mark.parametrize("raises", [False, True])
def test_a_release_is_judged_by_the_rows_that_it_answers(world, incident, finding, score, raises):
    """It is worse, and gives no answer where it is warm: neither makes its weight no number."""

    def fragile(version, x):
        warm = (x["temp"] > 14) & (version == "bad")
        if raises and warm.any():
            raise ZeroDivisionError("too hot")
        return {"prediction": np.where(warm, np.nan, score(version, x)["prediction"])}

    step = finding("quality", "mae_step", None)
    (found,) = release.explain(incident(step, subject="quality"), world(version="bad"), fragile)
    assert found.support > 5
    assert found.repair is not None


def test_a_version_that_answers_nothing_is_not_asked_for_each_row():
    asked = []

    def broken(version, inputs):
        asked.append(version)
        raise RuntimeError("no answer")

    assert failing(broken, "v1", {"x": np.arange(2_000.0)}).all()
    assert len(asked) == IN_VAIN
