"""What a rollout will take, before it starts."""

import numpy as np
import pytest

from setpoint.deploy.evidence import forecast, judge, lasting
from setpoint.domain.evidence import Forecast, Frozen, Margins, Says, Terms, Traffic
from setpoint.domain.exposure import Answers, Batch
from setpoint.domain.value import replace
from setpoint.domain.wealth import Evidence

FROZEN = Frozen(
    latency_ms={"p95": 45.7, "p99": 64.3},
    slower={"p95": 0.028, "p99": 0.0047},
    errors=0.002,
    loss=0.2,
    loss_sd=0.4,
    loss_bound=1.0,
    outcome_age_s=3_600.0,
    labelled=1.0,
)
TERMS = Terms(frozen=FROZEN, margins=Margins(quality=0.1))
HALF = ((0.5, 0.0),)


def foreseen(terms: Terms = TERMS, *, per_s: float = 1.0, legs: tuple[tuple[float, float], ...] = HALF) -> Forecast:
    return forecast(terms, Traffic(requests_per_s=per_s), legs)


def test_it_says_how_long_it_takes_and_what_takes_longest() -> None:
    plan = foreseen()
    assert plan.words == "about 4.8 hours at this traffic; in 9 of 10 cases no more than about 9.1 hours"
    slowest = max((e for e in plan.expected if not e.harm), key=lambda e: e.seconds or 0)
    assert slowest.metric == "quality"
    assert not plan.refused


def test_what_cannot_end_in_time_is_refused_with_the_reason() -> None:
    plan = foreseen(per_s=0.001)
    assert "cannot end in 14 days" in plan.refused
    assert "quality takes about 157 days" in plan.refused


def test_more_traffic_a_larger_share_a_wider_margin_and_the_shadow_are_faster() -> None:
    usual = foreseen().seconds
    assert usual is not None
    for faster in (
        foreseen(per_s=10),
        foreseen(replace(TERMS, margins=Margins(quality=0.2))),
        foreseen(legs=((1.0, 0.0),)),
    ):
        assert faster.seconds is not None
        assert faster.seconds < usual
    slower = foreseen(legs=((0.1, 0.0),)).seconds
    assert slower is not None
    assert slower > usual


def test_it_lasts_at_least_as_long_as_its_steps() -> None:
    assert foreseen(legs=((0.01, 86_400.0), (0.5, 86_400.0))).seconds == pytest.approx(2 * 86_400.0)


def test_outcomes_that_never_come_take_for_ever() -> None:
    plan = foreseen(replace(TERMS, frozen=replace(FROZEN, labelled=0.0)))
    assert "quality takes more than a century" in plan.refused


def test_the_median_is_what_comes_about() -> None:
    """Quality with a margin of 0.02: rows until an equal version is proven, beside what was foreseen."""
    needed = []
    for seed in range(15):
        rng, evidence, rows = np.random.default_rng(seed), Evidence(), 0
        while not (evidence.tracks and evidence.tracks["quality"].held):
            new, loss = rng.random(1_000) < 0.5, (rng.random(1_000) < 0.2).astype(float)
            answers = Answers(challenger=new, share=np.full(1_000, 0.5), loss=loss)
            evidence, judged = judge(evidence, Batch(answers=answers), TERMS, elapsed_s=0)
            assert judged.says is not Says.PROMOTE
            rows += 1_000
        needed.append(rows)
    quality = next(e for e in foreseen().expected if e.metric == "quality" and not e.harm)
    assert np.median(needed) == pytest.approx(quality.requests, rel=0.35)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(30, "about 30 seconds"), (600, "about 10 minutes"), (259_200, "about 3 days"), (None, "more than a century")],
)
def test_times_are_written_for_people(seconds: float | None, words: str) -> None:
    assert lasting(seconds) == words
