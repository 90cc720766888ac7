"""Flags, times and free text are counted as what they are: quiet while they stay alike, found when they change."""

import numpy as np
import pytest

from setpoint.domain.profile import binning_of, profile_of
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import replace
from setpoint.monitor.limits import learn
from setpoint.monitor.observe import of_scope

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
def alarms(look, stream, scoped):
    """Return a function: what the monitors alarm at in a week of such rows, by column."""
    rng = np.random.default_rng(3)
    reference = rows(rng, 10_000)
    binning = binning_of(reference, SCHEMA, reference["prediction"])
    assert [str(c.kind) for c in binning.columns.values()] == ["boolean", "datetime", "text", "numeric"]
    seen = replace(
        look(stream, 24 * 200),
        schema=SCHEMA,
        limits=learn(reference, SCHEMA, binning, reference["prediction"]),
        looks_per_year=365.0,
    )
    known = profile_of(reference, binning)

    def of(**kind):
        before, week = rows(rng, 3_000, day=79), rows(rng, 1_000, day=100, **kind)
        both = {name: np.concatenate([before[name], column]) for name, column in week.items()}
        scope = scoped(both, seen.now, 28, binning, limits=seen.limits, reference=known)
        return {(f.column, f.metric) for f in of_scope(replace(seen, scopes=(scope,)), scope) if f.alarm}

    return of


def test_like_with_like_is_quiet_though_times_go_on_and_no_text_repeats(alarms):
    assert [alarms() for _ in range(10)] == [set()] * 10


def test_longer_texts_are_found(alarms):
    assert alarms(words=12) == {("note", "drift_tv_slow")}


def test_texts_that_stay_away_are_found(alarms):
    assert ("note", "null_rate") in alarms(nulls=0.9)


def test_a_flag_that_changes_is_found(alarms):
    assert ("owner", "drift_location_slow") in alarms(share=0.8)
