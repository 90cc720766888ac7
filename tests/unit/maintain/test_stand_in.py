"""Where a column is lost, which rows lack it, and what a version without it must learn."""

from typing import Any

import numpy as np
import pytest

from setpoint.domain.feature_map import FeatureMap, Instead, Sign
from setpoint.domain.incident import Cause, Hypothesis, IncidentStatus, Remedy, Repair
from setpoint.domain.schema import DType, Feature, Kind
from setpoint.domain.value import replace
from setpoint.maintain.stand_in import gain_of, held_out, lost_column, lost_values, standing_in, within, without

TEMP = Feature(name="temp", kind=Kind.NUMERIC, dtype=DType.FLOAT)
SKY = Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING)
HEALTHY = np.arange(101.0)


def broken(incident: Any, cause: Cause, remedy: Remedy | None = None, weight: float = 0.9, **changes: Any) -> Any:
    seen = replace(incident(), causes=(Hypothesis(cause=cause, weight=weight, subject="temp"),), **changes)
    if weight < 1:
        seen = replace(seen, causes=(*seen.causes, Hypothesis(cause=Cause.UNKNOWN, weight=1 - weight, subject="temp")))
    if remedy is None:
        return seen
    repair = Repair(id="i-1", remedy=remedy, subject="temp", cause=cause, applied=seen.opened)
    return replace(seen, repair=repair, status=IncidentStatus.MENDING)


@pytest.mark.parametrize(
    ("cause", "remedy", "weight", "lost"),
    [
        (Cause.NULL, None, 0.9, True),
        (Cause.NULL, Remedy.IMPUTE, 0.9, True),
        (Cause.FROZEN, Remedy.IGNORE, 0.9, True),
        (Cause.SKEW, Remedy.HOLD, 0.9, True),
        (Cause.NULL, Remedy.FALLBACK, 0.9, False),  # one stands in
        (Cause.UNIT, None, 0.9, False),
        (Cause.NULL, None, 0.6, False),
    ],
)
def test_a_column_is_lost_where_no_map_brings_its_values_back(incident, cause, remedy, weight, lost) -> None:
    assert (lost_column(broken(incident, cause, remedy, weight)) == (cause, "temp")) is lost


@pytest.mark.parametrize(("everywhere", "lost"), [(True, True), (False, False)])
def test_what_keeps_most_of_a_skewed_column_is_not_done_without(incident, everywhere, lost) -> None:
    map_ = FeatureMap(id="i", feature="temp", instead=Instead(constant=1.0, held=0.0, everywhere=everywhere))
    one = broken(incident, Cause.SKEW, Remedy.IMPUTE)
    assert (lost_column(replace(one, repair=replace(one.repair, map=map_))) is not None) is lost


def test_a_version_is_fitted_for_an_incident_once(incident) -> None:
    assert lost_column(broken(incident, Cause.NULL, stand_in="none")) is None


def test_rows_that_lack_a_number_are_told_as_they_are_sent() -> None:
    since = np.where(np.arange(200) % 2, np.nan, 3.0)
    gone = without(TEMP, Cause.NULL, "i.without", HEALTHY, since)
    assert (gone.instead.constant, gone.instead.share, gone.instead.held) == (50.0, 0.5, None)
    lacks = within(gone)
    assert [lacks.has(v, DType.FLOAT) for v in (None, float("nan"), 3.0)] == [True, True, False]
    stuck = within(without(TEMP, Cause.FROZEN, "i.without", HEALTHY, np.full(200, 3.0)))
    assert [stuck.has(v, DType.FLOAT) for v in (None, 3.0, 3.1)] == [True, True, False]
    skewed = within(without(TEMP, Cause.SKEW, "i.without", HEALTHY, since))
    assert [skewed.has(v, DType.FLOAT) for v in (None, -1e300, 3.0)] == [True, True, True]


def test_rows_that_lack_a_text_are_told_too() -> None:
    healthy, since = np.array(["grey", "clear", "clear"], object), np.full(100, None, object)
    gone = without(SKY, Cause.NULL, "i.without", healthy, since)
    assert (gone.instead.constant, gone.instead.sign) == ("clear", Sign.MISSING)
    assert within(gone).has(None, DType.STRING)
    assert not within(gone).has("clear", DType.STRING)
    assert without(SKY, Cause.SKEW, "i.without", healthy, since) is None


def test_a_column_that_comes_again_is_not_lost() -> None:
    since = np.concatenate([np.full(150, np.nan), np.full(50, 3.0)])
    assert without(TEMP, Cause.NULL, "i.without", HEALTHY, since) is None


def test_the_repair_names_who_answers_which_rows(incident) -> None:
    gone = without(TEMP, Cause.NULL, "i.without", HEALTHY, np.full(100, np.nan))
    repair = standing_in(broken(incident, Cause.NULL), Cause.NULL, gone, "v2", "v1")
    assert (repair.fallback.version, repair.fallback.instead_of, repair.map) == ("v2", "v1", gone)
    assert repair.stays
    assert repair.undoable


def test_lost_values_come_at_the_held_one_or_not_at_all() -> None:
    np.testing.assert_array_equal(lost_values(HEALTHY[:2], 3.0), [3.0, 3.0])
    assert np.isnan(lost_values(HEALTHY[:2], None)).all()
    assert lost_values(np.array(["a", "b"], object), None).tolist() == [None, None]


def test_the_latest_quarter_is_held_out(world) -> None:
    rows = held_out(world().healthy)
    assert len(rows) == len(world().healthy) // 4
    assert rows.time[-1] == world().healthy.time[-1]
    assert held_out(world().healthy.take(np.arange(100))) is None


def test_a_version_that_is_no_better_stands_in_by_chance_once_in_forty() -> None:
    """Two versions that lose the same on average: the lower end of the 95 % interval lies above zero in 2.5 %."""
    rng = np.random.default_rng(0)
    gains = [gain_of(rng.exponential(1, 250), rng.exponential(1, 250)).low > 0 for _ in range(2_000)]
    assert np.mean(gains) < 0.04
