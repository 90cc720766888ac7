"""A year of quiet looks beside the usual dummies, and planted faults: both error rates of the sudden monitors."""

import numpy as np
import pytest

from setpoint.monitor.observe import observe

REFERENCE = 24 * 120


def fault_alarms(seen):
    return [
        f
        for f in observe(seen)
        if f.alarm and f.monitor in ("data_quality", "drift") and not f.metric.endswith("_slow")
    ]


def test_a_year_with_seasons_holds_fewer_false_alarms_than_the_budget(stream, look):
    days = range(REFERENCE, REFERENCE + 24 * 365, 24)
    false = [f for at in days for f in fault_alarms(look(stream, at))]
    assert len(false) <= 2


def test_the_dummies_alarm_on_most_days(stream):
    """PSI above 0.2 against the reference, and p < 0.05 against the last weeks, on the same year."""
    psi = p = 0
    reference = stream["temp_c"][:REFERENCE]
    edges = np.quantile(reference, np.linspace(0, 1, 11))[1:-1]
    for at in range(REFERENCE, REFERENCE + 24 * 365, 24):
        now, before = stream["temp_c"][at : at + 24], stream["temp_c"][at - 672 : at]
        w, q = (np.bincount(np.searchsorted(edges, x), minlength=10) / len(x) + 1e-4 for x in (now, reference))
        psi += np.sum((w - q) * np.log(w / q)) > 0.2
        p += abs(now.mean() - before.mean()) > 1.96 * np.sqrt(now.var() / 24 + before.var() / 672)
    assert psi > 300
    assert p > 150


FAULTS = {
    "fahrenheit": ("temp_c", lambda x: 1.8 * x + 32, "unit"),
    "hundredfold": ("temp_c", lambda x: 100 * x, "unit"),
    "nulls": ("load", lambda x: np.where(np.random.default_rng(3).random(len(x)) < 0.4, np.nan, x), "nulls"),
    "all null": ("load", lambda x: np.full(len(x), np.nan), "nulls"),
    "shifted": ("load", lambda x: x + 20, "shift"),
    "noisy": ("load", lambda x: 50 + 6 * (x - 50), "scale"),
    "renamed": ("sky", lambda x: np.where(x == "clear", "Clear", x), "renamed"),
    "recoded": ("sky", lambda x: np.full(len(x), "rain", dtype=object), "frozen"),
    "frozen": ("load", lambda x: np.full(len(x), x[0]), "frozen"),
    "new month": ("month", lambda x: x + 40, "range"),
}


@pytest.mark.parametrize("start", [REFERENCE + 24 * 40, REFERENCE + 24 * 150, REFERENCE + 24 * 270])
@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_on_the_first_day_on_its_column_and_named_within_three(
    name, start, stream, look, damaged
):
    column, change, kind = FAULTS[name]
    broken = damaged(stream, start, **{column: change})
    days = [[f.kind for f in fault_alarms(look(broken, start + 24 * day)) if f.column == column] for day in range(3)]
    assert days[0]
    assert kind in {kind for day in days for kind in day}


@pytest.mark.parametrize("rows", [1, 6, 24, 168, 1_000])
def test_any_length_of_look_is_quiet_and_sees_a_unit_change(rows, stream, look, damaged):
    at = REFERENCE + 24 * 200
    assert not fault_alarms(look(stream, at, rows))
    broken = damaged(stream, at - max(24 - rows, 0), temp_c=lambda x: 1.8 * x + 32)
    assert fault_alarms(look(broken, at, rows))
