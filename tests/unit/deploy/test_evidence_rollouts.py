"""Whole simulated rollouts: how often worse versions are promoted and equal ones sent back, beside watched z-tests."""

import math

import numpy as np
from numpy.typing import NDArray

from setpoint.deploy.evidence import judge
from setpoint.domain.evidence import Frozen, Margins, Says, Terms
from setpoint.domain.exposure import Answers, Batch, Requests
from setpoint.domain.wealth import Evidence

FloatArray = NDArray[np.float64]
ROWS, RUNS = 3_000, 40
LIMITS = {name: float(np.exp(3 + 0.5 * z)) for name, z in {"p95": 1.645, "p99": 2.326}.items()}
TERMS = Terms(
    margins=Margins(errors=0.02, violations=0.02, latency=0.6, quality=0.5),
    frozen=Frozen(latency_ms=LIMITS, loss=0.1, loss_bound=1.0),
)
EQUAL = {"errors": 0.01, "slower": 1.0, "wrong": 0.1}
WORSE = [{"errors": 0.03}, {"slower": 1.6}, {"wrong": 0.15}, {"errors": 0.05}, {"wrong": 0.2}]  # by a margin or more


def traffic(rng: np.random.Generator, version: dict[str, float]) -> dict[str, FloatArray]:
    """Requests while the share rises from 10 to 50 %, with waves of load that both share."""
    share = np.repeat([0.1, 0.5], [ROWS // 6, ROWS - ROWS // 6])
    new = rng.random(ROWS) < share
    load = np.sin(np.arange(ROWS) / 50)
    return {
        "share": share,
        "new": new,
        "failed": rng.random(ROWS) < np.where(new, version["errors"], 0.01),
        "latency": np.exp(3 + 0.3 * load + 0.45 * rng.standard_normal(ROWS)) * np.where(new, version["slower"], 1.0),
        "loss": (rng.random(ROWS) < np.where(new, version["wrong"], 0.1)).astype(float),
    }


def cut(seen: dict[str, FloatArray], low: int, high: int) -> Batch:
    part = {name: values[low:high] for name, values in seen.items()}
    return Batch(
        requests=Requests(
            challenger=part["new"],
            share=part["share"],
            failed=part["failed"],
            broke=np.zeros(high - low, bool),
            latency_ms=part["latency"],
        ),
        answers=Answers(challenger=part["new"], share=part["share"], loss=part["loss"]),
    )


def ours(rng: np.random.Generator, seen: dict[str, FloatArray]) -> Says:
    """Look at random times until something is said."""
    evidence, looks = Evidence(), np.sort(rng.choice(np.arange(1, ROWS), rng.integers(1, 10), replace=False))
    said = Says.WAIT
    for low, high in zip([0, *looks], [*looks, ROWS], strict=True):
        evidence, judged = judge(evidence, cut(seen, int(low), int(high)), TERMS, elapsed_s=0)
        said = judged.says
        if said is not Says.WAIT:
            break
    return said


def watched(seen: dict[str, FloatArray]) -> Says:
    """Look at z-tests of two pooled means after every 100 requests; each metric that has passed has passed."""
    slow = (seen["latency"] > LIMITS["p99"]).astype(float)
    late = (seen["latency"] > np.where(seen["new"], 1.6, 1.0) * LIMITS["p99"]).astype(float)
    passed: set[int] = set()
    for rows in range(200, ROWS + 1, 100):
        for at, (bad, held, margin) in enumerate(
            [(seen["failed"], seen["failed"], 0.02), (slow, late, 0.0), (seen["loss"], seen["loss"], 0.05)]
        ):
            if z(bad[:rows], seen["new"][:rows], 0.0) > 1.645:
                return Says.BACK
            if z(held[:rows], seen["new"][:rows], margin) < -1.645:
                passed.add(at)
        if len(passed) == 3:
            return Says.PROMOTE
    return Says.WAIT


def z(bad: FloatArray, new: FloatArray, margin: float) -> float:
    a, b = bad[new].astype(float), bad[~new].astype(float)
    return float((a.mean() - b.mean() - margin) / math.sqrt(a.var() / len(a) + b.var() / len(b) + 1e-9))


def rolled(version: dict[str, float], seed: int) -> tuple[Says, Says]:
    rng = np.random.default_rng(seed)
    seen = traffic(rng, {**EQUAL, **version})
    return ours(rng, seen), watched(seen)


def test_worse_versions_are_promoted_within_the_budget() -> None:
    """5 % at most, whatever is worse, whenever one looks; z-tests that are watched promote three times as many."""
    said = [rolled(WORSE[seed % len(WORSE)], seed) for seed in range(50)]
    assert sum(one is Says.PROMOTE for one, _ in said) <= 0.05 * len(said)
    assert sum(other is Says.PROMOTE for _, other in said) >= 0.1 * len(said)


def test_equal_versions_are_seldom_sent_back_and_mostly_promoted() -> None:
    said = [rolled({}, 1_000 + seed) for seed in range(RUNS)]
    assert sum(one is Says.BACK for one, _ in said) <= 0.05 * RUNS
    assert sum(one is Says.PROMOTE for one, _ in said) >= 0.5 * RUNS
    assert sum(other is Says.BACK for _, other in said) > 0.15 * RUNS
