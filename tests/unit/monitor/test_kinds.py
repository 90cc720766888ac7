"""Flags, times and free text are counted as what they are: quiet while they stay alike, found when they change."""

from dataclasses import replace as changed

import numpy as np
import pytest

from setpoint.domain.profile import binning_of, profile_of
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import replace
from setpoint.monitor.data_quality import data_quality
from setpoint.monitor.drift import sudden_drift
from setpoint.monitor.limits import learn
from setpoint.monitor.micro import micro
from setpoint.monitor.slow import slow_drift

SCHEMA = Schema(
    features=(
        Feature(name="owner", kind=Kind.NUMERIC, dtype=DType.BOOL),
        Feature(name="seen", kind=Kind.CATEGORICAL, dtype=DType.STRING),
        Feature(name="note", kind=Kind.CATEGORICAL, dtype=DType.STRING, nullable=True),
    ),
    target="y",
    task=Task.REGRESSION,
)
SENTENCE = "the parcel was late again please call me back before noon or leave it at the gate"
WORDS = np.array(SENTENCE.split(), object)
FIRST = np.datetime64("2024-01-01T00:00:00", "s")


def rows(rng, n, day=0, words=8, share=0.5, nulls=0.1):
    notes = [" ".join(rng.choice(WORDS, max(1, size))) for size in rng.poisson(words, n)]
    columns = {
        "owner": (rng.random(n) < share).astype(np.float64),
        "seen": (FIRST + day * 86_400 + rng.integers(0, 86_400, n)).astype(str).astype(object),
        "note": np.array(notes, object),
        "prediction": rng.normal(size=n),
    }
    columns["note"][rng.random(n) < nulls] = None
    return columns


@pytest.fixture(scope="module")
def alarms(look, stream):
    """Return a function: what the monitors alarm at in a week of such rows, by column."""
    rng = np.random.default_rng(3)
    reference = rows(rng, 10_000)
    binning = binning_of(reference, SCHEMA, reference["prediction"])
    assert [str(c.kind) for c in binning.columns.values()] == ["boolean", "datetime", "text", "numeric"]
    seen = replace(
        look(stream, 24 * 200),
        schema=SCHEMA,
        limits=learn(reference, SCHEMA, binning, reference["prediction"]),
        reference=profile_of(reference, binning),
        looks_per_year=365.0,
    )

    def of(**kind):
        week = rows(rng, 1_000, day=100, **kind)
        before, recent = rows(rng, len(seen.baseline), day=90), rows(rng, len(seen.recent), day=100, **kind)
        now = replace(
            seen,
            baseline=changed(seen.baseline, inputs=before, score=before["prediction"]),
            recent=changed(seen.recent, inputs=recent, score=recent["prediction"]),
            week=profile_of(week, binning),
        )
        window = micro(now)
        found = [*data_quality(now, window), *sudden_drift(now, window), *slow_drift(now)]
        return {(f.column, f.metric) for f in found if f.alarm}

    return of


def test_like_with_like_is_quiet_though_times_go_on_and_no_text_repeats(alarms):
    assert [alarms() for _ in range(10)] == [set()] * 10


def test_longer_texts_are_found(alarms):
    assert alarms(words=12) == {("note", "drift_tv_slow")}


def test_texts_that_stay_away_are_found(alarms):
    assert ("note", "null_rate") in alarms(nulls=0.9)


def test_a_flag_that_changes_is_found(alarms):
    assert ("owner", "drift_location_slow") in alarms(share=0.8)
