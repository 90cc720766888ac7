"""The verdict on a version that takes over traffic: what it says of good, bad and odd versions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from setpoint.deploy.evidence import freeze, judge, names
from setpoint.domain.evidence import Frozen, Judged, Margins, Says, Stream, Terms
from setpoint.domain.exposure import Answers, Batch, PairedAnswers, Pairs, Requests
from setpoint.domain.value import from_json, replace, to_json
from setpoint.domain.wealth import Evidence
from setpoint.errors import InvalidInput

Mask = NDArray[np.bool_]
QUANTILES = {"p95": 0.95, "p99": 0.99, "p99.9": 0.999}
LATENCY = {name: float(np.exp(3 + 0.5 * z)) for name, z in {"p95": 1.645, "p99": 2.326, "p99.9": 3.09}.items()}
TERMS = Terms(frozen=Frozen(latency_ms=LATENCY, loss=0.2, loss_bound=1.0, labelled=1.0), margins=Margins(quality=0.2))


def shared(
    rows: int,
    *,
    seed: int = 0,
    share: float = 0.5,
    errors: tuple[float, float] = (0.002, 0.002),
    slower: float = 1.0,
    wrong: tuple[float, float] = (0.2, 0.2),
) -> Batch:
    """Requests that champion and challenger share, with both chances of an error, and of a wrong answer."""
    rng = np.random.default_rng(seed)
    new = rng.random(rows) < share
    shares = np.full(rows, share)
    return Batch(
        requests=Requests(
            challenger=new,
            share=shares,
            failed=rng.random(rows) < np.where(new, errors[1], errors[0]),
            broke=np.zeros(rows, bool),
            latency_ms=rng.lognormal(3, 0.5, rows) * np.where(new, slower, 1.0),
        ),
        answers=Answers(
            challenger=new, share=shares, loss=(rng.random(rows) < np.where(new, wrong[1], wrong[0])).astype(float)
        ),
    )


def says(batch: Batch, terms: Terms = TERMS, *, elapsed_s: float = 0.0) -> Judged:
    return judge(Evidence(), batch, terms, elapsed_s=elapsed_s)[1]


def stream(judged: Judged, metric: str) -> Stream:
    return next(s for s in judged.streams if s.metric == metric and not s.segment)


def test_an_equal_version_is_promoted_when_everything_is_proven() -> None:
    judged = says(shared(30_000))
    assert judged.says is Says.PROMOTE
    assert "errors" in judged.words
    assert "quality" in judged.words


@pytest.mark.parametrize(
    ("bad", "metric"),
    [({"errors": (0.002, 0.02)}, "errors"), ({"slower": 1.3}, "latency"), ({"wrong": (0.2, 0.26)}, "quality")],
)
def test_a_worse_version_goes_back_and_the_reason_names_the_metric(bad: dict[str, object], metric: str) -> None:
    judged = says(shared(15_000, **bad))  # type: ignore[arg-type]
    assert judged.says is Says.BACK
    assert metric in judged.reason
    assert metric in judged.words


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 2_999), max_size=6), st.sampled_from([(0.002, 0.002), (0.002, 0.02)]))
def test_how_looks_fall_does_not_matter(cuts: list[int], errors: tuple[float, float]) -> None:
    """The same rows in other stretches: the same verdict, latches, and evidence but for rounding."""
    batch = shared(3_000, errors=errors)
    evidence, judged = judge(Evidence(), batch, TERMS, elapsed_s=0)
    pieces = Evidence()
    assert batch.requests is not None
    for low, high in zip([0, *sorted(cuts)], [*sorted(cuts), 3_000], strict=True):
        part = Requests(
            **{
                name: getattr(batch.requests, name)[low:high]
                for name in ("challenger", "share", "failed", "broke", "latency_ms")
            }
        )
        pieces, _ = judge(pieces, Batch(requests=part), TERMS, elapsed_s=0)
    pieces, once_more = judge(pieces, Batch(answers=batch.answers), TERMS, elapsed_s=0)
    assert (once_more.says, once_more.reason) == (judged.says, judged.reason)
    for name, track in evidence.tracks.items():
        other = pieces.tracks[name]
        assert (track.harmed, track.held) == (other.harmed, other.held)
        assert track.log_harm == pytest.approx(other.log_harm, abs=1e-9)


def test_the_bounds_that_are_shown_hold_while_share_and_error_rate_rise() -> None:
    """The truth is 0 for each of 30 rollouts; two pooled rates differ surely at the end in most of them."""
    left = pooled = 0
    for seed in range(30):
        rng, evidence, outside = np.random.default_rng(seed), Evidence(), False
        bad, new = [], []
        for share, rate in ((0.05, 0.02), (0.1, 0.05), (0.25, 0.1), (0.5, 0.2)):
            new.append(rng.random(1_000) < share)
            bad.append(rng.random(1_000) < rate)
            zeros = np.zeros(1_000)
            part = Requests(
                challenger=new[-1], share=zeros + share, failed=bad[-1], broke=zeros > 0, latency_ms=zeros * np.nan
            )
            evidence, judged = judge(evidence, Batch(requests=part), TERMS, elapsed_s=0)
            shown = stream(judged, "errors")
            assert shown.low is not None
            assert shown.high is not None
            outside |= not shown.low <= 0 <= shown.high
        left += outside
        a, b = np.concatenate(bad)[np.concatenate(new)], np.concatenate(bad)[~np.concatenate(new)]
        pooled += a.mean() - b.mean() > 1.96 * np.sqrt(a.var() / len(a) + b.var() / len(b))
    assert left <= 1
    assert pooled > 15


def test_once_back_always_back() -> None:
    """Good rows afterwards change nothing."""
    evidence, _ = judge(Evidence(), shared(10_000, errors=(0.002, 0.02)), TERMS, elapsed_s=0)
    for seed in range(3):
        evidence, judged = judge(evidence, shared(10_000, seed=seed, errors=(0.02, 0.0)), TERMS, elapsed_s=0)
        assert judged.says is Says.BACK


def test_evidence_is_stored_whole() -> None:
    evidence, _ = judge(Evidence(), shared(500), TERMS, elapsed_s=0)
    assert from_json(to_json(evidence), Evidence) == evidence


def test_pairs_in_shadow_and_shared_traffic_add_up() -> None:
    """What the shadow has shown counts when the traffic is shared."""
    rng = np.random.default_rng(0)
    old = (rng.random(400) < 0.2).astype(float)
    new = np.maximum(old, rng.random(400) < 0.05)
    alone, _ = judge(Evidence(), Batch(paired_answers=PairedAnswers(loss=old, challenger_loss=new)), TERMS, elapsed_s=0)
    both, _ = judge(alone, shared(3_000, wrong=(0.2, 0.3)), TERMS, elapsed_s=0)
    assert 0 < alone.tracks["quality"].log_harm < both.tracks["quality"].log_harm


def empty() -> Batch:
    none = np.zeros(0)
    return Batch(
        requests=Requests(
            challenger=none.astype(bool),
            share=none,
            failed=none.astype(bool),
            broke=none.astype(bool),
            latency_ms=none,
        ),
        answers=Answers(challenger=none.astype(bool), share=none, loss=none),
        pairs=Pairs(
            failed=none.astype(bool),
            challenger_failed=none.astype(bool),
            differs=none,
            latency_ms=none,
            challenger_latency_ms=none,
        ),
        paired_answers=PairedAnswers(loss=none, challenger_loss=none),
    )


@pytest.mark.parametrize("batch", [Batch(), empty()])
def test_no_rows_are_no_evidence(batch: Batch) -> None:
    judged = says(batch)
    assert judged.says is Says.WAIT
    assert all(s.rows == 0 and not s.held for s in judged.streams)


def test_a_version_that_fails_always_goes_back_within_a_few_requests() -> None:
    assert says(shared(40, errors=(0.0, 1.0))).says is Says.BACK


def test_two_that_fail_always_are_not_told_apart() -> None:
    judged = says(shared(5_000, errors=(1.0, 1.0)))
    assert judged.says is Says.WAIT
    assert not stream(judged, "errors").harmed


def test_losses_that_are_nan_are_no_rows() -> None:
    batch = shared(2_000)
    assert batch.answers is not None
    unknown = replace(batch.answers, loss=np.full(2_000, np.nan))
    judged = says(replace(batch, answers=unknown))
    assert stream(judged, "quality").rows == 0


def test_latency_that_was_never_measured_is_said_and_neither_fails_nor_passes() -> None:
    terms = replace(TERMS, frozen=replace(TERMS.frozen, latency_ms={}))
    judged = says(shared(30_000), terms)
    assert judged.says is Says.ASK
    assert "latency p99" in judged.words
    assert "not known how long the champion took" in judged.words


def test_outcomes_that_never_come_are_for_a_person() -> None:
    batch = shared(30_000)
    assert batch.answers is not None
    unknown = replace(batch.answers, loss=np.full(30_000, np.nan))
    judged = says(replace(batch, answers=unknown))
    assert judged.says is Says.ASK
    assert judged.reason == "unjudged: quality"


def test_a_challenger_without_its_share_is_for_a_person() -> None:
    """A worker that could not load it lets the champion answer: nothing is comparable then."""
    batch = shared(3_000, share=0.25)
    assert batch.requests is not None
    told = replace(batch.requests, share=np.full(3_000, 0.5))
    assert says(Batch(requests=told)).reason == "shares"


def test_outcomes_that_depend_on_the_answer_are_for_a_person() -> None:
    """Whom the challenger declines has no outcome: what is known of it looks better than it is."""
    batch = shared(4_000, wrong=(0.2, 0.3))
    assert batch.answers is not None
    declined = batch.answers.challenger & (batch.answers.loss == 1.0) & (np.arange(4_000) % 2 == 0)
    known = np.where(declined, np.nan, batch.answers.loss)
    assert says(Batch(answers=replace(batch.answers, loss=known))).reason == "outcomes"


@pytest.mark.parametrize(("differs", "reason"), [(0.2, "disagreement"), (0.01, "waiting")])
def test_answering_otherwise_more_often_than_allowed_is_for_a_person(differs: float, reason: str) -> None:
    rng = np.random.default_rng(0)
    pairs = Pairs(
        failed=np.zeros(500, bool),
        challenger_failed=np.zeros(500, bool),
        differs=(rng.random(500) < differs).astype(float),
        latency_ms=np.full(500, np.nan),
        challenger_latency_ms=np.full(500, np.nan),
    )
    judged = says(Batch(pairs=pairs), replace(TERMS, margins=Margins(disagreement=0.05)))
    assert judged.reason == reason
    assert stream(judged, "disagreement").held is (reason == "waiting")


def test_what_nobody_bounds_is_shown_and_not_judged() -> None:
    """Ten times the errors, and quality not asked for: the rest decides."""
    margins = Margins(errors=None, violations=0.01, latency=0.3, quality=None)
    judged = says(shared(15_000, errors=(0.002, 0.02)), replace(TERMS, margins=margins))
    assert judged.says is Says.PROMOTE
    assert stream(judged, "errors").why == "nobody has said what it may be"
    assert (stream(judged, "errors").difference or 0) > 0.01
    assert not stream(judged, "errors").harmed


def test_decisions_that_bring_less_send_it_back() -> None:
    """Both decide the same share right, but the challenger's mistakes cost more."""
    rng = np.random.default_rng(0)
    new, right = rng.random(8_000) < 0.5, rng.random(8_000) < 0.8
    answers = Answers(
        challenger=new,
        share=np.full(8_000, 0.5),
        loss=(~right).astype(float),
        value=np.where(right, 10.0, np.where(new, -30.0, -10.0)),
    )
    frozen = replace(TERMS.frozen, value=6.0, value_size=10.0, value_sd=8.0, value_low=-30.0, value_high=10.0)
    assert says(Batch(answers=answers), replace(TERMS, frozen=frozen)).reason == "harm: value"


def test_terms_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InvalidInput, match="expected a chance"):
        Terms(alpha=5)
    with pytest.raises(InvalidInput, match="the attempt is 0"):
        Terms(attempt=0)


def test_what_was_to_get_better_and_was_never_known_is_waited_for_and_asked() -> None:
    terms = replace(TERMS, better="value")  # no frozen value: too few decisions had an outcome before
    assert says(shared(30_000), terms).says is Says.WAIT
    assert "value cannot be judged: nothing is known of it from before" in says(shared(30_000), terms).words


def test_one_caller_is_no_crowd() -> None:
    """A thousand errors of one caller, all at the challenger, count as one."""
    rng = np.random.default_rng(0)
    unit = rng.integers(0, 2**60, 4_000)
    unit[:1_000] = 7
    new = (unit % 1_000_003) % 2 == 0
    new[:1_000] = True
    requests = Requests(
        challenger=new,
        share=np.full(4_000, 0.5),
        failed=unit == 7,
        broke=np.zeros(4_000, bool),
        latency_ms=np.zeros(4_000),
        unit=unit,
    )
    assert says(Batch(requests=requests)).says is Says.WAIT
    assert says(Batch(requests=replace(requests, unit=None))).says is Says.BACK


def test_a_segment_that_suffers_sends_the_whole_back() -> None:
    batch, terms = shared(20_000), replace(TERMS, segments=("country=DE", "country=FR"))
    assert batch.requests is not None
    german = np.random.default_rng(5).random(20_000) < 0.1
    failed = batch.requests.failed | (german & batch.requests.challenger & (np.arange(20_000) % 20 == 0))
    requests = replace(batch.requests, failed=failed, segments={"country=DE": german, "country=FR": ~german})
    judged = says(Batch(requests=requests), terms)
    assert judged.says is Says.BACK
    assert "country=DE" in judged.words


def test_what_is_not_decided_in_time_is_for_a_person() -> None:
    judged = says(shared(200), elapsed_s=15 * 86_400)
    assert judged.says is Says.ASK
    assert judged.reason == "late"


def test_what_has_to_get_better_is_waited_for() -> None:
    terms = replace(TERMS, better="quality")
    assert says(shared(30_000), terms).says is Says.WAIT
    assert says(shared(30_000, wrong=(0.2, 0.17)), terms).says is Says.PROMOTE


def test_later_attempts_may_spend_less_and_all_together_alpha() -> None:
    spent = [replace(TERMS, attempt=j).spent for j in range(1, 2_000)]
    assert spent[0] > spent[1]
    assert sum(spent) <= 0.05


@pytest.mark.parametrize("segments", [(), ("a=1", "a=2", "b=1")])
@pytest.mark.parametrize("margins", [Margins(), Margins(errors=None), Margins(latency=None, violations=None)])
def test_what_is_judged_shares_the_whole_of_the_evidence(segments: tuple[str, ...], margins: Margins) -> None:
    terms = replace(TERMS, segments=segments, margins=margins)
    for weights in (names.soon(terms), names.late(terms)):
        assert np.exp(list(weights.values())).sum() == pytest.approx(1.0)
        assert set(weights) <= set(names.shown(terms))


def test_the_champion_is_measured_once_and_odd_values_are_left_out() -> None:
    rng = np.random.default_rng(0)
    latency = np.append(rng.lognormal(3, 0.5, 50_000), np.nan)
    frozen = freeze(
        failed=np.isnan(latency),
        broke=np.zeros(50_001, bool),
        latency_ms=latency,
        losses=np.append(rng.exponential(1.0, 50_000), np.nan),
        outcome_ages_s=np.append(rng.uniform(0, 100, 50_000), np.nan),
        margins=Margins(),
    )
    assert frozen.latency_ms["p99"] == pytest.approx(LATENCY["p99"], rel=0.05)
    assert frozen.loss_bound == pytest.approx(5.3, rel=0.05)
    assert frozen.outcome_age_s == pytest.approx(95, rel=0.02)


def test_a_champion_that_nothing_is_known_of_is_measured_as_unknown() -> None:
    none = np.zeros(0)
    frozen = freeze(
        failed=none, broke=none, latency_ms=none, losses=none, outcome_ages_s=none, values=none, margins=Margins()
    )
    assert frozen == Frozen()
