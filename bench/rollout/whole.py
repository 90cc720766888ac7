"""Whole rollouts, judged as the product judges them: all metrics, segments and steps together."""

import math
from dataclasses import dataclass

import numpy as np
from traffic import waves

from setpoint.deploy.evidence import judge
from setpoint.domain.evidence import Frozen, Margins, Says, Terms
from setpoint.domain.exposure import Answers, Batch, PairedAnswers, Pairs, Requests
from setpoint.domain.wealth import Evidence

MARGINS = Margins(quality=0.2)  # of a loss of 0.1: two points
LIMITS = {name: float(np.exp(3 + 0.5 * z)) for name, z in {"p95": 1.645, "p99": 2.326, "p99.9": 3.09}.items()}
FROZEN = Frozen(latency_ms=LIMITS, errors=0.002, loss=0.1, loss_sd=0.3, loss_bound=1.0, labelled=1.0)
SEGMENTS = ("country=DE", "country=FR", "country=ES", "country=IT")
PER_S = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a challenger is like; the champion has 0.2 % errors and answers 10 % wrong."""

    errors: float = 0.002
    slower: float = 1.0
    wrong: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The steps of a rollout: requests at each share, 1 being the shadow, and how late outcomes are in requests."""

    steps: tuple[tuple[float, int], ...] = ((1.0, 1_000), (0.01, 1_000), (0.1, 2_000), (0.5, 10_000))
    delay: int = 1_000
    look: int = 1_000  # requests between looks, on average
    segments: tuple[str, ...] = ()

    @property
    def terms(self):
        return Terms(margins=MARGINS, frozen=FROZEN, segments=self.segments)


def simulated(rng, version, course):
    """Draw the traffic of a rollout: what is known of each request, and both outcomes it would have."""
    rows = sum(count for _, count in course.steps)
    share = np.concatenate([np.full(count, share) for share, count in course.steps])
    hard = np.exp(0.5 * waves(rng, rows, 0.9) - 0.125)
    load = waves(rng, rows, 0.95)
    u = rng.random(rows)
    return {
        "share": share,
        "new": rng.random(rows) < share,
        "failed": rng.random(rows) < 0.002,
        "challenger_failed": rng.random(rows) < version.errors,
        "latency": np.exp(3 + 0.5 * load),
        "wrong": (u < 0.1 * hard).astype(float),
        "challenger_wrong": (np.where(rng.random(rows) < 0.6, u, rng.random(rows)) < version.wrong * hard).astype(
            float
        ),
        "segment": rng.integers(0, 4, rows),
    }


def rolled_out(rng, version, course):
    """Return what was said first that ends the rollout, and after how many requests."""
    seen, terms, evidence = simulated(rng, version, course), course.terms, Evidence()
    rows, at, mature = len(seen["share"]), 0, 0
    while at < rows:
        until = min(rows, at + 1 + int(rng.exponential(course.look)))
        old = max(until - course.delay, 0)
        for low, high in stretches(seen["share"], at, until):
            batch = soon(seen, slice(low, high), version, course)
            evidence, judged = judge(evidence, batch, terms, elapsed_s=0)
        for low, high in stretches(seen["share"], mature, old):
            evidence, judged = judge(evidence, late(seen, slice(low, high), course), terms, elapsed_s=0)
        at, mature = until, old
        if judged.says is not Says.WAIT:
            return judged, at
    return judged, math.inf


def stretches(share, low, high):
    """Cut where the shadow ends."""
    cut = int((share == 1.0).sum())
    return [(a, b) for a, b in ((low, min(high, cut)), (max(low, cut), high)) if a < b]


def masks(seen, rows, course):
    return {name: seen["segment"][rows] == at for at, name in enumerate(course.segments)}


def soon(seen, rows, version, course):
    share, new = seen["share"][rows], seen["new"][rows]
    latency, segments = seen["latency"][rows], masks(seen, rows, course)
    failed, challenger_failed = seen["failed"][rows], seen["challenger_failed"][rows]
    nothing = np.full(len(share), np.nan)
    if share[0] == 1.0:
        return Batch(
            pairs=Pairs(
                failed=failed,
                challenger_failed=challenger_failed,
                differs=nothing,
                latency_ms=nothing,
                challenger_latency_ms=nothing,
                segments=segments,
            )
        )
    return Batch(
        requests=Requests(
            challenger=new,
            share=share,
            failed=np.where(new, challenger_failed, failed),
            broke=np.zeros(len(share), bool),
            latency_ms=latency * np.where(new, version.slower, 1.0),
            segments=segments,
        )
    )


def late(seen, rows, course):
    share, new = seen["share"][rows], seen["new"][rows]
    old, fresh, segments = seen["wrong"][rows], seen["challenger_wrong"][rows], masks(seen, rows, course)
    if share[0] == 1.0:
        return Batch(paired_answers=PairedAnswers(loss=old, challenger_loss=fresh, segments=segments))
    loss = np.where(new, fresh, old)
    return Batch(answers=Answers(challenger=new, share=share, loss=loss, segments=segments))


def equal(runs):
    """Return how often rollouts of an equal version end in which way."""
    course = Course(segments=SEGMENTS)
    ends = [rolled_out(np.random.default_rng(seed), Version(), course) for seed in range(runs)]
    return [{"version": "equal"} | ended(ends)]


def ended(ends):
    says = [judged.says for judged, _ in ends]
    passed = [at for judged, at in ends if judged.says is Says.PROMOTE]
    return {
        **{kind.value: sum(one is kind for one in says) / len(says) for kind in Says},
        "requests until promoted": float(np.median(passed)) if passed else math.inf,
    }


def random_worse(rng):
    """Draw a version that is worse by the margin or more in one metric, the others being equal."""
    kind, times = rng.integers(3), rng.uniform(1.0, 3.0)
    if kind == 0:
        return Version(errors=0.002 + 0.005 * times)
    return Version(slower=1 + 0.2 * times) if kind == 1 else Version(wrong=0.1 + 0.02 * times)


def random_course(rng):
    """Draw the steps of a rollout, and how often it is looked at."""
    shares = np.sort(rng.choice([0.01, 0.05, 0.1, 0.25, 0.5], rng.integers(1, 4), replace=False))
    steps = [(float(share), int(rng.integers(200, 3_000))) for share in shares]
    steps[-1] = (steps[-1][0], 8_000)
    shadow = [(1.0, int(rng.integers(100, 2_000)))] if rng.random() < 0.5 else []
    return Course(steps=(*shadow, *steps), delay=int(rng.integers(0, 3_000)), look=int(rng.integers(50, 2_000)))


def worse(runs):
    """Return how often worse versions are promoted: random ones, and ones that are worse by exactly the margin."""
    rows = []
    ends = []
    for seed in range(runs):
        rng = np.random.default_rng(50_000 + seed)
        ends.append(rolled_out(rng, random_worse(rng), random_course(rng)))
    rows.append({"version": "random, worse by 1 to 3 margins", **ended(ends)})
    for name, version in {
        "errors + 0.5 points": Version(errors=0.007),
        "latency + 20 %": Version(slower=1.2),
        "quality - 2 points": Version(wrong=0.12),
    }.items():
        ends = [rolled_out(np.random.default_rng(60_000 + s), version, Course()) for s in range(runs // 4)]
        rows.append({"version": f"{name}: exactly the margin", **ended(ends)})
    return rows


BAD = {
    "errors 0.2 to 1 %": Version(errors=0.01),
    "latency + 20 %": Version(slower=1.2),
    "quality - 2 points": Version(wrong=0.12),
    "errors 0.2 to 10 %": Version(errors=0.1),
}


def bad_releases(runs):
    """Return how many requests, and seconds at 100 a second, it takes to send a bad release back."""
    rows = []
    for name, version in BAD.items():
        for share, most in ((1.0, 20_000), (0.5, 40_000), (0.1, 60_000)):
            if share == 1.0 and version.slower > 1:
                continue  # the shadow's latency is not compared
            course = Course(steps=((share, most),), delay=0, look=250, segments=SEGMENTS)
            ends = [rolled_out(np.random.default_rng(70_000 + seed), version, course) for seed in range(runs)]
            needed = [at if judged.says is Says.BACK else math.inf for judged, at in ends]
            median, most_of = (float(np.quantile(needed, q, method="higher")) for q in (0.5, 0.9))
            rows.append({"version": name, "share": share, "median": median, "p90": most_of, "seconds": median / PER_S})
    return rows
