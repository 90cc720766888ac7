"""Segments and other versions are watched too: what only they show is found, and what all show is said once."""

import numpy as np
import pytest

from setpoint.domain.parts import parts_of
from setpoint.domain.profile import binning_of, profile_of
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import replace
from setpoint.monitor.limits import learn
from setpoint.monitor.observe import of_scopes

SCHEMA = Schema(
    features=(
        Feature(name="income", kind=Kind.NUMERIC, dtype=DType.FLOAT, nullable=True),
        Feature(name="group", kind=Kind.CATEGORICAL, dtype=DType.STRING),
    ),
    target="y",
    task=Task.REGRESSION,
)


def rows(rng, n):
    """One row in ten is of the small group, whose incomes are higher and mostly not known."""
    small = rng.random(n) < 0.1
    income = rng.normal(np.where(small, 5.0, 3.0), 1.0)
    income[small & (rng.random(n) < 0.6)] = np.nan
    return {
        "income": income,
        "group": np.where(small, "small", "large").astype(object),
        "prediction": rng.normal(size=n),
    }


@pytest.fixture(scope="module")
def watch(look, stream, scoped):
    """Return a function: what is found in a week, three more before it; a fault may befall rows of the last day."""
    rng = np.random.default_rng(2)
    reference = rows(rng, 10_000)
    binning = binning_of(reference, SCHEMA, reference["prediction"], ["group"])
    limits = learn(reference, SCHEMA, binning, reference["prediction"])
    parts = parts_of(reference, binning)
    seen = replace(look(stream, 24 * 200), schema=SCHEMA, limits=limits, looks_per_year=365.0)

    def of(fault=lambda columns: None):
        columns = rows(rng, 28_000)
        day = {name: column[-1_000:] for name, column in columns.items()}  # views
        fault(day)
        common = {"limits": limits, "now": seen.now, "days": 28, "binning": binning}
        whole = scoped(columns, reference=profile_of(reference, binning), divided=2, **common)
        small = columns["group"] == "small"
        only = {name: column[small] for name, column in columns.items()}
        segment = scoped(only, reference=parts["group=small"], segment="group=small", divided=4, **common)
        hours, minutes = segment.hours.without("group"), segment.minutes.without("group")
        segment = replace(segment, hours=hours, minutes=minutes)
        found = of_scopes(replace(seen, scopes=(whole, segment)))
        return {(f.segment, f.column, f.kind) for f in found if f.alarm}

    return of


def test_what_is_natural_for_a_segment_is_quiet(watch):
    assert [watch() for _ in range(5)] == [set()] * 5


def test_what_befalls_a_small_segment_alone_is_found_in_it(watch):
    def shifted(day):
        day["income"][day["group"] == "small"] += 2.5

    assert ("group=small", "income", "shift") in watch(shifted)
    assert not any(segment is None for segment, *_ in watch(shifted))


def test_what_befalls_all_rows_is_said_once(watch):
    def lost(day):
        day["income"][:] = np.nan

    assert watch(lost) == {(None, "income", "nulls")}
