"""Estimates in the loop: entered daily, scored when their labels are there, silent until they are proven."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from setpoint.domain.cuts import cuts_of
from setpoint.domain.finding import Finding
from setpoint.domain.ledger import SCORES, TRACKED, Ledger, past, pending, track
from setpoint.domain.objective import Objective
from setpoint.domain.records import Records, stamp
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import from_json, to_json
from setpoint.maintain.triage import triage
from setpoint.monitor.estimate import Unlabelled, estimate, estimate_findings, spans
from setpoint.monitor.estimators import OLDER, Taught, read_taught, teach
from setpoint.monitor.limits import Limits
from setpoint.monitor.seen import Seen

START = datetime(2024, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SCHEMA = Schema(
    features=(Feature(name="x", kind=Kind.NUMERIC, dtype=DType.FLOAT),), target="y", task=Task.BINARY, classes=(0, 1)
)
AUC = Objective(metric="roc_auc", at_least=0.5, window_s=86_400.0)


def classes(rng, rows, shift=0.0, slope=1.0):
    logit = rng.normal(shift, 1.5, rows)
    return 1 / (1 + np.exp(-logit)), (rng.random(rows) < 1 / (1 + np.exp(-slope * logit))).astype(float)


@pytest.fixture(scope="module")
def taught():
    """What 4,000 labelled rows teach."""
    score, outcome = classes(np.random.default_rng(0), 4_000)
    return teach(Task.BINARY, score, outcome, cuts_of(score, Kind.NUMERIC).edges, 0.5)


def records(scores, outcomes, labelled=1.0, seed=0) -> Records:
    """One day of rows for each entry; labels come a day after their request, of a share of the rows."""
    score, outcome = np.concatenate(scores), np.concatenate(outcomes)
    day = np.repeat(np.arange(len(scores)), [len(s) for s in scores])
    within = np.concatenate([np.arange(len(s)) * 86_000_000_000 // len(s) for s in scores])
    time = stamp(START) + day * np.timedelta64(1, "D") + within.astype("timedelta64[us]")
    known = time + np.timedelta64(1, "D")
    hidden = np.random.default_rng(seed).random(len(score)) >= labelled
    known[hidden], outcome[hidden] = np.datetime64("NaT"), np.nan
    n = len(score)
    return Records(
        id=np.arange(n).astype(str).astype(object), time=time, version=np.full(n, "v1", dtype=object), score=score,
        outcome=outcome, known=known, latency_us=np.full(n, 1), maps=np.full(n, "", dtype=object),
        inputs={"x": score},
    )  # fmt: skip


def operate(taught, log: Records, days: int, objective=AUC):
    """Look once a day; return the ledger, and what each look said."""
    ledger, said = Ledger(), []
    for at in range(1, days + 1):
        now = START + at * DAY
        rows = log.between(None, now)
        labelled = rows.take(rows.known <= stamp(now))
        counts = {}
        for span in spans((objective,), ledger, "v1", START, now):
            scores = log.between(*span).score
            counts[span] = np.bincount(np.searchsorted(taught.bins, scores), minlength=len(taught.bins) + 1)
        seen = Seen(
            now=now, since=now - DAY, schema=SCHEMA, limits=Limits(rows=0, columns={}), recent=rows, baseline=rows,
            labelled=labelled, refused={}, objectives=(objective,), false_actions_per_year=2.0,
        )  # fmt: skip
        at_hand = Unlabelled(version="v1", released=START, taught=taught, ledger=ledger, counts=counts)
        estimates, ledger = estimate(seen, at_hand)
        said.append(estimates[0])
    return ledger, said


def days_of(rng, count, rows=400, **how):
    pairs = [classes(rng, rows, **how) for _ in range(count)]
    return [s for s, _ in pairs], [y for _, y in pairs]


def test_a_day_is_entered_before_its_labels_and_scored_after(taught):
    """Each look enters the day that has gone, and scores the one before."""
    ledger, said = operate(taught, records(*days_of(np.random.default_rng(1), 6)), 6)
    assert [e.since for e in ledger.entries] == [START + at * DAY for at in range(6)]
    assert len(pending(ledger)) == 1
    assert said[0].why == "unproven: 0 of 4 windows scored"
    assert (said[0].estimator, said[3].estimator) == (SCORES, TRACKED)
    for entry in past(ledger, "roc_auc", "v1"):
        assert entry.estimates[SCORES].low <= entry.realised.value <= entry.estimates[SCORES].high


def test_windows_are_scored_only_when_nearly_all_labels_are_there(taught):
    """Half of the labels, perhaps the easy half, score nothing; none is taken for negative."""
    log = records(*days_of(np.random.default_rng(2), 6), labelled=0.5)
    ledger, said = operate(taught, log, 6)
    assert len(pending(ledger)) == 6
    assert said[-1].windows == 0
    whole, _ = operate(taught, records(*days_of(np.random.default_rng(2), 6), labelled=0.97), 6)
    assert len(pending(whole)) == 1


def test_few_rows_make_longer_windows(taught):
    """At 30 rows a day a window takes four days."""
    ledger, _ = operate(taught, records(*days_of(np.random.default_rng(3), 9, rows=30)), 9)
    assert [(e.since - START).days for e in ledger.entries] == [0, 4]


def test_an_alarm_needs_the_vote(taught):
    """Scores that mass near the threshold foretell a low accuracy: an alarm once the estimator has proven itself."""
    goal, rng = Objective(metric="accuracy", at_least=0.7, window_s=86_400.0), np.random.default_rng(4)
    shifts = [(-2.0, 0.0, 2.0, 1.0, -1.0)[at % 5] for at in range(14)]
    pairs = [classes(rng, 2_000, shift=s) for s in shifts] + [
        (p, (rng.random(2_000) < p).astype(float)) for p in [rng.uniform(0.45, 0.55, 2_000)]
    ]
    scores, outcomes = [s for s, _ in pairs], [y for _, y in pairs]
    _, said = operate(taught, records(scores, outcomes), 15, goal)
    *calm, last = said
    assert last.proven
    assert last.off
    assert last.value < 0.6
    (alarm,) = estimate_findings((last,), "v1")
    assert alarm.alarm
    assert not any(f.alarm for f in estimate_findings(calm, "v1"))
    (unproven,) = estimate_findings(
        (replace(last, proven=False, windows=2, why="unproven: 2 of 4 windows scored"),), "v1"
    )
    assert not unproven.alarm
    assert unproven.detail == "estimated from 2,000 answers without labels; unproven: 2 of 4 windows scored"


def test_a_concept_change_takes_the_vote_of_the_scores(taught):
    """Scores that say nothing any more promise the same quality as ever; within a few windows nobody believes them."""
    rng = np.random.default_rng(5)
    before, after = days_of(rng, 8), days_of(rng, 8, slope=0.0)
    ledger, said = operate(taught, records(*(a + b for a, b in zip(before, after, strict=True))), 16)
    known = past(ledger, "roc_auc", "v1")
    assert not track(known[:8], SCORES).withdrawn
    assert track(known[:11], SCORES).withdrawn
    assert abs(said[-1].value - 0.5) < 0.1  # tracked: what the labels have shown since
    assert abs(known[-1].estimates[SCORES].value - 0.5) > 0.2


def test_an_older_bundle_and_empty_windows_say_why(taught, tmp_path):
    """No number is made up."""
    log = records(*days_of(np.random.default_rng(6), 2))
    _, said = operate(read_taught(tmp_path, Task.BINARY), log, 1)
    assert (said[0].value, said[0].why) == (None, f"cannot be estimated: {OLDER}")
    _, said = operate(taught, log.take(np.zeros(0, int)), 1)
    assert said[0].why == "cannot be estimated: no answers in the window"
    assert list(estimate_findings(said, "v1")) == []


def test_what_the_reference_cannot_teach_is_said(taught):
    """Infinite sums and missing labels leave a reason, and a bundle that can be read."""
    score, outcome = np.linspace(0, 1, 200), np.full(200, 1e200)
    huge = teach(Task.REGRESSION, score, outcome, taught.bins, 0.5)
    none = teach(Task.BINARY, score, np.full(200, np.nan), taught.bins, 0.5)
    assert "too large" in huge.why
    assert "no row of the reference" in none.why
    for one in (huge, none, taught):
        assert from_json(to_json(one), Taught) == one


def test_an_estimate_opens_a_quality_incident():
    """Never a data one; nothing is retrained for it, since the realised quality still holds."""
    finding = Finding(
        monitor="estimate", metric="roc_auc", since=START, until=START + DAY, rows=100, value=0.6, limit=0.7, alarm=True
    )
    (incident,) = triage((), [finding], START + DAY, model="m", version="v1")
    assert incident.subject == "quality"


def test_a_handful_of_answers_is_not_estimated_from(taught):
    _, said = operate(taught, records(*days_of(np.random.default_rng(5), 1, rows=9)), 1)
    assert (said[0].value, said[0].why) == (None, "9 answers of v1 so far; 24 are needed")
